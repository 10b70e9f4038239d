"""Effects by group: shrunk, corrected for their number, and honest about small ones."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.results.subgroups import by_group, shrink
from campaigns.results.trial import Trial
from tests.campaigns.results.test_effect import hillstrom, needs_hillstrom, table


def world(effects: list[float], *, n: int = 4000, seed: int = 1) -> Trial:
    rng = np.random.default_rng(seed)
    group, treated = rng.integers(0, len(effects), n), rng.random(n) < 0.5
    bought = rng.random(n) < 0.2 + treated * np.array(effects)[group]
    arm, names = np.where(treated, "mail", "none"), np.array([f"g{i}" for i in range(len(effects))])
    return Trial.of_arrays(arm, control="none", rates={"bought": bought}, groups={"group": names[group]})


def test_shrinking_is_the_published_example_of_derSimonian_and_laird() -> None:
    values, errors = np.array([0.1, 0.3, 0.8]), np.array([0.1, 0.1, 0.2])
    weight = 1 / errors**2
    mean = (weight * values).sum() / weight.sum()
    q = (weight * (values - mean) ** 2).sum()
    between = (q - 2) / (weight.sum() - (weight**2).sum() / weight.sum())
    found = shrink(values, errors)
    assert (found.q, found.deviation**2) == pytest.approx((q, between))
    assert np.all(np.abs(found.values - found.mean) < np.abs(values - found.mean))


def test_equal_effects_are_pulled_together() -> None:
    found = by_group(world([0.1] * 8), "group")
    own = np.array([one.effect.raw.value for one in found.effects])
    pooled = np.array([one.pooled.value for one in found.effects])
    assert pooled.std() < 0.5 * own.std()
    assert found.spreads[0].p_value > 0.01


def test_effects_that_differ_much_stay_apart() -> None:
    found = by_group(world([0.0, 0.4]), "group")
    assert [round(one.pooled.value, 1) for one in found.effects] == [0.0, 0.4]
    assert found.spreads[0].p_value < 0.001


def test_pooled_effects_are_nearer_to_the_truth_than_the_groups_own() -> None:
    truth, worse, better = [0.04, 0.05, 0.06, 0.07, 0.08], 0.0, 0.0
    for seed in range(30):
        for one, real in zip(by_group(world(truth, seed=seed), "group").effects, truth, strict=True):
            worse += (one.effect.raw.value - real) ** 2
            better += (one.pooled.value - real) ** 2
    assert better < 0.7 * worse


def test_p_values_are_corrected_for_the_number_of_groups() -> None:
    found = by_group(world([0.0] * 10, seed=3), "group").effects
    own = sorted(one.effect.raw.p_value or 0.0 for one in found)
    assert min(one.p_holm or 0.0 for one in found) == pytest.approx(min(1.0, 10 * own[0]))


def test_groups_with_too_few_customers_are_named_and_left_out() -> None:
    trial = world([0.1, 0.1], n=300)
    labels = np.array(["large"] * 280 + ["small"] * 20)
    trial = Trial.of_arrays(
        np.where(trial.arm == 1, "mail", "none"),
        control="none",
        rates=dict(trial.rates),
        groups={"size": labels},
    )
    found = by_group(trial, "size")
    assert found.left_out == ("small",) and {one.group for one in found.effects} == {"large"}


@needs_hillstrom
def test_hillstroms_groups_are_those_of_a_second_computation() -> None:
    found = by_group(hillstrom(), "newbie").effects
    rates = table().groupby(["newbie", "segment"])["visit"].mean().unstack()
    golden = {str(new): row["Mens E-Mail"] - row["No E-Mail"] for new, row in rates.iterrows()}
    mens = {
        one.group: one.effect.raw.value
        for one in found
        if one.effect.arm == "Mens E-Mail" and one.effect.outcome == "visit"
    }
    assert mens == pytest.approx(golden)
