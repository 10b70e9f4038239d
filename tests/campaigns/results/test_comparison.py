"""Two groupings of the same customers side by side."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.results.comparison import Compared, compare
from campaigns.results.trial import Trial
from contracts.errors import DataError


def compared(effect: list[float], *, seed: int = 1, n: int = 6000) -> dict[str, Compared]:
    rng = np.random.default_rng(seed)
    group, noise, treated = rng.integers(0, len(effect), n), rng.integers(0, 20, n), rng.random(n) < 0.5
    spend = rng.normal(10, 1, n) + treated * np.array(effect)[group]
    trial = Trial.of_arrays(
        np.where(treated, "mail", "none"), control="none", rates={}, money={"spend": spend},
        groups={"right": group.astype(str), "random": noise.astype(str)},
    )  # fmt: skip
    return {one.what: one for one in compare(trial, "right", "random")}


def test_the_grouping_that_separates_the_effect_is_found() -> None:
    found = compared([0.0, 1.0])["effect"]
    assert found.better == "right"
    assert found.first == pytest.approx(0.5, abs=0.06) and found.second < 0.15


def test_many_groups_do_not_win_by_being_many() -> None:
    wins = [compared([0.5, 0.5], seed=seed, n=2500)["effect"].better for seed in range(40)]
    assert sum(one is not None for one in wins) <= 4


def test_the_level_of_the_control_is_compared_apart_from_the_effect() -> None:
    assert compared([0.0, 1.0])["level"].better is None


def test_the_interval_holds_the_true_difference_of_the_variances() -> None:
    held = 0
    for seed in range(60):
        ends = compared([0.0, 0.6], seed=seed, n=2000)["effect"].difference
        held += ends.lower <= 0.09 <= ends.upper
    assert held >= 53


def test_groups_too_small_to_compare_are_refused() -> None:
    trial = Trial.of_arrays(
        ["mail", "none"] * 20, control="none", rates={"bought": np.zeros(40)},
        groups={"a": np.arange(40).astype(str), "b": np.arange(40).astype(str)},
    )  # fmt: skip
    with pytest.raises(DataError, match="Compare groupings with fewer groups"):
        compare(trial, "a", "b")
