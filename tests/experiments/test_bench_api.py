from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from experiments.bench_api import Measured, bars_of
from experiments.bench_api_bodies import HISTORIES, ORDERS, histories, write_noop, write_scores
from experiments.bench_api_servers import Load, free_port, load, running
from serving.shapes.posted import read_score_request

AS_OF = 10_407


def measured(per_second: float, p99: float) -> Measured:
    return Measured([Load(per_second, 1.0, p99, 100, 0)], [1.0])


def test_the_bodies_are_histories_of_twenty_orders(tmp_path: Path) -> None:
    file = write_scores(tmp_path / "one.txt", histories(AS_OF, seed=1), AS_OF, each=1)
    path, *bodies = file.read_text().splitlines()
    asked = read_score_request(bodies[0].encode())
    assert (path, len(bodies), len(asked.customers[0].orders)) == ("/v1/score", HISTORIES, ORDERS)


def test_the_noop_is_sent_the_same(tmp_path: Path) -> None:
    posted = histories(AS_OF, seed=1)
    ours = write_scores(tmp_path / "a.txt", posted, AS_OF, each=100).read_text().splitlines()
    noop = write_noop(tmp_path / "b.txt", posted, AS_OF, each=100).read_text().splitlines()
    assert noop[0] == "/v1/noop" and noop[1:] == ours[1:] and len(json.loads(ours[1])["customers"]) == 100


def test_a_bar_is_met_or_not() -> None:
    results = {
        (name, c): measured(*figures)
        for c in (1, 8)
        for name, figures in {
            "no-op, GET": (3_000.0, 4.0),
            "look-up": (1_500.0, 8.0),
            "no-op, POST of 1 history": (2_000.0, 5.0),
            "score 1 history": (400.0, 20.0),
        }.items()
    }
    met = {bar.what: bar.met for bar in bars_of(results, 251.0, mlflow=False)}
    assert (
        met["look-up over no-op, 8 connections"] and not met["score of 1 history over no-op, 8 connections"]
    )
    assert met["p99 of look-up over no-op's, 8 connections"]
    assert not met["p99 of score 1 history over no-op's, 8 connections"]
    assert not met["resident memory of the worker, MB"]


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
def test_a_server_is_started_measured_and_stopped(tmp_path: Path) -> None:
    (tmp_path / "paths.txt").write_text("/paths.txt\n")
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "-d", str(tmp_path)]
    with running("files", command, port=port, ready="/", log=tmp_path / "log", env={}) as server:
        got = load(port, "GET", tmp_path / "paths.txt", key="k", connections=1, seconds=1)
        assert got.requests > 10 and got.failed == 0 and server.memory()[0] > 5 and server.cpu_seconds() > 0
    time.sleep(0.1)
    assert not Path(f"/proc/{server.pid}").exists()
