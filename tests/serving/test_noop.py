from __future__ import annotations

from pathlib import Path

from serving.noop import noop_app
from tests.serving.shop import NOW, Client, make_key


def test_nothing_is_answered_to_a_key(tmp_path: Path) -> None:
    key, ring = make_key(tmp_path)
    client = Client(noop_app(keys=ring, clock=lambda: NOW), key)
    assert client.get("/v1/noop").json() == {"seen": 0}
    assert client.send("POST", "/v1/noop", json={"a": 1}).json() == {"seen": 7}


def test_the_gate_and_the_keys_stand_before_it(tmp_path: Path) -> None:
    _, ring = make_key(tmp_path)
    answer = Client(noop_app(keys=ring, clock=lambda: NOW)).get("/v1/noop")
    assert answer.status_code == 401 and answer.headers["cache-control"] == "no-store"
