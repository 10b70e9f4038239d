from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.serving.guarded import guard, guarded
from tests.serving.shop import Client, make_key, open_store

PROBES = ("/health/ready", "/v2/health/ready", "/v2/models/repurchase/ready", "/ping")


def test_ready_tells_what_it_would_answer_from(tmp_path: Path) -> None:
    store = open_store(tmp_path, *"ab")
    answer = Client(guarded(store, now=datetime(1998, 7, 1, 10, 0, tzinfo=UTC))).get("/health/ready")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "status": "ready", "ranking": True, "model_version": "v1", "ranking_version": store.version,
            "as_of": "1998-04-01", "ranking_age_seconds": 1800, "stale": True,
        },
    )  # fmt: skip


@pytest.mark.parametrize(("day", "stale"), [(8, False), (9, True)])
def test_a_ranking_is_stale_when_its_last_day_is_over_where_the_shop_is(
    tmp_path: Path, day: int, stale: bool
) -> None:
    late = datetime(1998, 4, day, 21, 30, tzinfo=UTC)  # half past eleven at night in Berlin
    assert Client(guarded(open_store(tmp_path, "a"), now=late)).get("/health/ready").json()["stale"] is stale


@pytest.mark.parametrize("path", PROBES)
def test_without_a_ranking_that_is_wanted_nobody_is_ready(path: str) -> None:
    app = guarded()
    assert Client(app).get(path).status_code == 200
    guard(app).needs_ranking = True
    assert Client(app).get(path).status_code == 503


@pytest.mark.parametrize("path", PROBES)
def test_a_server_that_stops_is_not_ready_but_lives(path: str) -> None:
    app = guarded()
    guard(app).draining = True
    assert [Client(app).get(each).status_code for each in (path, "/health/live", "/v1/model")] == [
        503,
        200,
        200,
    ]


@pytest.mark.parametrize("path", [*PROBES, "/health/live", "/v2/health/live", "/v2", "/version"])
def test_probes_need_no_key(tmp_path: Path, path: str) -> None:
    assert Client(guarded(keys=make_key(tmp_path)[1])).get(path).status_code == 200


def test_why_it_is_not_ready_is_told() -> None:
    app = guarded()
    guard(app).needs_ranking = True
    assert Client(app).get("/health/ready").json()["status"] == "no ranking"
