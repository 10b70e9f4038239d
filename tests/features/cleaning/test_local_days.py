"""The shop's local day: time zones across midnight, hours that happen twice or never, absurd years."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from features.orders import read_orders
from tests.features.cleaning.shop import column, counts, read, refused, shop, write


def berlin(folder: Path, *times: str, zone: str = "Europe/Berlin") -> list[datetime]:
    rows = [f"a,{i},{time},1" for i, time in enumerate(times)]
    mapping = shop(f'preset = "generic"\ntimezone = "{zone}"')
    return column(read_orders(write(folder, *rows), mapping=mapping), "ordered_at")


def test_an_hour_that_happens_twice_is_the_same_local_hour(tmp_path: Path) -> None:
    found = berlin(tmp_path, "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27T02:30:00+02:00")
    assert found == [datetime(2024, 10, 27, 2, 30)] * 3


def test_an_hour_that_never_happens_is_skipped_by_times_with_an_offset(tmp_path: Path) -> None:
    found = berlin(tmp_path, "2024-03-31T00:59:59Z", "2024-03-31T01:00:00Z")
    assert found == [datetime(2024, 3, 31, 1, 59, 59), datetime(2024, 3, 31, 3, 0)]


def test_a_naive_time_in_an_hour_that_never_happens_stays_as_written(tmp_path: Path) -> None:
    assert berlin(tmp_path, "2024-03-31 02:30:00") == [datetime(2024, 3, 31, 2, 30)]


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Auckland", 2), ("UTC", 1), ("America/Los_Angeles", 1), ("Asia/Kolkata", 2)]
)
def test_a_time_zone_moves_a_late_order_to_its_local_day(tmp_path: Path, zone: str, day: int) -> None:
    (found,) = berlin(tmp_path, "2024-07-01T20:30:00Z", zone=zone)
    assert found.date() == date(2024, 7, day)


def test_the_current_time_is_compared_in_the_shops_time_zone(tmp_path: Path) -> None:
    from datetime import UTC

    mapping = shop('preset = "generic"\ntimezone = "Asia/Tokyo"')
    path = write(tmp_path, "a,1,2024-06-02 08:00,1", "a,2,2024-06-02 10:00,1")
    orders = read_orders(path, mapping=mapping, now=datetime(2024, 6, 2, 0, 0, tzinfo=UTC))
    assert refused(orders) == {"future_date": 1} and column(orders, "order_id") == ["1"]


def test_days_before_1970_and_far_after_are_days_like_others_where_the_rule_is_off(tmp_path: Path) -> None:
    rows = ("a,1,1600-02-29,1", "a,2,1969-12-31 23:00,1", "a,3,2024-01-01,1", "a,4,9999-12-31 23:59:59,1")
    orders = read(tmp_path, *rows, toml="[rules]\nabsurd_date = false")
    assert column(orders, "day") == [-135081, -1, 19723, 2932896] and counts(orders)["kept"] == 4
