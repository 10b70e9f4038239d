"""Models and rankings are swapped under load: no request fails, and every answer is of one version."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from contracts.days import to_date, utc_now
from contracts.tables import scores_schema
from models.bundle import load_bundle
from serving.live import score_live
from serving.live_scorer import LiveScorer
from serving.shapes.posted import read_score_request
from serving.store import publish
from tests.faults.models import put, write_model
from tests.faults.running import Server, asked, serving, until
from tests.serving.shop import AS_OF, HORIZONS, histories, order, rate, score_row

CUSTOMERS, CLIENTS = 40, 8
LONGEST_P99_MS = 5_000  # generous: it must hold on a machine that is busy with other things
POSTED = histories(anna=[order("2023-10-01", 20.0), order("2023-12-01", 30.0)])
FULL = pytest.param(200, marks=[pytest.mark.faults, pytest.mark.full], id="200")


def ranking_of(number: int) -> pa.Table:
    """Return the ranking of a number: its day, its model and its customers' recency follow from the number."""
    rows = [
        score_row(f"c{place}", number + 10 * place, as_of=AS_OF + number, horizons=HORIZONS)
        | {
            "rank": place + 1,
            "percentile": 100.0 - place,
            "model_version": f"{number:012d}",
            "currency": "XXX",
        }
        for place in range(CUSTOMERS)
    ]
    return pa.Table.from_pylist(rows, schema=scores_schema(HORIZONS))


def whole(number: int, answer: dict[str, Any], row: dict[str, Any]) -> bool:
    """Tell whether a row, and the facts of the answer around it, are all of the ranking of this number."""
    place = int(row["customer_id"][1:])
    return bool(
        answer["as_of"] == to_date(AS_OF + number).isoformat()
        and answer["valid_until"] == to_date(AS_OF + number + 7).isoformat()
        and row["recency_days"] == number + 10 * place
        and row["p_repurchase_90d"] == rate(90, number + 10 * place)
    )


@dataclass
class Clients:
    """Clients that ask without a pause, what was wrong with the answers, and how many seconds each took."""

    server: Server
    stop: threading.Event = field(default_factory=threading.Event)
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    live: set[tuple[str, float]] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Ask until told to stop."""
        with self.server.connection() as connection:
            number = 0
            while not self.stop.is_set():
                number += 1
                begun = time.perf_counter()
                try:
                    self._ask(connection, number)
                    self.seconds.append(time.perf_counter() - begun)
                except Exception as error:
                    self.failed.append(repr(error))
                    connection.close()

    @property
    def answers(self) -> int:
        """How many requests were answered."""
        return len(self.seconds)

    def waited_ms(self) -> tuple[float, float, float]:
        """Return the median, the 99th percentile and the longest of all answers."""
        p50, p99, longest = np.percentile(self.seconds, (50, 99, 100)) * 1000
        return float(p50), float(p99), float(longest)

    def _ask(self, connection: Any, number: int) -> None:
        if number % 3 == 0:
            status, answer = asked(connection, "/v1/score", POSTED)
            if status == 200:
                self.live.add((answer["model_version"], answer["scores"][0]["p_repurchase_90d"]))
        elif number % 3 == 1:
            status, answer = asked(connection, f"/v1/customers/c{number % CUSTOMERS}")
            self._check(status, answer, [answer])
        else:
            status, answer = asked(connection, f"/v1/ranking?limit={CUSTOMERS}")
            self._check(status, answer, answer.get("items", []))
        if status != 200:
            self.failed.append(f"{status} {answer}")

    def _check(self, status: int, answer: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        if status == 200:
            version = answer["model_version"]
            self.versions.add(version)
            if not rows or not all(whole(int(version), answer, row) for row in rows):
                self.torn.append(str(answer)[:200])


@pytest.mark.parametrize("swaps", [pytest.param(3, id="3"), FULL])
def test_swaps_under_eight_clients(tmp_path: Path, swaps: int, tell: Callable[[str], None]) -> None:
    expected = dict((model(tmp_path, 0),))
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    with serving(tmp_path) as server:
        held = server.open_files
        clients = Clients(server)
        threads = [threading.Thread(target=clients.run) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for number in range(1, swaps + 1):
            expected |= [model(tmp_path, number)]
            publish(ranking_of(number), tmp_path / "ranking", manifest={})
            server.look(counts=2)
        clients.stop.set()
        for thread in threads:
            thread.join()
        let_go = until(
            lambda: server.open_files <= held + CLIENTS, seconds=10
        )  # of old rankings and of connections
        left = server.open_files
        assert server.alive and sorted(server.counted) == ["model done"] * swaps + ["store done"] * swaps
    p50, p99, longest = clients.waited_ms()
    wrong = [one for one in clients.live if expected.get(one[0]) != one[1]]
    tell(
        f"{swaps} swaps of model and ranking, {CLIENTS} clients: {clients.answers} answers, {len(clients.failed)} "
        f"failed, {len(clients.torn) + len(wrong)} mixed; {len({v for v, _ in clients.live})} models and "
        f"{len(clients.versions)} rankings were seen; an answer took {p50:.0f} ms (p50), {p99:.0f} (p99), "
        f"{longest:.0f} (max), clients and swaps on the same cores; files open or mapped before {held}, after {left}"
    )
    assert let_go and p99 < LONGEST_P99_MS
    assert not clients.failed and not clients.torn and not wrong
    assert clients.answers > 20 * swaps and len(clients.versions) > swaps / 2


def model(folder: Path, number: int) -> tuple[str, float]:
    """Put the model of a number in its place; return its version and its answer to the posted history."""
    version = write_model(folder / "fresh", number)
    put(folder / "fresh", folder / "model")
    scorer = LiveScorer(load_bundle(folder / "model", in_child_first=False), utc_now)
    posted = read_score_request(json.dumps(POSTED).encode())
    live = score_live(posted, scorer=scorer, zone=ZoneInfo("UTC"), now=utc_now())
    assert live.table is not None
    return version, float(live.table["p_repurchase_90d"][0].as_py())
