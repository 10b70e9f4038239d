"""The server in an environment that has the serving group alone: `python -m tests.serving_alone`.

pytest is not there either: each function below that begins with `test_` is a test, run in this order.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from contracts.days import to_day
from features.catalog import BTYD_SUMMARY, CATALOG
from features.kernel.history import History
from features.orders import read_orders
from models.btyd_fit import Certificate
from models.bundle import Bundle, load_bundle, write_bundle
from models.closed_form import Btyd, GammaGamma
from models.ensemble import Ensemble
from models.gamma_gamma import Spend
from models.level import Level
from models.mbgnbd import MbgNbd
from serving.app import create_app
from serving.guarding.keys import KeyRing, new_key
from serving.live_scorer import LiveScorer
from serving.rank import Scoring, score_history
from serving.server import server
from serving.store import Store, publish

ABSENT = ("mlflow", "lifetimes", "sklearn", "pandas", "matplotlib", "pytest")
NOW = datetime(1998, 4, 2, 6, 0, tzinfo=UTC)
AS_OF = to_day(datetime(1998, 4, 1))
ORDERS = """customer_id,order_id,ordered_at,amount
a,1,1997-01-12,29.33
a,2,1997-08-02,14.00
a,3,1998-03-20,21.50
b,4,1997-06-01,9.99
c,5,1998-02-14,45.00
c,6,1998-03-14,45.00
"""


@dataclass(frozen=True)
class Shop:
    """The running server, what it serves and the key that opens it."""

    url: str
    key: str
    scores: list[dict[str, Any]]

    def ask(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> tuple[int, Any]:
        """Return status and JSON answer of a GET, or of a POST if there is a body."""
        headers = {"x-api-key": self.key if key is None else key, "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers)) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def make_bundle(folder: Path) -> Bundle:
    """Write a bundle from literal numbers, with no fit, and load it as the server does."""
    spend = Spend(GammaGamma(6.25, 3.74, 15.44))
    base = MbgNbd(Btyd(0.52, 76.0, 0.6, 1.5, True), Certificate(-1.0, 3, 3, 1, 0.0, False), spend)
    model = Ensemble(base, spend, None, 0.0, Level.none())
    names = tuple(dict.fromkeys((*BTYD_SUMMARY, *model.needs)))
    sample = {name: np.array([0.0, 2.0, 5.0]) for name in (*names, "recency", "tenure")}
    sample["tenure"] = np.array([10.0, 200.0, 400.0])
    manifest = {
        "model": "ensemble",
        "parts": model.parts,
        "features": {name: next(iter(CATALOG.pick([name]))).source_hash for name in names},
        "horizon": 90,
        "first_day": "2020-01-01",
        "horizons": [30, 90],
        "learnt_until_days": 0,
        "as_of": "1998-04-01",
        "currency": "USD",
        "timezone": "UTC",
        "clv": {"days": 365, "margin": 1.0, "discount_rate": 0.1},
    }
    write_bundle(folder, model, manifest=manifest, sample=sample)
    return load_bundle(folder)


@contextmanager
def running(folder: Path) -> Iterator[Shop]:
    """Rank three customers, publish them and serve them on a free port."""
    (folder / "orders.csv").write_text(ORDERS)
    history = History.from_lines(read_orders(folder / "orders.csv").lines)
    bundle = make_bundle(folder / "model")
    scores = score_history(history, bundle, Scoring(AS_OF, (30, 90), 90, "value", NOW))
    publish(scores, folder / "ranking", manifest={})
    key = new_key(folder / "keys.json", "test")
    app = create_app(
        store=Store.open(folder / "ranking"),
        scorer=LiveScorer(bundle, lambda: NOW),
        keys=KeyRing.load(folder / "keys.json"),
        clock=lambda: NOW,
    )
    uvicorn = server(app, host="127.0.0.1", port=0)
    thread = threading.Thread(target=uvicorn.run)
    thread.start()
    try:
        while not uvicorn.started and thread.is_alive():
            time.sleep(0.01)
        port = uvicorn.servers[0].sockets[0].getsockname()[1]
        yield Shop(f"http://127.0.0.1:{port}", key, scores.to_pylist())
    finally:
        uvicorn.should_exit = True
        thread.join()


# ---------------------------------------------------------------- the tests
def test_the_training_libraries_are_not_installed(shop: Shop) -> None:
    assert [name for name in ABSENT if find_spec(name) is not None] == []


def test_the_server_is_ready(shop: Shop) -> None:
    status, answer = shop.ask("/health/ready", key="")
    assert (status, answer["status"], answer["ranking"]) == (200, "ready", True)


def test_a_customer_is_looked_up(shop: Shop) -> None:
    status, answer = shop.ask("/v1/customers/a")
    ours = next(row for row in shop.scores if row["customer_id"] == "a")
    assert status == 200 and answer["p_repurchase_90d"] == ours["p_repurchase_90d"]


def test_without_a_key_nothing_is_told(shop: Shop) -> None:
    assert shop.ask("/v1/customers/a", key="")[0] == 401


def test_the_ranking_is_told(shop: Shop) -> None:
    status, answer = shop.ask("/v1/ranking?limit=2")
    assert status == 200 and [item["rank"] for item in answer["items"]] == [1, 2]


def test_a_posted_history_gets_the_scores_of_the_ranking(shop: Shop) -> None:
    orders = [
        {"order_id": order, "ordered_at": day, "amount": float(amount)}
        for customer, order, day, amount in (line.split(",") for line in ORDERS.splitlines()[1:])
        if customer == "c"
    ]
    status, answer = shop.ask("/v1/score", {"customers": [{"customer_id": "c", "orders": orders}]})
    ours = next(row for row in shop.scores if row["customer_id"] == "c")
    assert status == 200 and answer["scores"][0]["curve"]["p_repurchase"] == ours["curve"]
    assert all(answer["scores"][0][name] == ours[name] for name in ("p_alive", "clv", "expected_value_90d"))


def test_the_model_card_is_told(shop: Shop) -> None:
    status, answer = shop.ask("/v1/model")
    assert status == 200 and answer["card"]["parts"] == "mbgnbd"


def test_the_command_line_starts(shop: Shop) -> None:
    from repurchase.cli import app

    assert {command.callback.__name__ for command in app.registered_commands if command.callback} >= {
        "serve",
        "rank",
    }


def test_none_of_the_training_libraries_was_imported(shop: Shop) -> None:
    assert [name for name in ABSENT if name in sys.modules] == []


def test_who_neither_exports_nor_plans_has_not_loaded_what_that_takes(shop: Shop) -> None:
    loads = "import sys, serving.app, serving.live_scorer, serving.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert {"duckdb", "scipy.optimize"}.isdisjoint(done.stdout.split())


def main() -> int:
    """Run every test; print each failure and the count; return how many failed."""
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="repurchase-serving-") as folder, running(Path(folder)) as shop:
        for test in tests:
            try:
                test(shop)
            except Exception:
                failed += 1
                sys.stdout.write(f"FAILED {test.__name__}\n{traceback.format_exc()}\n")
    sys.stdout.write(f"{len(tests) - failed} passed, {failed} failed\n")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
