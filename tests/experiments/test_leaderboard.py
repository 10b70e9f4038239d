from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from contracts.training import Floats, Outcome, Prediction
from experiments.answers import Answers
from experiments.backtest_result import Verdict
from experiments.bootstrap import Compared, compare
from experiments.leaderboard import Row, Seeds, best_of, leaderboard, verdict

N = 3_000
KINDS = {"repurchase": "ours", "recency": "peer", "rival": "peer", "ablation:no_season": "ablation"}


@cache
def world() -> tuple[Floats, Floats]:
    """Return each customer's chance, and who bought."""
    chance = np.random.default_rng(3)
    p = chance.beta(1.0, 4.0, N)
    return p, (chance.random(N) < p).astype(np.float64)


def said(p: Floats) -> Prediction:
    return Prediction(p, p, 10.0 * p)


def blurred(amount: float) -> Floats:
    p, _ = world()
    noise = amount * np.random.default_rng(4).normal(size=N)
    return np.asarray(1 / (1 + np.exp(-(np.log(p / (1 - p)) + noise))))


def compared(**told: Floats) -> list[Compared]:
    _, bought = world()
    outcome = Outcome(bought, bought, 10.0 * bought)
    predictions = {name: said(p) for name, p in told.items()}
    answers = [Answers(day, np.arange(N), outcome, predictions) for day in (100, 130)]
    return compare(answers, default="repurchase", draws=100)


def judged(ours: Floats, **peers: Floats) -> Verdict:
    found = compared(repurchase=ours, **peers)
    return verdict(found, leaderboard({90: found}, KINDS), 90, ("recency",))


# ---------------------------------------------------------------- rows
@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    return leaderboard({90: compared(repurchase=world()[0], recency=blurred(2.0), rival=blurred(0.5))}, KINDS)


def pick(rows: tuple[Row, ...], keep: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if keep(row)]


def test_the_means_come_first_and_the_default_first_among_them(rows: tuple[Row, ...]) -> None:
    assert (rows[0].origin, rows[0].model) == (None, "repurchase")
    assert [row.origin for row in rows] == sorted(
        (row.origin for row in rows), key=lambda day: -1 if day is None else day
    )


def test_a_worse_peer_has_a_positive_difference_and_the_default_none(rows: tuple[Row, ...]) -> None:
    losses = {row.model: row for row in rows if row.metric == "log_loss" and row.origin is None}
    assert losses["recency"].difference > 0
    assert math.isnan(losses["repurchase"].difference)


def test_p_is_adjusted_for_peers_and_headline_metrics_over_all_origins_only(rows: tuple[Row, ...]) -> None:
    adjusted = pick(rows, lambda row: not math.isnan(row.p_holm))
    assert {row.origin for row in adjusted} == {None}
    assert {row.model for row in adjusted} == {"recency", "rival"}
    assert {row.metric for row in adjusted} == {"auc", "average_precision", "log_loss", "brier", "value_gini"}


def test_adjusting_never_makes_a_p_smaller(rows: tuple[Row, ...]) -> None:
    plain = {
        (one.model, one.metric): one.p_value
        for one in compared(repurchase=world()[0], recency=blurred(2.0), rival=blurred(0.5))
        if one.origin is None
    }
    assert all(
        row.p_holm >= plain[row.model, row.metric]
        for row in pick(rows, lambda row: not math.isnan(row.p_holm))
    )


def test_a_row_is_written_with_its_date_and_without_what_is_not_known(rows: tuple[Row, ...]) -> None:
    first, later = rows[0].to_dict(), pick(rows, lambda row: row.origin == 100)[0].to_dict()
    assert (first["origin"], first["difference"], first["seed_sd"]) == ("mean", None, None)
    assert later["origin"] == "1970-04-11"


def test_the_spread_over_seeds_is_that_of_the_means_over_origins() -> None:
    seeds: list[tuple[int, Seeds]] = [
        (100, {("repurchase", 90): [{"auc": 0.7}, {"auc": 0.8}]}),
        (130, {("repurchase", 90): [{"auc": 0.8}, {"auc": 0.7}]}),
    ]
    found = leaderboard({90: compared(repurchase=world()[0], recency=blurred(1.0))}, KINDS, seeds)
    spread = {row.origin: row.seed_sd for row in found if (row.model, row.metric) == ("repurchase", "auc")}
    assert spread == {
        None: 0.0,
        100: pytest.approx(0.1 / math.sqrt(2)),
        130: pytest.approx(0.1 / math.sqrt(2)),
    }
    assert all(math.isnan(row.seed_sd) for row in found if row.model == "recency")


def test_the_best_of_a_kind_has_the_lowest_log_loss(rows: tuple[Row, ...]) -> None:
    assert best_of(rows, 90, "peer") == "rival"
    assert best_of(rows, 90, "peer", names=("recency",)) == "recency"
    assert best_of(rows, 90, "ablation") is None


# ---------------------------------------------------------------- the gate
def test_a_model_that_beats_the_baseline_passes() -> None:
    assert judged(world()[0], recency=blurred(2.0)).passed


def test_a_copy_of_the_baseline_is_refused() -> None:
    found = judged(blurred(1.0), recency=blurred(1.0))
    assert not found.passed and "does not beat the baseline 'recency'" in found.reason


def test_a_model_of_shuffled_labels_is_refused() -> None:
    nothing = np.random.default_rng(9).permutation(world()[0])
    assert not judged(nothing, recency=blurred(2.0)).passed


def test_a_model_that_a_peer_beats_beyond_the_margins_is_refused_by_that_peers_name() -> None:
    found = judged(blurred(1.0), recency=blurred(3.0), rival=world()[0])
    assert not found.passed and found.better_peers == ("rival",)


def test_a_peer_that_is_better_by_less_than_the_margins_does_no_harm() -> None:
    assert judged(blurred(0.01), recency=blurred(2.0), rival=world()[0]).passed


def test_without_a_baseline_nothing_passes() -> None:
    assert judged(world()[0], rival=blurred(1.0)).baseline is None
    assert not judged(world()[0], rival=blurred(1.0)).passed
