"""No rule looks ahead: reading until a day equals reading what was known on that day, whatever comes later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.days import to_day
from features.cleaning import flags
from features.prepared import overview
from tests.features.cleaning.typed import FIRST, ROWS, SETTINGS, Row, cleaned, told

DAY_0 = to_day(FIRST.date())
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
SALE = Row("z", "9", "p", 1, 1.0, 0, 0, 0, None, None, None)


@pytest.fixture(autouse=True)
def small_shops_have_flags(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a few rows make a reseller, a bot and an outlier."""
    monkeypatch.setattr(flags, "RESELLER_ITEMS", 6)
    monkeypatch.setattr(flags, "BOT_ORDERS", 2)
    monkeypatch.setattr(overview, "LEAST_LINES_FOR_OUTLIERS", 3)
    yield


def known(rows: list[Row], day: int) -> list[Row]:
    """Return the rows as they were known at the end of a day."""
    return [
        replace(row, cancelled=None) if (row.cancelled or 0) > day else row for row in rows if row.day <= day
    ]


@FEW
@given(rows=st.lists(ROWS, max_size=40), day=st.integers(0, 30), rules=SETTINGS)
def test_later_rows_and_cancellations_change_nothing(
    rows: list[Row], day: int, rules: dict[str, Any]
) -> None:
    rows = [SALE, *rows]
    seen, cut = cleaned(rows, rules, until=DAY_0 + day), cleaned(known(rows, day), rules)
    assert seen.lines.equals(cut.lines)
    assert told(seen) == told(cut)
    assert seen.flags.equals(cut.flags)
    assert sorted(seen.refused["reason"].to_pylist()) == sorted(cut.refused["reason"].to_pylist())


@FEW
@given(rows=st.lists(ROWS, max_size=40), day=st.integers(0, 30), rules=SETTINGS)
def test_every_row_is_accounted_for(rows: list[Row], day: int, rules: dict[str, Any]) -> None:
    found = cleaned([SALE, *rows], rules, until=DAY_0 + day)
    count = found.account.rows
    assert count.total() - count["made"] == len(rows) + 1
    assert found.lines.num_rows == count["kept"] + count["made"]
    merged = count["delivered_twice"] + count["duplicate_line"]
    assert found.refused.num_rows == len(rows) + 1 - count["kept"] - count["later"] - merged


def test_the_planted_shop_shows_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples above are worth little if none of them fires a rule: this one fires them all."""
    sale = replace(SALE, customer="a")
    rows = [
        SALE, sale, replace(sale, source=1), replace(sale, order="2", pieces=6), replace(sale, order="2", pieces=6),
        replace(sale, order="3", pieces=-1, day=3), replace(sale, customer="r", pieces=-1),
        replace(sale, order="5", price=900.0, day=20, cancelled=25), replace(sale, day=-19_000),
    ]  # fmt: skip
    found = cleaned(rows, {})
    assert {"delivered_twice", "duplicate_line", "no_valid_order", "absurd_date", "made"} <= set(
        found.account.rows
    )
    assert set(found.flags["flag"].to_pylist()) == {"outlier_basket", "reseller", "bot"}
    assert found.lines["cancelled_day"].null_count < found.lines.num_rows - 1


def test_an_outlier_is_judged_by_earlier_months_alone() -> None:
    few = [replace(SALE, customer=f"c{i}") for i in range(3)]
    high = replace(SALE, customer="h", price=80.0)
    february = (date(2024, 2, 10) - FIRST.date()).days
    assert cleaned([*few, high], {}).flags.num_rows == 0
    assert cleaned([*few, replace(high, day=february)], {}).flags["known_day"].to_pylist() == [
        DAY_0 + february
    ]
    ordinary_now = [replace(high, customer=f"d{i}", day=february) for i in range(50)]
    assert cleaned([*few, *ordinary_now], {}).flags.num_rows == 50
