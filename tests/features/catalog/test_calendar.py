"""Days of the week, hours and months, a second way."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, Known, assert_equal
from tests.features.shops import DAY, SOME, Row, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    opened = [row["ordered_at"] for row in known.opens.values()]
    dates = [next(row["ordered_at"].date() for row in known.sold if row["day"] == day) for day in known.days]
    hours = [at.hour for at in opened]
    counts = Counter(f"{row['ordered_at']:%A}".lower() for row in known.opens.values())
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {
        **{f"{day}_share": counts[day] / len(opened) for day in week},
        "weekday_mode_share": max(counts.values()) / len(opened),
        "weekend_share": sum(at.isoweekday() > 5 for at in opened) / len(opened),
        "weekday_first": dates[0].weekday(),
        "weekday_last": dates[-1].weekday(),
        "holiday_share": sum(day.month > 10 for day in dates) / len(dates),
        "holiday_first": float(dates[0].month > 10),
        "month_day_mean": statistics.fmean(day.day - 1 for day in dates),
        "hour_mean": statistics.fmean(hours),
        "hour_first": hour_on(known, known.days[0]),
        "hour_last": hour_on(known, known.days[-1]),
        "night_share": sum(hour < 6 for hour in hours) / len(hours),
        "morning_share": sum(6 <= hour < 12 for hour in hours) / len(hours),
        "evening_share": sum(hour >= 18 for hour in hours) / len(hours),
    }


def hour_on(known: Known, day: int) -> float:
    opened: list[Row] = [row for row in known.opens.values() if row["day"] == day]
    return statistics.fmean(row["ordered_at"].hour for row in opened)


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_calendar_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("calendar", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_calendar_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("calendar", golden, shop, day)
