"""docs/api.md: its commands work against a real server, and every endpoint stands in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI

from serving.app import create_app
from serving.guarding.keys import ADMIN, KeyRing, new_key
from serving.server import server
from serving.settings import ServiceSettings
from tests.serving.shop import NOW, CountingScorer, open_store

pytestmark = pytest.mark.lab  # servers of its own: make test-lab

DOCUMENT = (Path(__file__).parents[1] / "docs/api.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, flags=re.DOTALL)
MODULES = ("customers", "exports", "health", "inference", "metrics", "model", "plan", "ranking", "score")
ROUTERS = [
    value
    for module in MODULES
    for value in vars(import_module(f"serving.api.{module}")).values()
    if isinstance(value, APIRouter)
]


def plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("shop")
    new_key(folder / "keys.json", "test")
    settings = ServiceSettings(exports=folder / "exports")
    store = open_store(folder / "ranking", "07592", "b", "c")
    ring = KeyRing.load(folder / "keys.json")

    def make() -> FastAPI:
        return create_app(
            store=store, scorer=CountingScorer(), keys=ring, clock=lambda: NOW, settings=settings
        )

    made, listed = make(), set(make().openapi()["paths"])
    for router in ROUTERS:
        if not {plain(route.path) for route in router.routes} & {plain(path) for path in listed}:  # type: ignore[attr-defined]
            made.include_router(router)
    made.state.folder = folder
    return made


@pytest.fixture(scope="module")
def shell(app: FastAPI) -> Iterator[dict[str, str]]:
    """Return the environment in which the document's commands are run, beside a running server."""
    folder, running = app.state.folder, server(app, host="127.0.0.1", port=0)
    keys = {name: new_key(folder / "keys.json", name, scopes=scopes) for name, scopes in
            (("KEY", ("score:read",)), ("ADMIN_KEY", (ADMIN,)))}  # fmt: skip
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    time.sleep(1.1)  # the key file is looked at once a second
    port = running.servers[0].sockets[0].getsockname()[1]
    yield {**os.environ, **keys, "URL": f"http://127.0.0.1:{port}", "FOLDER": str(folder)}
    running.should_exit = True
    thread.join()


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("$URL")[-1][:30].split('"')[0])
def test_the_commands_work(block: str, shell: dict[str, str]) -> None:
    given = 'curl() { command curl --fail-with-body -sS "$@"; }\n'
    first = "".join(line for line in BLOCKS[0].splitlines(keepends=True) if "URL=" not in line)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", given + first + (block if block != BLOCKS[0] else "")],
        env=shell,
        cwd=shell["FOLDER"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


def test_every_endpoint_stands_in_the_document() -> None:
    shown = DOCUMENT.replace("models/repurchase", "models/{}").replace("$id", "{}").replace("07592", "{}")
    paths = {plain(route.path) for router in ROUTERS for route in router.routes}  # type: ignore[attr-defined]
    assert len(paths) > 15 and sorted(path for path in paths if f"$URL{path}" not in shown) == []
