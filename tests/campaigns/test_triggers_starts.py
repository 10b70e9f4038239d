"""What starts a trigger: due products, tiers reached, anniversaries, the cooldown, found a second, plain way."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.triggers.loyalty import LoyaltyTier, Money, thresholds, tier_crossings, tier_level
from campaigns.triggers.purchases import due_again
from campaigns.triggers.starts import STARTS, Asked, Starts, running, thinned
from contracts.days import parse_day, to_date, to_day
from tests.campaigns.screening.bases import base_of, orders
from tests.features.shops import SOME, line, taken_back

DAYS = st.lists(st.integers(0, 60), min_size=1, max_size=15, unique=True)
TIERS = (
    LoyaltyTier(name="silver", label="S", level=1, spend=100.0),
    LoyaltyTier(name="gold", label="G", level=2, spend=250.0),
)


def made(name: str, base: Base, *, wait: int = 0) -> list[tuple[str, int]]:
    found, ids = STARTS[name].made(Asked(base, wait, TIERS)), base.sales.ids.to_pylist()
    return [(ids[who], int(day)) for who, day in zip(found.customer, found.day, strict=True)]


def bought(days: list[int], product: str = "p") -> Base:
    return base_of([line("a", str(day), day, 5.0, product_id=product) for day in days], as_of=900)


# ---------------------------------------------------------------- products that are due again
def test_a_product_bought_on_three_days_at_regular_gaps_is_due_after_the_mean_gap() -> None:
    assert made("replenishment", bought([0, 30, 58])) == [("a", 58 + 29)]
    assert made("replenishment", bought([0, 30])) == []


def test_irregular_gaps_and_everyday_goods_are_never_due() -> None:
    assert made("replenishment", bought([0, 5, 100])) == []
    assert made("replenishment", bought([0, 1, 2, 3, 4])) == []


def test_a_due_day_before_which_it_was_bought_again_never_comes() -> None:
    assert made("replenishment", bought([0, 30, 60, 85])) == [("a", 85 + 28)]
    assert made("replenishment", bought([0, 30, 60, 95]), wait=-3) == [("a", 90), ("a", 127)]


@SOME
@given(DAYS)
def test_due_days_are_those_of_a_plain_loop(days: list[int]) -> None:
    found = due_again(bought(days).sales)
    days, expected = sorted(days), []
    for k in range(2, len(days)):
        gaps = np.diff(days[: k + 1])
        if gaps.mean() >= 5 and np.std(gaps, ddof=1) <= 0.5 * gaps.mean() + 1e-12:
            expected.append(days[k] + round(gaps.mean()))
    assert found.due.tolist() == expected


# ---------------------------------------------------------------- loyalty
def test_a_tier_is_reached_on_the_order_that_brings_a_years_amount_to_it() -> None:
    rows = [line("a", "1", 10, 60.0), line("a", "2", 40, 50.0), line("a", "3", 50, 500.0)]
    customer, day, level = tier_crossings(base_of(rows, as_of=60).sales, TIERS)
    assert (customer.tolist(), day.tolist(), level.tolist()) == ([0, 0], [40, 50], [1, 2])


def test_money_taken_back_and_money_older_than_a_year_do_not_count() -> None:
    back = [
        line("a", "1", 10, 90.0),
        taken_back("a", "1", 20, 30.0, product_id="p"),
        line("a", "2", 30, 30.0),
    ]
    old = [line("b", "3", 10, 90.0), line("b", "4", 10 + 365, 30.0)]
    edge = [line("c", "5", 10, 90.0), line("c", "6", 10 + 364, 30.0)]
    customer, day, _ = tier_crossings(base_of([*back, *old, *edge], as_of=380).sales, TIERS)
    assert (customer.tolist(), day.tolist()) == ([2], [374])


@SOME
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 800), st.integers(1, 90)), min_size=1, max_size=25
    )
)
def test_the_amount_of_a_year_is_that_of_a_plain_sum(rows: list[tuple[str, int, int]]) -> None:
    base = base_of(
        [line(who, str(k), day, float(paid)) for k, (who, day, paid) in enumerate(rows)], as_of=800
    )
    money, ids = Money.of(base.sales), base.sales.ids.to_pylist()
    for who, day, until in zip(money.customer, money.day, money.until, strict=True):
        plain = sum(paid for one, at, paid in rows if one == ids[who] and day - 365 < at <= day)
        assert until == pytest.approx(plain)


def test_shares_of_the_base_are_taken_at_the_end_of_the_month_before() -> None:
    rows = [line(f"c{k}", f"{k}", 10 + k, 10.0 * (k + 1)) for k in range(10)]
    base = base_of([*rows, line("late", "x", 130, 9_999.0)], as_of=130)
    top = (LoyaltyTier(name="top", label="T", level=1, top=0.2),)
    # Day 130 lies in May 1970: the ten customers until April, the two best have 90 and 100.
    assert thresholds(base.sales, Money.of(base.sales), top, 130).tolist() == [90.0]
    assert tier_level(base.sales, top).tolist() == [0.0] * 8 + [1.0] * 3


def test_a_young_shop_has_no_tiers_by_share() -> None:
    base = base_of(orders("a", [0, 40]), as_of=45)
    top = (LoyaltyTier(name="top", label="T", level=1, top=0.2),)
    assert np.isnan(thresholds(base.sales, Money.of(base.sales), top, 45)).all()
    assert len(tier_crossings(base.sales, top)[0]) == 0


# ---------------------------------------------------------------- dates and silence
def test_anniversaries_come_every_year_and_never_on_the_first_day() -> None:
    first = parse_day("2019-02-28")
    base = base_of([line("a", "1", first, 5.0)], as_of=to_day(date(2020, 2, 28)))
    assert [to_date(day).isoformat() for _, day in made("anniversary", base)] == ["2020-02-28"]


def test_a_long_silence_is_three_own_gaps_and_a_fixed_time_for_those_without_a_rhythm() -> None:
    base = base_of([*orders("a", [0, 20, 40]), *orders("b", [0]), *orders("c", [0, 130])], as_of=300)
    assert made("silence", base) == [("a", 100), ("b", 120), ("c", 120), ("c", 250)]


# ---------------------------------------------------------------- cooldown
@SOME
@given(DAYS, st.integers(1, 30))
def test_the_cooldown_counts_from_one_start_that_counts_to_the_next_one(
    days: list[int], cooldown: int
) -> None:
    days, expected = sorted(days), list[int]()
    for day in days:
        if not expected or day >= expected[-1] + cooldown:
            expected.append(day)
    kept = thinned(np.zeros(len(days), np.int64), np.array(days), cooldown)
    assert np.array(days)[kept].tolist() == expected


def test_a_start_within_the_cooldown_is_as_if_it_had_not_been() -> None:
    starts = Starts(np.zeros(3, np.int64), np.array([0, 20, 40]))
    found = [
        int(running(starts, customers=1, as_of=day, wait=0, cooldown=30).day[0]) for day in (19, 21, 40, 90)
    ]
    assert found == [0, 0, 40, 40]


def test_a_start_before_the_first_step_begins_the_ladder_anew() -> None:
    starts = Starts(np.zeros(3, np.int64), np.array([0, 19, 40]))
    found = [
        int(running(starts, customers=1, as_of=day, wait=20, cooldown=0).day[0]) for day in (18, 20, 39, 40)
    ]
    assert found == [0, 19, 19, 40]


def test_a_start_in_the_future_counts_as_soon_as_its_first_step_is_due() -> None:
    starts = Starts(np.zeros(1, np.int64), np.array([50]))
    found = [int(running(starts, customers=1, as_of=day, wait=-3, cooldown=0).day[0]) for day in (46, 47, 50)]
    assert found == [-1, 50, 50]
