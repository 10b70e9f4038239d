"""Who comes back: cohorts, periods, and the revenue of existing customers."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.diagnosis.periods import begins, ends, label, period_of
from campaigns.diagnosis.retention import cohorts, returning, revenue_by_month
from contracts.days import parse_day as day
from contracts.days import to_date, to_day
from tests.campaigns.diagnosis.small import SHOPS, order_days, real, sales_of, sales_of_rows
from tests.features.shops import line


# ---------------------------------------------------------------- periods
@given(st.integers(-30_000, 60_000))
def test_a_day_lies_between_the_ends_of_its_month_and_of_its_week(one: int) -> None:
    (month,), (week,) = (period_of(np.array([one]), kind).tolist() for kind in ("month", "week"))
    assert begins(month, "month") <= one <= ends(month, "month") and begins(week, "week") <= one <= ends(
        week, "week"
    )
    assert label(month, "month") == to_date(one).isoformat()[:7]
    monday = to_date(one) - timedelta(days=to_date(one).weekday())
    assert label(week, "week") == monday.isoformat()


# ---------------------------------------------------------------- cohorts
def test_the_share_of_a_months_cohort_is_told_for_each_month_that_is_over() -> None:
    orders = {"a": [day("2021-01-31"), day("2021-02-01"), day("2021-02-20")], "b": [day("2021-01-02")]}
    found = cohorts(sales_of({**orders, "c": [day("2021-03-01")]}, day("2021-03-30")), "month")
    assert (found.names, found.size.tolist()) == (["2021-01", "2021-03"], [2, 1])
    assert found.shares[0, :2].tolist() == [1.0, 0.5] and np.isnan(found.shares[0, 2])
    assert found.shares[1, 0] == 1.0


def test_on_its_last_day_a_month_is_over() -> None:
    found = cohorts(sales_of({"a": [day("2021-01-31")]}, day("2021-02-28")), "month")
    assert found.shares.tolist() == [[1.0, 0.0]]


def test_weeks_begin_on_monday() -> None:
    orders = {"a": [day("2021-03-07"), day("2021-03-08")]}  # a Sunday and a Monday
    found = cohorts(sales_of(orders, day("2021-03-14")), "week")
    assert (found.names, found.shares.tolist()) == (["2021-03-01"], [[1.0, 1.0]])


def test_the_mean_weighs_cohorts_by_their_customers() -> None:
    orders = {f"a{n}": [day("2021-01-05"), day("2021-02-05")] for n in range(3)}
    found = cohorts(sales_of({**orders, "b": [day("2021-02-01")]}, day("2021-03-31")), "month")
    assert found.mean[1] == pytest.approx(3 / 4)


def by_loop(days: dict[str, list[int]], as_of: int) -> dict[tuple[str, int], int]:
    """Count (cohort, months after) pairs of customers by plain loops over calendar dates."""
    found: Counter[tuple[str, int]] = Counter()
    for ordered in days.values():
        dates = [to_date(one) for one in ordered]
        first = dates[0]
        after = {(one.year - first.year) * 12 + one.month - first.month for one in dates}
        found.update((f"{first:%Y-%m}", k) for k in after if k == 0 or over(first, k) <= as_of)
    return found


def over(first: date, k: int) -> int:
    year, month = divmod(first.year * 12 + first.month - 1 + k + 1, 12)
    return to_day(date(year, month + 1, 1)) - 1


@pytest.mark.parametrize("shop", SHOPS)
def test_monthly_cohorts_are_those_of_a_plain_loop_over_real_customers(shop: str) -> None:
    sales = real(shop)
    found, golden = cohorts(sales, "month"), by_loop(order_days(shop), sales.as_of)
    counts = {
        (name, k): int(count)
        for name, row in zip(found.names, found.counts, strict=True)
        for k, count in enumerate(row)
        if count > 0
    }
    assert counts == golden
    assert (found.size[0], found.counts[0, 1]) == {"cdnow": (7846, 1157), "retail": (951, 331)}[shop]


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.integers(0, 200), min_size=1), min_size=1))
def test_cohorts_add_up_to_the_customers_and_their_shares_are_shares(orders: dict[str, set[int]]) -> None:
    for calendar in ("month", "week"):
        found = cohorts(sales_of({who: sorted(days) for who, days in orders.items()}, 200), calendar)
        assert found.size.sum() == len(orders) and (found.shares[:, 0] == 1.0).all()
        known = found.shares[np.isfinite(found.shares)]
        assert ((known >= 0) & (known <= 1)).all()


# ---------------------------------------------------------------- from period to period
def test_retention_tells_who_came_back_in_the_next_period_and_what_they_spent() -> None:
    orders = {"a": [71, 95, 96], "b": [80], "c": [100], "d": [65, 75]}
    found = returning(sales_of(orders, 100), length=10)
    assert [(one.origin, one.share.count, one.share.of, one.amount) for one in found] == [
        (90, 0, 0, 0.0),
        (80, 0, 3, 0.0),
    ]  # days 65 to 100 hold three whole periods of 10 days


def test_what_who_came_back_spent_is_that_of_the_days_after() -> None:
    (found,) = returning(sales_of({"a": [81, 95, 96], "b": [90], "c": [99]}, 100), length=10)
    assert (found.origin, found.share.count, found.share.of, found.amount) == (90, 1, 2, 20.0)


def test_no_period_reaches_back_before_the_first_order() -> None:
    assert [one.origin for one in returning(sales_of({"a": [0]}, 98), length=50)] == []
    assert [one.origin for one in returning(sales_of({"a": [0]}, 99), length=50)] == [49]


# ---------------------------------------------------------------- revenue by month
def test_existing_customers_are_those_won_in_an_earlier_month() -> None:
    rows = [line("a", "1", day("2021-01-01"), 50.0), line("a", "2", day("2021-01-20"), 30.0)]
    rows += [line("a", "3", day("2021-02-02"), 25.0), line("b", "4", day("2021-02-03"), 75.0)]
    january, february = revenue_by_month(sales_of_rows(rows, day("2021-02-27")))
    assert (january.revenue, january.existing, january.whole) == (80.0, 0.0, True)
    assert (february.revenue, february.share, february.whole) == (100.0, 0.25, False)


def test_a_month_in_which_the_orders_begin_late_is_not_whole() -> None:
    (january,) = revenue_by_month(sales_of({"a": [day("2021-01-10")]}, day("2021-01-31")))
    assert not january.whole
