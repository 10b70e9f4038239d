"""The paired bootstrap on customers whose chances are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import metrics
from contracts.errors import ContractError
from contracts.training import Floats, Outcome, Prediction
from experiments.bootstrap import METRICS, Answers, Compared, compare, holm, holm_adjusted

N = 1_500
GENERATOR = np.random.default_rng(20_261_121)
TRUTH = GENERATOR.beta(0.6, 2.0, N)
SPEND = GENERATOR.gamma(2.0, 15.0, N)


def happened(seed: int) -> Outcome:
    bought = (np.random.default_rng(seed).random(N) < TRUTH).astype(np.float64)
    return Outcome(bought, bought, bought * SPEND)


def told(p: Floats) -> Prediction:
    return Prediction(p, p, p * SPEND)


def noisy(size: float) -> Prediction:
    z = np.log(TRUTH / (1 - TRUTH)) + size * np.random.default_rng(5).normal(size=N)
    return told(1 / (1 + np.exp(-z)))


GOOD, POOR = told(TRUTH), noisy(1.0)


def at(origin: int, models: dict[str, Prediction], *, seed: int | None = None) -> Answers:
    return Answers(origin, np.arange(N), happened(origin if seed is None else seed), models)


def row(found: list[Compared], model: str, metric: str, origin: int | None = None) -> Compared:
    return next(one for one in found if (one.model, one.metric, one.origin) == (model, metric, origin))


FIRST, SECOND = at(100, {"ours": GOOD, "poor": POOR}), at(130, {"ours": GOOD, "poor": POOR})
FOUND = compare([FIRST, SECOND], default="ours", draws=300)


def test_the_value_is_the_metric_itself_and_lies_inside_its_interval() -> None:
    found = row(FOUND, "poor", "auc", 130)
    assert found.value == pytest.approx(metrics.auc(SECOND.outcome.bought, POOR.p), abs=1e-12)
    assert found.lower < found.value < found.upper


def test_every_model_has_every_metric_at_each_origin_and_over_all() -> None:
    expected = [
        (origin, model, metric)
        for origin in (100, 130, None)
        for model in ("ours", "poor")
        for metric in METRICS
    ]
    assert [(one.origin, one.model, one.metric) for one in FOUND] == expected


@pytest.mark.parametrize("metric", ["auc", "average_precision", "log_loss", "brier", "value_gini"])
def test_a_difference_is_positive_where_the_default_is_better(metric: str) -> None:
    assert row(FOUND, "poor", metric).difference_lower > 0
    turned = row(compare([FIRST, SECOND], default="poor", draws=300), "ours", metric)
    assert turned.difference == pytest.approx(-row(FOUND, "poor", metric).difference)
    assert turned.difference_upper < 0 and turned.p_value < 0.05


def test_over_all_origins_a_metric_is_their_mean() -> None:
    values = [row(FOUND, "poor", "log_loss", origin).value for origin in (100, 130)]
    assert row(FOUND, "poor", "log_loss").value == pytest.approx(np.mean(values))
    assert row(FOUND, "poor", "log_loss").origins == 2


def test_a_bias_over_all_origins_is_pooled_and_its_size_is_the_mean_of_sizes() -> None:
    predicted, actual = 2 * POOR.p.sum(), FIRST.outcome.bought.sum() + SECOND.outcome.bought.sum()
    assert row(FOUND, "poor", "level_bias").value == pytest.approx(predicted / actual - 1)
    sizes = [abs(row(FOUND, "poor", "level_bias", origin).value) for origin in (100, 130)]
    assert row(FOUND, "poor", "absolute_level_bias").value == pytest.approx(np.mean(sizes))


def test_a_bias_below_0_is_as_bad_as_one_above() -> None:
    models = {"ours": told(TRUTH), "low": told(0.5 * TRUTH), "high": told(1.5 * TRUTH)}
    found = compare([at(100, models)], default="ours", draws=50)
    low, high = row(found, "low", "value_bias"), row(found, "high", "value_bias")
    assert low.value < -0.4 < 0.4 < high.value
    assert low.difference_lower > 0 and high.difference_lower > 0


def test_the_interval_of_a_mean_is_that_of_the_central_limit() -> None:
    gains = metrics.log_losses(FIRST.outcome.bought, POOR.p) - metrics.log_losses(
        FIRST.outcome.bought, GOOD.p
    )
    found = row(FOUND, "poor", "log_loss", 100)
    half = 1.96 * gains.std() / math.sqrt(N)
    assert found.difference == pytest.approx(gains.mean())
    assert found.difference_upper - found.difference_lower == pytest.approx(2 * half, rel=0.15)


def test_the_same_customers_at_two_origins_are_drawn_together() -> None:
    models = {"ours": GOOD, "poor": POOR}
    found = compare([at(100, models, seed=1), at(130, models, seed=1)], default="ours", draws=50)
    first, whole = (row(found, "poor", "value_gini", origin) for origin in (100, None))
    assert replace(whole, origin=100, origins=1) == first


def test_other_customers_at_another_origin_are_drawn_apart() -> None:
    models = {"ours": GOOD, "poor": POOR}
    other = replace(at(130, models, seed=1), customers=np.arange(N) + N)
    found = compare([at(100, models, seed=1), other], default="ours", draws=300)
    first, whole = (row(found, "poor", "log_loss", origin) for origin in (100, None))
    assert whole.upper - whole.lower == pytest.approx((first.upper - first.lower) / math.sqrt(2), rel=0.2)


def test_the_order_of_rows_and_of_origins_is_irrelevant() -> None:
    mixed = SECOND.take(np.random.default_rng(6).permutation(N))
    found = compare([mixed, FIRST], default="ours", draws=300)
    for one, other in zip(found, FOUND, strict=True):
        assert list(vars(one).values())[3:] == pytest.approx(list(vars(other).values())[3:], nan_ok=True)


def test_the_same_seed_gives_the_same_and_another_one_other_intervals() -> None:
    answers = [FIRST.take(np.arange(300))]
    first, again, other = (compare(answers, default="ours", draws=50, seed=seed) for seed in (1, 1, 2))
    assert repr(first) == repr(again)
    assert row(first, "poor", "auc").lower != row(other, "poor", "auc").lower


def test_a_copy_of_the_default_is_never_different() -> None:
    found = compare([at(100, {"ours": GOOD, "copy": GOOD})], default="ours", draws=50)
    for metric in ("auc", "log_loss", "calibration_slope", "value_bias"):
        one = row(found, "copy", metric)
        assert (one.difference, one.difference_lower, one.difference_upper, one.p_value) == (0, 0, 0, 1)


def test_the_default_is_not_compared_with_itself() -> None:
    one = row(FOUND, "ours", "auc")
    assert math.isnan(one.difference) and math.isnan(one.p_value) and one.lower < one.value < one.upper


def test_an_error_of_bins_has_a_value_and_a_difference_but_no_interval() -> None:
    one = row(FOUND, "poor", "calibration_error", 100)
    error = metrics.expected_calibration_error
    assert one.value == pytest.approx(error(FIRST.outcome.bought, POOR.p))
    assert one.difference == pytest.approx(one.value - error(FIRST.outcome.bought, GOOD.p))
    assert math.isnan(one.lower) and math.isnan(one.difference_lower) and math.isnan(one.p_value)


def test_a_model_that_answered_at_one_origin_is_compared_there() -> None:
    late = at(130, {"ours": GOOD, "poor": POOR, "late": noisy(0.5)})
    found = compare([FIRST, late], default="ours", draws=50)
    there, whole = (row(found, "late", "auc", origin) for origin in (130, None))
    assert replace(whole, origin=130) == there and whole.origins == 1


def test_where_the_default_did_not_answer_there_is_no_difference() -> None:
    found = compare([at(100, {"poor": POOR}), SECOND], default="ours", draws=50)
    assert math.isnan(row(found, "poor", "auc", 100).difference)
    whole = row(found, "poor", "auc")
    assert whole.origins == 2 and whole.difference == row(found, "poor", "auc", 130).difference


def test_what_is_not_defined_is_left_out() -> None:
    nobody = replace(FIRST, outcome=Outcome(np.zeros(N), np.zeros(N), np.zeros(N)))
    found = {one.metric for one in compare([nobody], default="ours", draws=20)}
    assert found == {"log_loss", "brier", "calibration_error", "value_mae", "value_rmse"}


def test_a_model_without_values_has_no_rows_of_values() -> None:
    blank = np.full(N, math.nan)
    models = {"ours": GOOD, "chances": Prediction(TRUTH, blank, blank)}
    found = compare([at(100, models)], default="ours", draws=20)
    names = {one.metric for one in found if one.model == "chances"}
    assert "auc" in names and not any("value" in name or "orders" in name for name in names)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([], "nothing to compare"),
        ([FIRST, FIRST], "more than once"),
        ([at(100, {"poor": POOR})], "'ours' answered nowhere"),
        ([replace(FIRST, customers=np.zeros(N, dtype=np.int64))], "one twice"),
        ([FIRST.take(np.zeros(N, dtype=np.bool_))], "no customer"),
        ([replace(FIRST, outcome=Outcome.unknown(N))], "not 1500 finite numbers"),
        ([at(100, {"ours": Prediction(TRUTH[:9], TRUTH, TRUTH)})], "shape (9,)"),
        ([at(100, {"ours": told(np.where(TRUTH > 0.5, math.nan, TRUTH))})], "or NaN for all"),
    ],
    ids=[
        "none",
        "origin twice",
        "no default",
        "customer twice",
        "empty",
        "outcome unknown",
        "shape",
        "some NaN",
    ],
)
def test_answers_that_do_not_fit_together_are_refused(answers: list[Answers], says: str) -> None:
    with pytest.raises(ContractError) as refused:
        compare(answers, default="ours", draws=5)
    assert says in str(refused.value)


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, math.nan, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, math.nan, 0.06, 0.02], nan_ok=True
    )
    assert holm([0.6, 0.9]).tolist() == [1, 1]


def compared(difference: float, error: float) -> Compared:
    lower, upper = difference - 1.959964 * error, difference + 1.959964 * error
    p = math.erfc(abs(difference) / error / math.sqrt(2))
    return Compared("peer", None, "auc", 0.7, 0.6, 0.8, difference, lower, upper, p, 5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=12))
def test_a_holm_adjusted_interval_excludes_0_where_the_adjusted_p_value_is_below_5_percent(
    differences: list[float],
) -> None:
    family = [compared(one, 1.0) for one in differences]
    for one, adjusted in zip(family, holm_adjusted(family), strict=True):
        excluded = adjusted.difference_lower > 0 or adjusted.difference_upper < 0
        assert excluded == (adjusted.p_value < 0.05)
        assert adjusted.difference_lower <= one.difference_lower + 1e-9


def test_holms_intervals_have_the_level_of_their_step_and_stop_where_one_reaches_0() -> None:
    found = holm_adjusted([compared(1.0, 1.0), compared(9.0, 1.0), compared(1.5, 1.0)])
    halves = [(one.difference_upper - one.difference_lower) / 2 for one in found]
    # Normal quantiles at 1 - .05 / 3 / 2 and 1 - .05 / 2 / 2; the last keeps the level at which it stopped.
    assert halves == pytest.approx([2.241403, 2.393980, 2.241403], rel=1e-5)


def test_rows_without_a_p_value_are_no_part_of_the_family() -> None:
    own = replace(compared(0.0, 1.0), model="ours", p_value=math.nan)
    found = holm_adjusted([own, compared(3.0, 1.0)])
    assert repr(found[0]) == repr(own)
    assert found[1].difference_lower == pytest.approx(compared(3.0, 1.0).difference_lower, rel=1e-5)


def test_the_p_value_is_below_5_percent_exactly_where_the_interval_excludes_0() -> None:
    there = [one for one in FOUND if math.isfinite(one.p_value)]
    excluded = [one.difference_lower > 0 or one.difference_upper < 0 for one in there]
    assert excluded == [one.p_value < 0.05 for one in there]
    assert 0 < sum(excluded) < len(there)
