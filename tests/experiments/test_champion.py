"""The rule on 4,000 customers whose chance to buy is known."""

from __future__ import annotations

import json

import numpy as np

from contracts.training import Floats, Outcome, Prediction
from experiments.champion import Decision, decide
from experiments.evaluate import Evaluation, measure

CHANCE = np.random.default_rng(20_260_815)
N = 4_000
TRUTH = CHANCE.beta(0.6, 2.0, N)
SPEND = CHANCE.gamma(2.0, 15.0, N)
BOUGHT = (CHANCE.random(N) < TRUTH).astype(np.float64)
OUTCOME = Outcome(BOUGHT, BOUGHT, BOUGHT * SPEND)


def prediction(p: Floats, value: Floats | None = None) -> Prediction:
    return Prediction(p, p, TRUTH * SPEND if value is None else value)


def bent(shift: float) -> Floats:
    """Return the truth, each customer off by `shift` on the logit scale in one direction or the other."""
    z = np.log(TRUTH / (1 - TRUTH)) + shift * np.where(np.arange(N) % 2 == 0, 1.0, -1.0)
    return np.asarray(1 / (1 + np.exp(-z)))


GOOD = prediction(TRUTH)
BASELINE = prediction(np.full(N, BOUGHT.mean()), np.full(N, 1.0))
SHUFFLED = CHANCE.permutation(N)


def decided(
    ours: Prediction, champion: Prediction | None = None, *, baseline: Prediction | None = BASELINE
) -> Decision:
    predictions = {"ensemble": ours} | ({"recency": baseline} if baseline else {})
    metrics = {name: measure(OUTCOME, one) for name, one in predictions.items()}
    return decide(Evaluation(0, 90, OUTCOME, predictions, metrics), "ensemble", champion)


def test_the_first_model_that_beats_the_baseline_is_promoted() -> None:
    decision = decided(GOOD)
    assert decision.promoted and "no champion to compare with" in decision.reason
    assert decision.against_baseline is not None and decision.against_baseline.lower > 0


def test_a_copy_of_the_baseline_is_refused() -> None:
    decision = decided(BASELINE)
    assert not decision.promoted and "does not beat the baseline 'recency'" in decision.reason


def test_a_gain_that_could_be_luck_is_refused() -> None:
    decision = decided(GOOD, baseline=prediction(bent(0.01)))
    assert decision.against_baseline is not None and not decision.promoted
    assert decision.against_baseline.lower <= 0 < decision.against_baseline.upper


def test_shuffled_predictions_are_refused() -> None:
    assert not decided(prediction(TRUTH[SHUFFLED], (TRUTH * SPEND)[SHUFFLED])).promoted


def test_shuffled_outcomes_are_refused() -> None:
    happened = OUTCOME.take(SHUFFLED)
    predictions = {"ensemble": GOOD, "recency": BASELINE}
    metrics = {name: measure(happened, one) for name, one in predictions.items()}
    assert not decide(Evaluation(0, 90, happened, predictions, metrics), "ensemble", None).promoted


def test_the_best_of_the_baselines_must_be_beaten() -> None:
    predictions = {"ensemble": prediction(bent(0.5)), "recency": BASELINE, "persistence": GOOD}
    metrics = {name: measure(OUTCOME, one) for name, one in predictions.items()}
    decision = decide(Evaluation(0, 90, OUTCOME, predictions, metrics), "ensemble", None)
    assert (decision.promoted, decision.baseline) == (False, "persistence")


def test_without_a_baseline_nothing_is_promoted() -> None:
    assert decided(GOOD, baseline=None).reason == "no baseline could be fitted to be beaten"


def test_without_an_evaluation_nothing_is_promoted() -> None:
    assert not decide(None, "ensemble", None).promoted


def test_the_champions_equal_replaces_it() -> None:
    decision = decided(GOOD, GOOD)
    assert decision.promoted and decision.against_champion is not None
    assert decision.against_champion.mean == 0.0


def test_a_loss_within_the_margin_is_accepted() -> None:
    decision = decided(prediction(bent(0.05)), GOOD)
    assert decision.promoted and "not worse than the champion" in decision.reason


def test_a_loss_beyond_the_margin_is_refused() -> None:
    decision = decided(prediction(bent(0.5)), GOOD)
    assert not decision.promoted and decision.reason.startswith("a loss in log loss beyond the margin")
    assert decision.against_champion is not None and decision.against_champion.upper < 0


def test_a_better_model_replaces_the_champion() -> None:
    decision = decided(GOOD, prediction(bent(0.5)))
    assert decision.promoted and decision.against_champion is not None
    assert decision.against_champion.lower > 0


def test_a_worse_order_by_value_is_refused_although_the_chances_are_the_champions() -> None:
    decision = decided(prediction(TRUTH, SPEND[SHUFFLED]), GOOD)
    assert not decision.promoted and decision.reason.startswith("a loss in value Gini")
    assert decision.value_against_champion is not None and decision.value_against_champion.upper < -0.01


def test_a_slightly_worse_order_by_value_is_accepted() -> None:
    value = TRUTH * SPEND * np.where(np.arange(N) % 2 == 0, 1.02, 0.98)
    assert decided(prediction(TRUTH, value), GOOD).promoted


def test_both_losses_are_told() -> None:
    decision = decided(prediction(bent(0.5), SPEND[SHUFFLED]), GOOD)
    assert decision.reason.startswith("losses in log loss and value Gini")


def test_the_decision_is_plain_json_with_every_comparison() -> None:
    told = json.loads(json.dumps(decided(GOOD, GOOD).to_dict()))
    assert set(told["against_baseline"]) == {"mean", "lower", "upper"}
    assert told["baseline"] == "recency" and told["value_against_champion"] is not None
