"""Timing: rhythm, next-order window, best weekday and hour with evidence, personal dates."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.timing import (
    Rhythm,
    best_hour,
    best_weekday,
    birth_days,
    curve_of,
    habit_of,
    moments_of,
    next_order_windows,
    next_yearly,
    timing_table,
    yearly,
)
from contracts.days import parse_day, to_date, to_day
from contracts.tables import CURVE_KNOTS
from tests.campaigns.screening.bases import base_of, event, orders
from tests.features.shops import line

SOON = np.linspace(0.3, 0.95, len(CURVE_KNOTS))
NEVER = np.full(len(CURVE_KNOTS), 0.01)


def scores_of(curves: dict[str, np.ndarray]) -> pa.Table:
    return pa.table({"customer_id": list(curves), "curve": pa.array([list(one) for one in curves.values()])})


# ---------------------------------------------------------------- rhythm and window
def test_the_rhythm_is_mean_and_spread_of_the_gaps() -> None:
    base = base_of([*orders("a", [0, 10, 30]), *orders("b", [5])], as_of=40)
    rhythm = Rhythm.of(base.sales)
    assert (rhythm.gap[0], rhythm.last_gap[0]) == (15.0, 20.0)
    assert rhythm.variation[0] == pytest.approx(np.std([10, 20], ddof=1) / 15.0)
    assert np.isnan([rhythm.gap[1], rhythm.variation[1], rhythm.last_gap[1]]).all()


def test_a_regular_customer_is_contacted_shortly_before_the_expected_order() -> None:
    base = base_of(orders("a", [0, 30, 60, 90]), as_of=100)
    windows = next_order_windows(SOON[None], Rhythm.of(base.sales), recency_days=np.array([10.0]))
    # Expected in 20 days; 15 % of a gap of 30 days before.
    assert windows.why.tolist() == ["before_the_expected_order"]
    assert (windows.contact_from[0], windows.contact_to[0]) == (16.0, 22.0)


def test_an_irregular_customer_is_contacted_when_the_window_opens_and_an_unlikely_one_never() -> None:
    base = base_of([*orders("a", [0, 3, 90]), *orders("b", [5])], as_of=100)
    windows = next_order_windows(
        np.stack([SOON, NEVER]), Rhythm.of(base.sales), recency_days=np.array([10.0, 95.0])
    )
    assert windows.why.tolist() == ["window_opens", "unlikely"]
    assert windows.contact_from[0] == max(round(windows.p10[0]), 1)
    assert np.isnan([windows.p50[1], windows.contact_from[1]]).all()


def test_an_overdue_regular_customer_is_contacted_at_once() -> None:
    base = base_of(orders("a", [0, 30, 60]), as_of=120)
    windows = next_order_windows(SOON[None], Rhythm.of(base.sales), recency_days=np.array([60.0]))
    assert (windows.why[0], windows.contact_from[0]) == ("overdue", 1.0)


@given(st.lists(st.floats(0.0, 0.9), min_size=len(CURVE_KNOTS), max_size=len(CURVE_KNOTS)))
def test_the_window_opens_before_its_middle_and_closes_after_it(steps: list[float]) -> None:
    curve = np.sort(np.array(steps))[None]
    base = base_of(orders("a", [0]), as_of=1)
    found = next_order_windows(curve, Rhythm.of(base.sales), recency_days=np.array([1.0]))
    if found.chance[0] >= 0.05:
        assert 0 <= found.p10[0] <= found.p50[0] <= found.p90[0] <= CURVE_KNOTS[-1]
        assert found.contact_from[0] >= 1


def test_whoever_has_no_score_has_no_window() -> None:
    base = base_of([*orders("a", [0]), *orders("b", [5])], as_of=10)
    curves = curve_of(scores_of({"b": SOON}), base.sales.ids)
    found = next_order_windows(curves, Rhythm.of(base.sales), recency_days=np.array([10.0, 5.0]))
    assert found.why.tolist() == ["unknown", "window_opens"]


# ---------------------------------------------------------------- weekday and hour
def test_a_customer_of_one_weekday_keeps_it_and_one_with_little_evidence_gets_the_shops() -> None:
    # Day 4 was a Monday, day 5 a Tuesday: the shop sells on Mondays and Fridays, one customer buys on Tuesdays.
    rows = [*orders("tuesday", range(5, 5 + 70, 7)), *orders("once", [6])]
    rows += [row for k in range(20) for row in orders(f"m{k:02d}", [4, 8, 11, 18])]
    habit = best_weekday(moments_of(base_of(rows, as_of=100)), 22)
    assert habit.slot[-2:].tolist() == [0, 1]
    assert habit.own[-2:].tolist() == [False, True]
    assert habit.evidence[-2:].tolist() == [1, 10]


def test_the_share_is_the_posterior_mean_counted_the_plain_way() -> None:
    customer, slot = np.array([0, 0, 0, 1, 1, 2]), np.array([3, 3, 5, 5, 5, 2])
    habit = habit_of(customer, slot, customers=3, slots=7)
    for one in range(3):
        counts = Counter(slot[customer == one].tolist())
        n, k = sum(counts.values()), habit.strength
        posterior = {s: (counts[s] + k * habit.shop[s]) / (n + k) for s in range(7)}
        assert habit.share[one] == pytest.approx(max(posterior.values()))
        assert posterior[int(habit.slot[one])] == pytest.approx(max(posterior.values()))


def test_the_shops_profile_weighs_little_where_customers_are_creatures_of_habit() -> None:
    customer = np.repeat(np.arange(200), 5)
    chance = np.random.default_rng(7)
    fixed = habit_of(customer, np.repeat(chance.integers(0, 7, 200), 5), customers=200, slots=7)
    mixed = habit_of(customer, chance.integers(0, 7, 1_000), customers=200, slots=7)
    assert fixed.strength == 1.0
    assert mixed.strength > 20


def test_the_strength_is_found_again_in_generated_customers() -> None:
    chance = np.random.default_rng(11)
    shares = chance.dirichlet(np.full(7, 6.0 / 7), 4_000)
    slot = np.array([chance.choice(7, 6, p=share) for share in shares]).ravel()
    habit = habit_of(np.repeat(np.arange(4_000), 6), slot, customers=4_000, slots=7)
    assert habit.strength == pytest.approx(6.0, rel=0.1)


def test_orders_that_carry_dates_only_know_no_hour() -> None:
    midnight = [{**row, "ordered_at": row["ordered_at"].replace(hour=0)} for row in orders("a", [1, 2, 3])]
    assert best_hour(moments_of(base_of(midnight, as_of=9)), 1) is None


def test_the_hour_comes_from_opens_too_and_stays_out_of_the_quiet_hours() -> None:
    late = [{**event("a", "email_open", day), "channel": None} for day in range(1, 8)]
    for row in late:
        row["occurred_at"] = row["occurred_at"].replace(hour=23)
    moments = moments_of(base_of(orders("a", [1]), events=late, as_of=9))
    free, quiet = best_hour(moments, 1), best_hour(moments, 1, allowed=np.arange(24) < 21)
    assert free is not None and quiet is not None
    assert (free.slot[0], free.evidence[0], quiet.slot[0]) == (23, 8, 10)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_moments_does_not_matter(pairs: list[tuple[int, int]], chance: object) -> None:
    customer, slot = (np.array(column) for column in zip(*pairs, strict=True))
    rank = np.array(sorted(range(len(pairs)), key=lambda _: chance.random()))  # type: ignore[attr-defined]
    first = habit_of(customer, slot, customers=5, slots=7)
    second = habit_of(customer[rank], slot[rank], customers=5, slots=7)
    assert first.slot.tolist() == second.slot.tolist()


# ---------------------------------------------------------------- personal dates
def test_somebody_born_on_29_february_has_a_birthday_on_the_28th_in_other_years() -> None:
    born = np.array([parse_day("2000-02-29")] * 2)
    found = yearly(born, np.array([2023, 2024]))
    assert [to_date(day).isoformat() for day in found] == ["2023-02-28", "2024-02-29"]


@given(st.dates(date(1930, 1, 1), date(2019, 12, 31)), st.dates(date(2021, 1, 1), date(2060, 12, 31)))
def test_the_next_return_of_a_date_is_found_by_walking(since: date, today: date) -> None:
    found = to_date(int(next_yearly(np.array([to_day(since)]), to_day(today))[0]))
    walk = to_day(today)
    leap = (since.month, since.day) == (2, 29)
    while True:
        at = to_date(walk)
        short = leap and at.month == 2 and at.day == 28 and to_date(walk + 1).day != 29
        if (at.month, at.day) == (since.month, since.day) or short:
            break
        walk += 1
    assert found == at


def test_the_first_anniversary_is_a_year_after_the_first_order_not_the_day_itself() -> None:
    day = parse_day("2011-03-05")
    assert to_date(int(next_yearly(np.array([day]), day)[0])) == date(2012, 3, 5)


def test_a_date_of_birth_that_cannot_be_is_unknown() -> None:
    as_of = parse_day("2020-06-01")
    people = pa.table(
        {
            "customer_id": ["a", "b", "c"],
            "birth_date": pa.array([date(1980, 5, 1), date(1900, 1, 1), None], pa.date32()),
        }
    )
    found = birth_days(people, pa.array(["a", "b", "c", "d"]), as_of=as_of)
    assert found[0] == to_day(date(1980, 5, 1)) and np.isnan(found[1:]).all()


def test_the_table_has_one_row_per_customer_and_nulls_for_what_is_not_known() -> None:
    rows = [line("a", "1", 5, 9.0), line("b", "2", 6, 9.0)]
    table = timing_table(base_of(rows, as_of=400), scores_of({"a": SOON}))
    assert table["customer_id"].to_pylist() == ["a", "b"]
    assert table["next_order_p50"].to_pylist()[1] is None and table["next_birthday"].null_count == 2
    assert table["next_anniversary"].to_pylist() == [date(1972, 1, 6), date(1972, 1, 7)]
    assert table["best_hour"].to_pylist() == [10, 10]
