"""Clocks that are set, and time zones: days, validity, limits and signatures stay what they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from serving.app import create_app
from serving.settings import ServiceSettings
from serving.webhook import signature, verify
from tests.faults.models import write_model
from tests.faults.rankings import SHIFTED, driven, scores
from tests.faults.shop import orders
from tests.repurchase.front_door import run
from tests.serving.shop import Client, CountingScorer, histories, make_key, open_store, order

RANK = ("rank", "orders.csv", "--model", "model", "--out")
SPRING, AUTUMN = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test move to another time zone, and come home again."""
    with monkeypatch.context() as moved:
        yield moved
    time.tzset()


def move(here: pytest.MonkeyPatch, zone: str) -> None:
    here.setenv("TZ", zone)
    time.tzset()


class Clock:
    """A clock that can be set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


# ---------------------------------------------------------------- ranking
def shop(folder: Path) -> None:
    write_model(folder / "model")
    orders(folder, "orders.csv", count=2_000)


@pytest.mark.faults
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"])
def test_the_ranking_does_not_depend_on_the_machines_time_zone(tmp_path: Path, zone: str) -> None:
    shop(tmp_path)
    for out, where in (("utc", "UTC"), ("there", zone)):
        assert run(tmp_path, *RANK, out, settings={"TZ": where}).code == 0
    assert scores(tmp_path / "there").equals(scores(tmp_path / "utc"))
    (at,) = set(pq.read_table(tmp_path / "there/scores.parquet")["scored_at"].to_pylist())
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


@pytest.mark.faults
def test_a_clock_set_ten_years_forth_changes_no_score(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run(tmp_path, *RANK, "today").code == 0
    done = driven(SHIFTED, tmp_path, "3650", *RANK, "later")
    assert done.returncode == 0, done.stderr
    assert scores(tmp_path / "later").equals(scores(tmp_path / "today"))
    until = scores(tmp_path / "later")["valid_until"][0].as_py()
    assert until == date(2024, 1, 2) and "days old" in done.stderr


@pytest.mark.faults
def test_a_clock_set_back_before_all_orders_is_one_message_and_the_ranking_stays(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run(tmp_path, *RANK, "ranking").code == 0
    before = scores(tmp_path / "ranking")
    done = driven(SHIFTED, tmp_path, "-5000", *RANK, "ranking")
    messages = [line for line in done.stderr.splitlines() if not line.startswith("… ")]
    assert done.returncode == 2 and "Traceback" not in done.stderr and len(messages) == 1, done.stderr
    assert scores(tmp_path / "ranking").equals(before)


# ---------------------------------------------------------------- answering
def app_of(folder: Path, clock: Clock, *, per_minute: int = 0) -> Client:
    key, ring = make_key(folder)
    app = create_app(
        store=open_store(folder / "out", "a"), scorer=CountingScorer(), keys=ring, clock=clock,
        settings=ServiceSettings(per_minute=per_minute),
    )  # fmt: skip
    return Client(app, key)


@pytest.mark.parametrize("days", [-4000, -1, 1, 4000])
def test_a_clock_that_is_set_neither_lifts_nor_prolongs_a_rate_limit(tmp_path: Path, days: int) -> None:
    clock = Clock(SPRING)
    client = app_of(tmp_path, clock, per_minute=3)
    statuses = [client.get("/v1/customers/a").status_code for _ in range(4)]
    clock.now += timedelta(days=days)
    after = client.get("/v1/customers/a")
    assert statuses == [200, 200, 200, 429] and after.status_code == 429
    assert 0 < int(after.headers["retry-after"]) <= 60


def test_the_rankings_day_and_validity_are_those_of_the_ranking_whatever_the_clock_says(
    tmp_path: Path,
) -> None:
    clock = Clock(SPRING)
    client = app_of(tmp_path, clock)
    told = []
    for now in (SPRING, AUTUMN, datetime(1990, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)):
        clock.now = now
        answer = client.get("/v1/customers/a").json()
        told.append((answer["as_of"], answer["valid_until"]))
        assert client.get("/health/live").status_code == 200
    assert set(told) == {("1998-04-01", "1998-04-08")}


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-29T02:30:00", "2026-03-29"), ("2026-10-25T02:30:00", "2026-10-25"),
        ("2026-03-28T23:59:59+01:00", "2026-03-28"), ("2026-10-25T22:59:59Z", "2026-10-25"),
        ("2026-10-25T23:00:00Z", "2026-10-26"), ("2026-03-29T22:00:00Z", "2026-03-30"),
    ],
)  # fmt: skip
def test_an_order_on_a_day_of_23_or_25_hours_counts_on_its_local_day(
    tmp_path: Path, at: str, day: str
) -> None:
    """The shop is in Berlin; 02:30 is not there in spring, and twice in autumn."""
    client = app_of(tmp_path, Clock(datetime(2026, 11, 1, tzinfo=UTC)))
    answer = client.score({**histories(a=[order(at)]), "as_of": "2026-10-31"}).json()
    last = date.fromisoformat("2026-10-31") - timedelta(days=answer["scores"][0]["recency_days"])
    assert last.isoformat() == day


def test_with_the_clock_set_back_before_an_order_the_default_day_is_the_models(tmp_path: Path) -> None:
    client = app_of(tmp_path, Clock(datetime(1998, 5, 1, tzinfo=UTC)))
    posted = histories(a=[order("1998-03-02"), order("1999-01-01")])
    answer = client.score(posted).json()
    assert (answer["as_of"], answer["as_of_from"]) == ("1998-04-01", "model")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/St_Johns", "UTC"])
def test_answers_do_not_depend_on_the_machines_time_zone(
    tmp_path: Path, here: pytest.MonkeyPatch, zone: str
) -> None:
    move(here, zone)
    client = app_of(tmp_path, Clock(datetime(1998, 5, 1, tzinfo=UTC)))
    answer = client.score(histories(a=[order("1998-04-02T23:30:00")])).json()
    assert (answer["as_of"], answer["scores"][0]["recency_days"]) == ("1998-04-02", 0)


# ---------------------------------------------------------------- webhooks
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Berlin", "America/St_Johns"])
@pytest.mark.parametrize("now", [SPRING, AUTUMN])
def test_a_webhook_is_verified_across_zones_and_on_the_nights_when_clocks_change(
    here: pytest.MonkeyPatch, zone: str, now: datetime
) -> None:
    move(here, zone)
    sent = int(now.timestamp())
    made = signature(b"k" * 24, message_id="msg_1", timestamp=sent, body=b"{}")
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(sent), "webhook-signature": made}
    secret = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr"
    verify(secret, headers, b"{}", now=now.astimezone() + timedelta(minutes=4))
