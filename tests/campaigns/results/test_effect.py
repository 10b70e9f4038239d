"""Effects: Hillstrom's published figures by a second computation, and the regression by its textbook form."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from campaigns.results.effect import Effect, effects, regression
from campaigns.results.trial import Trial

HILLSTROM = Path(__file__).parents[4] / "shared/data/hillstrom_email/customers.parquet"
needs_hillstrom = pytest.mark.skipif(not HILLSTROM.exists(), reason="Hillstrom's test is not at hand")
KNOWN = ("recency", "history", "mens", "womens", "zip_code", "newbie", "channel")


@cache
def table() -> pd.DataFrame:
    names = pq.read_table(HILLSTROM)
    return pd.DataFrame({name: names[name].to_pylist() for name in names.column_names})


@cache
def hillstrom() -> Trial:
    frame = table()
    return Trial.of_arrays(
        frame["segment"],
        control="No E-Mail",
        rates={name: frame[name] for name in ("visit", "conversion")},
        money={"spend": frame["spend"]},
        covariates={
            name: frame[name].to_numpy(object if name in ("zip_code", "channel") else None) for name in KNOWN
        },
        groups={name: frame[name] for name in ("history_segment", "newbie", "channel")},
    )


@cache
def found() -> dict[tuple[str, str], Effect]:
    return {(one.arm, one.outcome): one for one in effects(hillstrom())}


@needs_hillstrom
def test_hillstroms_rates_are_the_published_ones() -> None:
    mens, womens = (found()[f"{who} E-Mail", "visit"] for who in ("Mens", "Womens"))
    assert [round(100 * x, 2) for x in (mens.treated.mean, womens.treated.mean, mens.control.mean)] == [
        18.28,
        15.14,
        10.62,
    ]
    mens, womens = (found()[f"{who} E-Mail", "conversion"] for who in ("Mens", "Womens"))
    assert [round(100 * x, 2) for x in (mens.treated.mean, womens.treated.mean, mens.control.mean)] == [
        1.25,
        0.88,
        0.57,
    ]


@needs_hillstrom
@pytest.mark.parametrize("arm", ["Mens E-Mail", "Womens E-Mail"])
@pytest.mark.parametrize("outcome", ["visit", "conversion", "spend"])
def test_hillstroms_lifts_have_the_intervals_of_a_bootstrap(arm: str, outcome: str) -> None:
    by_arm = table().groupby("segment")[outcome]
    rng, draws = np.random.default_rng(7), []
    for name in (arm, "No E-Mail"):
        # Customers of equal outcome are alike, so a draw of all customers is a draw of their counts.
        counts = by_arm.get_group(name).value_counts()
        share = counts.to_numpy() / counts.sum()
        drawn = rng.multinomial(counts.sum(), share, size=4000)
        draws.append(drawn @ counts.index.to_numpy(float) / counts.sum())
    lower, upper = np.quantile(draws[0] - draws[1], [0.025, 0.975])
    raw = found()[arm, outcome].raw
    assert raw.value == pytest.approx(by_arm.mean()[arm] - by_arm.mean()["No E-Mail"])
    assert (raw.lower, raw.upper) == pytest.approx((lower, upper), abs=0.08 * (upper - lower))


@needs_hillstrom
def test_what_was_known_before_shortens_hillstroms_intervals_a_little() -> None:
    one = found()["Mens E-Mail", "visit"]
    assert one.narrower is not None and one.adjusted is not None
    assert 0.01 < one.narrower < 0.03
    assert one.adjusted.value == pytest.approx(one.raw.value, abs=0.002)


def test_the_regression_is_the_interacted_one_with_hc2_errors() -> None:
    rng = np.random.default_rng(3)
    n, treated = 300, np.arange(300) % 3 == 0
    x = rng.normal(size=(n, 2))
    x -= x.mean(0)
    y = 1 + x @ [1.0, -2.0] + treated * (0.5 + x[:, 0]) + rng.normal(size=n) * (1 + treated)
    z = np.column_stack([np.ones(n), treated, x, x * treated[:, None]])
    inverse = np.linalg.inv(z.T @ z)
    weights = np.linalg.lstsq(z, y, rcond=None)[0]
    leverage = np.einsum("ij,jk,ik->i", z, inverse, z)
    meat = z.T @ (z * ((y - z @ weights) ** 2 / (1 - leverage))[:, None])
    of_mean = weights[4:] @ np.cov(x.T) @ weights[4:] / n
    golden = np.sqrt((inverse @ meat @ inverse)[1, 1] + of_mean)
    found = regression(y, x, treated)
    assert (found.value, found.error) == pytest.approx((weights[1], golden))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(11), 0
    for _ in range(300):
        treated, x = rng.random(400) < 0.3, rng.normal(size=(400, 1))
        y = 2 * x[:, 0] + treated * (1 + x[:, 0]) + rng.normal(size=400)
        found = regression(y, x - x.mean(0), treated)
        held += found.lower <= 1 <= found.upper
    assert 0.92 < held / 300 < 0.98


def test_a_score_that_foretells_the_outcome_shortens_the_interval() -> None:
    rng = np.random.default_rng(2)
    score = rng.gamma(1, 10, 2000)
    trial = Trial.of_arrays(
        np.where(rng.random(2000) < 0.5, "mail", "none"),
        control="none", rates={}, money={"revenue": score + rng.normal(0, 5, 2000)}, covariates={"score": score},
    )  # fmt: skip
    one = effects(trial)[0]
    assert one.narrower is not None and 0.5 < one.narrower < 0.65  # 1 - sqrt(25 / 125) = .55


def test_small_arms_are_not_adjusted() -> None:
    arm = np.array(["mail", "none"] * 15)
    trial = Trial.of_arrays(
        arm, control="none", rates={"bought": np.arange(30) % 3 == 0}, covariates={"score": np.arange(30)}
    )
    assert effects(trial)[0].adjusted is None
