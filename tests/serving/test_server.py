"""The real server on loopback, over real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.server import server
from tests.serving.shop import histories, make_app, make_key, open_store, order


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("shop")
    key, ring = make_key(folder)
    running = server(
        make_app(open_store(folder / "out", "a", "a/b", "50%2F", "ü"), ring), host="127.0.0.1", port=0
    )
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"x-api-key": key}) as client:
        yield client
    running.should_exit = True
    thread.join()


@pytest.mark.parametrize(
    ("path", "customer_id"),
    [("a", "a"), ("a/b", "a/b"), ("a%2Fb", "a/b"), ("50%252F", "50%2F"), ("%C3%BC", "ü")],
)
def test_ids_are_decoded_once(shop: httpx.Client, path: str, customer_id: str) -> None:
    assert shop.get(f"/v1/customers/{path}").json()["customer_id"] == customer_id


@pytest.mark.parametrize("path", ["%ED%A0%80", "%FF", "a%00", "..%2F..%2Fetc"])
def test_broken_ids_are_not_found(shop: httpx.Client, path: str) -> None:
    assert shop.get(f"/v1/customers/{path}").status_code == 404


def test_a_history_is_scored(shop: httpx.Client) -> None:
    answer = shop.post("/v1/score", json=histories(a=[order("1998-03-02")]))
    assert answer.json()["scores"][0]["recency_days"] == 30


def test_a_body_over_the_limit_is_a_problem(shop: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    answer = shop.post("/v1/score", content=b" " * (8 * 2**20 + 1), headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert shop.get("/health/live").status_code == 200


def test_a_client_that_hangs_up_in_its_body_hurts_nobody(shop: httpx.Client) -> None:
    head = b"POST /v1/score HTTP/1.1\r\nhost: shop\r\nx-api-key: " + shop.headers["x-api-key"].encode()
    with socket.create_connection((shop.base_url.host, shop.base_url.port or 80)) as connection:
        connection.sendall(head + b"\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    assert shop.get("/health/live").status_code == 200


def test_the_servers_name_is_not_told(shop: httpx.Client) -> None:
    headers = shop.get("/health/live").headers
    assert "server" not in headers and headers["x-content-type-options"] == "nosniff"


def test_the_server_imports_none_of_the_training_libraries() -> None:
    code = (
        "import sys, serving.app, serving.server, serving.store;"
        "print({'pandas', 'mlflow', 'lifetimes', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert ran.stdout.strip() == "set()"
