"""A real server over a real ranking, and Chromium in front of it.

The shop is a tenth of CDNOW, trained, ranked twice (so that the first ranking's days are over), diagnosed and planned
by the command line. The server's clock stands on the day after the last order.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from experiments.data_sets import cdnow_file
from models.bundle import load_bundle
from serving.app import create_app
from serving.guarding.keys import KeyRing, new_key
from serving.live_scorer import LiveScorer
from serving.pages.routes import add_pages
from serving.settings import ServiceSettings
from serving.store import Store

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Browser, BrowserContext, Page, Request

NOW = datetime(1998, 7, 1, 9, 30, tzinfo=UTC)
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SIZES = {"desktop": (1320, 900), "phone": (390, 844)}


@dataclass(frozen=True)
class Shop:
    """A folder with everything that the commands made."""

    folder: Path

    @property
    def store(self) -> Path:
        """The published ranking."""
        return self.folder / "ranking"


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    _write_orders(folder)
    rank = ("rank", "orders.csv", "--model", "model", "--out", "ranking", "--formats", "parquet")
    for command in (
        ("train", "orders.csv", "--shop", "small", "--recipe", "recipe.toml", "--out", "model"),
        (*rank, "--as-of", "1998-04-01"),
        (*rank, "--as-of", "1998-06-30"),
        ("diagnose", "orders.csv", "--out", "diagnosis"),
        ("plan", "orders.csv", "--ranking", "ranking", "--budget", "100", "--out", "plan"),
    ):
        _repurchase(folder, *command)
    return Shop(folder)


def _write_orders(folder: Path) -> None:
    """Write the orders of every tenth customer; ids keep their leading zeros."""
    rows = (line.split() for line in cdnow_file().read_text().splitlines())
    some = (
        f"{one[0]},{one[1][:4]}-{one[1][4:6]}-{one[1][6:]},{one[3]}"
        for one in rows
        if one[0].isdigit() and int(one[0]) % 10 == 2
    )
    (folder / "orders.csv").write_text("\n".join(["customer_id,ordered_at,amount", *some]) + "\n")
    (folder / "usd.toml").write_text('currency = "USD"\n')
    (folder / "recipe.toml").write_text("cutoffs = 6\n")


def _repurchase(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "repurchase.cli", *arguments, "--map", "usd.toml"]
    at_home = {"REPURCHASE_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}", "OMP_NUM_THREADS": "1"}
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **at_home, "PYTHONPATH": root}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"


@contextmanager
def served(shop: Shop, *, keys: KeyRing | None = None, store: Path | None = None) -> Iterator[str]:
    """Run a server in a thread; yield its address."""
    scorer = LiveScorer(load_bundle(shop.folder / "model"), lambda: NOW)
    settings = ServiceSettings(plan=shop.folder / "plan", diagnosis=shop.folder / "diagnosis")
    opened = Store.open(store or shop.store)
    app = create_app(store=opened, scorer=scorer, keys=keys, clock=lambda: NOW, settings=settings)
    if not hasattr(app.state, "sessions"):
        add_pages(app)
    with running(app) as address:
        yield address


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """Run an application in a thread; yield its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def address(shop: Shop) -> Iterator[str]:
    with served(shop) as found:
        yield found


@pytest.fixture(scope="session")
def locked(shop: Shop) -> Iterator[tuple[str, str]]:
    """The address of a server that asks for keys, and a key."""
    key = new_key(shop.folder / "keys.json", "anna")
    with served(shop, keys=KeyRing.load(shop.folder / "keys.json")) as found:
        yield found, key


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what went wrong on it: errors on the console, and requests that were not for our server."""

    page: Page
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def watched(chromium: Browser, *, size: str = "desktop", **options: Any) -> Iterator[Watched]:
    """Open a page in a browser of its own that reaches nothing but this machine."""
    width, height = SIZES[size]
    context: BrowserContext = chromium.new_context(viewport={"width": width, "height": height}, **options)
    seen = Watched(context.new_page())

    def asked(request: Request) -> None:
        seen.asked.append(request.url)
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            seen.elsewhere.append(request.url)

    context.route(lambda url: not url.startswith("http://127.0.0.1:"), lambda route: route.abort())
    seen.page.on("request", asked)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on(
        "console", lambda said: seen.errors.append(said.text) if said.type in ("error", "warning") else None
    )
    try:
        yield seen
    finally:
        context.close()
