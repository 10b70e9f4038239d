"""The spread of values: its shape, the classes' shares, the common level, and totals that add up."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contracts.training import Floats, Outcome, Prediction
from models.contract import read_numbers
from models.spread import LEAST_LEVEL, LEVEL_PRIOR, LEVEL_PRIOR_NO_SEASON, Checked, Spread
from models.spread_classes import LEAST_ROWS, Classes
from models.spread_shape import Shape, line_above_zero
from models.spread_total import Total

MONEY = st.floats(0.01, 1e6)
TOTALS = st.builds(
    lambda mean, variation, level, certain, nobody: Total(
        mean, (variation * mean) ** 2, level * mean, certain, nobody
    ),
    MONEY,
    st.floats(0.01, 5.0),
    st.floats(0.0, 0.5),
    st.floats(-100.0, 0.0),
    st.floats(-50.0, -0.01),
)


def answers(n: int, *, seed: int = 1, p: Floats | None = None) -> Prediction:
    """Return answers with chances from 0 to 1 and values from a few to some thousands."""
    chance = np.random.default_rng(seed)
    p = chance.beta(0.7, 2.0, n) if p is None else p
    orders = p * (1.0 + chance.gamma(1.0, 1.0, n))
    return Prediction(p, orders, orders * chance.lognormal(3.0, 1.0, n))


def happened(answer: Prediction, *, level: float = 1.0, seed: int = 2) -> Outcome:
    """Return outcomes with right means and a Pareto tail, unlike the lognormal that is assumed."""
    chance = np.random.default_rng(seed)
    bought = np.where(chance.random(len(answer.p)) < answer.p, 1.0, 0.0)
    amount = (chance.pareto(3.5, len(answer.p)) + 1.0) * (2.5 / 3.5)
    return Outcome(bought, bought, bought * level * amount * answer.expected_value / answer.p)


def windows(levels: list[float], *, rows: int = 5_000) -> Checked:
    """Return one cutoff every 90 days whose totals came out at these levels."""
    found = {}
    for k, level in enumerate(levels):
        answer = answers(rows, seed=10 + k)
        found[1_000 + 90 * k] = (answer, happened(answer, level=level, seed=20 + k))
    return Checked.stack(found)


# ---------------------------------------------------------------- shape
def test_the_variance_is_that_of_many_simulated_customers() -> None:
    shape = Shape(shared=0.3, per_order=0.6)
    one = Prediction(np.array([0.4]), np.array([0.8]), np.array([20.0]))  # 2 orders of a buyer: 0.3 + 0.6 / 2
    deviation = np.sqrt(np.log1p(0.6))
    chance = np.random.default_rng(3)
    amounts = 50.0 * np.exp(deviation * chance.standard_normal(400_000) - deviation**2 / 2)
    values = np.where(chance.random(400_000) < 0.4, amounts, 0.0)
    assert shape.variance(one)[0] == pytest.approx(values.var(), rel=0.02)


def test_the_quantile_is_that_of_a_lognormal_above_the_chance_of_no_order() -> None:
    answer = Prediction(np.array([0.5]), np.array([0.5]), np.array([10.0]))
    deviation = np.sqrt(np.log1p(0.8))
    expected = stats.lognorm(deviation, scale=20 * np.exp(-(deviation**2) / 2)).ppf(0.6)
    assert Shape(0.3, 0.5).quantile(answer, np.array([0.8]))[0] == pytest.approx(expected)
    assert Shape(0.3, 0.5).quantile(answer, np.array([0.4]))[0] == 0.0


@given(st.floats(0.02, 1.0), st.floats(0.01, 0.99), st.floats(0.1, 1e5))
def test_rank_undoes_quantile(p: float, share: float, value: float) -> None:
    answer = Prediction(np.array([p]), np.array([2 * p]), np.array([value]))
    found = Shape().quantile(answer, np.array([share]))
    assert Shape().rank(answer, found)[0] == pytest.approx(max(share, 1 - p), abs=1e-6)


def test_below_zero_ranks_lowest_and_an_unexpected_amount_highest() -> None:
    answer = Prediction(np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([10.0, 0.0]))
    assert Shape().rank(answer, np.array([-3.0, 5.0])).tolist() == [0.0, 1.0]


def test_the_shape_is_learnt_from_what_buyers_brought_around_their_level() -> None:
    answer = answers(40_000)
    per_buyer = answer.expected_orders / answer.p
    deviation = np.sqrt(np.log1p(0.2 + 0.5 / per_buyer))
    chance = np.random.default_rng(4)
    amount = np.exp(deviation * chance.standard_normal(40_000) - deviation**2 / 2)
    bought = np.where(chance.random(40_000) < answer.p, 1.0, 0.0)
    value = 1.5 * bought * amount * answer.expected_value / answer.p
    found = Shape.fit(answer, Outcome(bought, bought, value), np.full(40_000, 1.5))
    assert found.per_order > 0.3
    assert found.relative(answer).mean() == pytest.approx((0.2 + 0.5 / per_buyer).mean(), rel=0.1)


def test_neither_end_of_the_line_falls_below_zero() -> None:
    x, weight = np.array([0.2, 0.5, 1.0]), np.ones(3)
    assert line_above_zero(x, 2.0 - x, weight=weight) == pytest.approx((1.4333333, 0.0))
    assert line_above_zero(x, 3.0 * x - 0.2, weight=weight)[0] == 0.0
    assert line_above_zero(x, 0.5 + 2.0 * x, weight=weight) == pytest.approx((0.5, 2.0))


# ---------------------------------------------------------------- intervals
def test_in_every_tenth_the_share_inside_is_what_was_promised() -> None:
    learnt = answers(40_000, seed=5, p=np.random.default_rng(5).uniform(0.21, 1.0, 40_000))
    spread = Spread.fit(
        {90: Checked(np.zeros(40_000, dtype=np.int64), learnt, happened(learnt, seed=6))}, seasons_from=0
    )
    fresh = answers(40_000, seed=7, p=np.random.default_rng(7).uniform(0.21, 1.0, 40_000))
    (lower, upper), value = spread.interval(fresh, 90), happened(fresh, seed=8).value
    inside = (value >= lower) & (value <= upper)
    for rows in np.array_split(np.argsort(fresh.expected_value), 10):
        assert inside[rows].mean() == pytest.approx(0.8, abs=0.04)


def test_returns_alone_are_held_against_intervals_from_zero() -> None:
    answer = answers(20_000, p=np.full(20_000, 0.5))
    outcome = happened(answer)
    value = np.where((outcome.bought == 0) & (np.arange(20_000) % 10 == 0), -5.0, outcome.value)
    checked = Checked(
        np.zeros(20_000, dtype=np.int64), answer, Outcome(outcome.bought, outcome.bought, value)
    )
    lower, upper = Spread.fit({90: checked}, seasons_from=0).interval(answer, 90)
    assert np.mean((value >= lower) & (value <= upper)) == pytest.approx(0.8, abs=0.02)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1, 20), st.floats(0, 1e5)), min_size=1, max_size=5))
def test_the_expected_value_is_inside_and_zero_is_where_no_order_has_a_tenth(
    rows: list[tuple[float, float, float]],
) -> None:
    p, orders, spend = np.array(rows).T
    answer = Prediction(p, p * orders, p * orders * spend)
    lower, upper = Spread().interval(answer, 90)
    assert np.all((lower >= 0) & (lower <= answer.expected_value) & (answer.expected_value <= upper))
    assert np.all(lower[p <= 0.9] == 0) and np.all(np.isfinite(upper))


def test_every_class_has_enough_rows_even_with_equal_values() -> None:
    answer = answers(3_000)
    equal = Prediction(answer.p, answer.expected_orders, np.round(answer.expected_value, -1))
    cutoff = np.zeros(3_000, dtype=np.int64)
    classes = Spread.fit({90: Checked(cutoff, equal, happened(answer))}, seasons_from=0).horizons[0].classes
    assert len(classes.starts) > 3
    assert np.bincount(classes.of(equal.expected_value)).min() >= LEAST_ROWS // 2


def test_with_too_few_rows_the_shares_are_the_plain_ones() -> None:
    answer = answers(LEAST_ROWS - 1)
    checked = Checked(np.zeros(len(answer.p), dtype=np.int64), answer, happened(answer))
    assert Spread.fit({90: checked}, seasons_from=0).horizons[0].classes == Classes()


# ---------------------------------------------------------------- level
def test_the_level_is_learnt_from_what_customers_do_not_explain() -> None:
    levels = [1.4, 0.7, 1.3, 0.75, 1.35, 0.72, 1.4, 0.7]
    found = Spread.fit({90: windows(levels)}, seasons_from=0).level_sd(90)
    alone = np.sqrt(np.mean(np.log(levels) ** 2))
    shrunk = np.sqrt((8 * alone**2 + 2 * LEVEL_PRIOR**2) / 10)
    assert found == pytest.approx(shrunk, rel=0.1)


def test_right_levels_bring_it_down_but_never_to_nothing() -> None:
    few, many = (Spread.fit({90: windows([1.0] * k, rows=500)}, seasons_from=0).level_sd(90) for k in (2, 40))
    assert LEAST_LEVEL <= many < few < LEVEL_PRIOR


def test_a_season_never_seen_is_never_trusted_more_than_the_prior() -> None:
    checked = {90: windows([1.0] * 5)}
    known, unknown = (Spread.fit(checked, seasons_from=one).level_sd(90) for one in (0, None))
    assert known < LEVEL_PRIOR and unknown == LEVEL_PRIOR_NO_SEASON


def test_what_went_wrong_before_the_season_was_known_no_longer_counts() -> None:
    checked = {90: windows([2.0, 2.0, 1.0, 1.0])}
    later, whole = (Spread.fit(checked, seasons_from=one) for one in (1_180, 0))
    assert later.level_sd(90) < LEVEL_PRIOR < 3 * LEVEL_PRIOR < whole.level_sd(90)
    assert later.horizons[0].shape == whole.horizons[0].shape
    assert Spread.fit(checked, seasons_from=2_000).level_sd(90) == LEVEL_PRIOR


def test_windows_that_overlap_count_less() -> None:
    apart = windows([1.0] * 6, rows=500)
    overlapping = Checked(1_000 + (apart.cutoff - 1_000) // 9, apart.answer, apart.outcome)
    first, second = (Spread.fit({90: one}, seasons_from=0).level_sd(90) for one in (apart, overlapping))
    assert first < second < LEVEL_PRIOR


def test_a_cutoff_at_which_nobody_bought_teaches_no_level() -> None:
    answer = answers(300)
    nobody = Outcome(np.zeros(300), np.zeros(300), np.zeros(300))
    assert Spread.fit({90: Checked.stack({5: (answer, nobody)})}, seasons_from=0).level_sd(90) == LEVEL_PRIOR


# ---------------------------------------------------------------- horizons
def test_a_horizon_takes_the_nearest_that_was_learnt() -> None:
    spread = Spread.fit({30: windows([1.0, 1.1]), 180: windows([1.5, 0.6])}, seasons_from=0)
    answer = answers(50)
    assert spread.variance(answer, 60).tolist() == spread.variance(answer, 30).tolist()
    assert spread.level_sd(120) == spread.level_sd(180) > spread.level_sd(30)


def test_beyond_the_longest_the_level_grows_with_the_root_of_the_horizon() -> None:
    spread = Spread.fit({90: windows([1.2, 0.9])}, seasons_from=0)
    assert spread.level_sd(360) == pytest.approx(2 * spread.level_sd(90))


def test_without_anything_learnt_there_is_a_rule_of_thumb() -> None:
    answer = answers(100)
    spread = Spread.fit({}, seasons_from=0)
    assert spread.level_sd(90) == LEVEL_PRIOR_NO_SEASON
    assert np.all(spread.variance(answer, 90) > 0)


# ---------------------------------------------------------------- totals
@given(TOTALS, TOTALS, TOTALS)
def test_the_interval_of_a_union_is_that_of_its_parts_added_in_any_order(
    a: Total, b: Total, c: Total
) -> None:
    assert (a + b).interval() == (b + a).interval()
    assert ((a + b) + c).interval() == pytest.approx((a + (b + c)).interval(), rel=1e-9, abs=1e-9)
    assert (a + Total(log_nobody=0.0)).interval() == a.interval()


def test_the_totals_of_groups_add_up_to_that_of_everyone() -> None:
    answer, spread = answers(1_000), Spread.fit({90: windows([1.1, 0.9])}, seasons_from=0)
    group = np.arange(1_000) % 7
    parts = spread.totals(answer, 90, group, groups=7)
    union = sum(parts[1:], parts[0])
    assert union.interval() == pytest.approx(spread.total(answer, 90).interval())
    assert parts[3] == spread.total(answer, 90, rows=group == 3)


def test_customers_cancel_out_in_a_total_and_the_level_does_not() -> None:
    answer, spread = answers(20_000), Spread.fit({90: windows([1.3, 0.8])}, seasons_from=0)
    total = spread.total(answer, 90)
    assert total.own_variance == pytest.approx(spread.variance(answer, 90).sum())
    lower, upper = total.interval()
    z = stats.norm.ppf(0.9)
    assert np.log(upper / lower) / 2 == pytest.approx(z * spread.level_sd(90), rel=0.1)
    known = spread.total(answer, 90, level_sd=0.0).interval()
    assert known[1] - known[0] < (upper - lower) / 4


def test_a_total_is_a_gamma_amount_or_nothing_where_nobody_orders() -> None:
    lower, upper = Total(100.0, 2_500.0).interval()
    gamma = stats.gamma(4.0, scale=25.0)
    assert (lower, upper) == pytest.approx((gamma.ppf(0.1), gamma.ppf(0.9)))
    assert Total(10.0, 900.0, log_nobody=float(np.log(0.5))).interval()[0] == 0.0


def test_a_total_keeps_its_mean_and_variance_with_some_chance_of_nothing() -> None:
    total = Total(100.0, 12_000.0, log_nobody=float(np.log(0.3)))
    values = np.array([total.quantile(share) for share in (np.arange(20_000) + 0.5) / 20_000])
    assert values.mean() == pytest.approx(100.0, rel=1e-3)
    assert values.var() == pytest.approx(12_000.0, rel=2e-2)


def test_of_many_groups_eight_in_ten_lie_inside() -> None:
    learnt = answers(40_000, seed=31)
    spread = Spread.fit({90: Checked.stack({0: (learnt, happened(learnt, seed=32))})}, seasons_from=0)
    fresh = answers(40_000, seed=33)
    actual = happened(fresh, seed=34).value
    for size in (10, 40):
        group = np.arange(40_000) % (40_000 // size)
        totals = spread.totals(fresh, 90, group, groups=40_000 // size, level_sd=0.0)
        values = np.bincount(group, actual)
        inside = [
            low <= v <= high for (low, high), v in zip((t.interval() for t in totals), values, strict=True)
        ]
        assert np.mean(inside) == pytest.approx(0.8, abs=0.04)


def test_what_is_certain_shifts_the_interval() -> None:
    lower, upper = Total(100.0, 2_500.0).interval()
    assert Total(100.0, 2_500.0, certain=-30.0).interval() == pytest.approx((lower - 30, upper - 30))
    assert Total(certain=-30.0).interval() == (-30.0, -30.0)


# ---------------------------------------------------------------- files and speed
def test_a_folder_gives_the_spread_back(tmp_path: Path) -> None:
    spread = Spread.fit({30: windows([1.0, 1.1]), 90: windows([0.9, 1.2])}, seasons_from=0)
    spread.save(tmp_path)
    assert Spread.load(tmp_path) == spread
    assert list(read_numbers(tmp_path / "spread.json")) == ["horizons"]


def test_the_same_rows_in_another_order_teach_the_same() -> None:
    checked = windows([1.0, 1.2], rows=800)
    order = np.random.default_rng(9).permutation(1_600)
    mixed = Checked(
        checked.cutoff[order],
        Prediction(*(values[order] for values in vars(checked.answer).values())),
        checked.outcome.take(order),
    )
    first, second = (Spread.fit({90: one}, seasons_from=0).horizons[0] for one in (checked, mixed))
    assert first.classes.starts == pytest.approx(second.classes.starts)
    assert first.classes.from_zero == pytest.approx(second.classes.from_zero, abs=1e-9)
    assert first.level_sd == pytest.approx(second.level_sd)


def test_a_hundred_thousand_customers_take_a_tenth_of_a_second() -> None:
    answer, spread = answers(100_000), Spread.fit({90: windows([1.0])}, seasons_from=0)
    begun = time.process_time()
    spread.variance(answer, 90)
    spread.interval(answer, 90)
    assert time.process_time() - begun < 0.1
