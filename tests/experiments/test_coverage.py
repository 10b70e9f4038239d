"""Coverage: how often values lie inside their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.errors import DataError
from contracts.training import Outcome, Prediction
from experiments.coverage import Covered, Laboratory, Outlook
from experiments.panels import Panels
from experiments.recipe import Recipe
from models.confidence import Known
from models.spread import Checked, Spread
from tests import worlds

pytestmark = pytest.mark.lab

N = 20_000


def drawn(seed: int, *, level: float = 1.0) -> tuple[Prediction, Outcome]:
    """Return answers and what happened, with 25 to 95 % buyers and gamma amounts."""
    chance = np.random.default_rng(seed)
    p = chance.uniform(0.25, 0.95, N)
    answer = Prediction(p, 2 * p, p * chance.lognormal(4.0, 0.8, N))
    bought = np.where(chance.random(N) < p, 1.0, 0.0)
    value = level * bought * answer.expected_value / p * chance.gamma(2.0, 0.5, N)
    return answer, Outcome(bought, 2 * bought, value)


def outlook(*, level: float = 1.0) -> Outlook:
    """Return fresh customers beside a spread that was learnt at levels of 1."""
    spread = Spread.fit({90: Checked.stack({k * 90: drawn(10 + k) for k in range(4)})}, seasons_from=0)
    ids = np.array([f"c{k}" for k in range(N)], dtype=np.object_)
    return Outlook(spread, 90, *drawn(1, level=level), ids)


def shares(found: list[Covered]) -> dict[str, float]:
    return {one.what: one.share for one in found}


def test_where_the_model_is_right_eight_in_ten_are_inside() -> None:
    found = shares(outlook().coverage({}))
    assert found["customers"] == pytest.approx(0.8, abs=0.03)
    assert all(found[f"tenth {k}"] == pytest.approx(0.8, abs=0.05) for k in range(1, 11))
    assert found["groups of 5"] == pytest.approx(0.8, abs=0.04)
    assert found["groups of 50"] > 0.75 and found["everyone"] == 1.0


def test_a_level_that_nobody_foresaw_is_outside() -> None:
    found = shares(outlook(level=2.0).coverage({}))
    assert found["groups of 500"] == found["everyone"] == 0.0


def test_slices_are_totals_of_the_given_groups() -> None:
    some = outlook()
    halves = {"first": np.arange(N) < N // 2, "second": np.arange(N) >= N // 2}
    counted = {one.what: one for one in some.coverage(halves)}
    assert counted["slices"] == Covered("slices", 2, 1.0)
    assert counted["groups of 500"].count == N // 500


def test_the_value_error_is_that_of_each_grade() -> None:
    some = outlook()
    days = np.full(N, 5.0)
    found = {one.grade: one for one in some.by_grade(Known(90, 90, 900, 0.05), days)}
    assert sum(one.customers for one in found.values()) == N
    assert found["high"].value_error < found["medium"].value_error


# ---------------------------------------------------------------- the whole way, on a small generated shop
@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return Laboratory(Panels.of(worlds.history(), Recipe(horizons=(30,), cutoffs=3)), 30)


def test_an_origin_is_measured_with_the_spread_of_earlier_days(laboratory: Laboratory) -> None:
    day = laboratory.panels.first_day + 140
    covered, graded = laboratory.measure(day)
    found = shares(covered)
    assert found["customers"] > 0.75 and found["everyone"] in (0.0, 1.0)
    assert {one.grade for one in graded} <= {"high", "medium", "low"}
    earlier = [one for one in laboratory.asked if one < day]
    assert earlier and max(earlier) + 30 <= day


def test_days_whose_outcome_is_not_over_are_refused(laboratory: Laboratory) -> None:
    with pytest.raises(DataError, match="not over"):
        laboratory.measure(worlds.AS_OF + 60)


def test_days_with_nothing_before_them_are_refused(laboratory: Laboratory) -> None:
    with pytest.raises(DataError, match="later day"):
        laboratory.measure(laboratory.panels.first_day + 20)
