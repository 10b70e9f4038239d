"""Scans that restart at each run of rows, against numpy's own scans of each run alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.kernel.running import FEW_RUNS, Floats, Ints, Runs


def starts_of(counts: list[int]) -> Ints:
    """Return where runs of these many values begin, each behind its blank row."""
    return np.concatenate(([0], np.cumsum(np.array(counts, dtype=np.int64) + 1))).astype(np.int64)


def headed(values: Floats, counts: list[int], blank: float) -> Floats:
    """Put a blank row before the values of each run."""
    parts = np.split(values, np.cumsum(counts)[:-1]) if counts else []
    return np.concatenate([np.append(blank, part) for part in parts] or [values])


def sums(values: Floats, counts: list[int]) -> list[Floats]:
    """Return the running sums of each run, its blank row first."""
    found = Runs(starts_of(counts)).sums(headed(values, counts, 0.0))
    return np.split(found, starts_of(counts)[1:-1])


def amounts(n: int, seed: int = 7) -> Floats:
    """Return values whose sum depends on the order of the additions."""
    chance = np.random.default_rng(seed)
    return chance.normal(size=n) * 10.0 ** chance.integers(-3, 9, n)


def bits(values: NDArray[np.float64]) -> list[int]:
    return np.ascontiguousarray(values).view(np.int64).tolist()


FEW = [3, 0, 200, 1]
MANY = [(i * 7) % 5 for i in range(300)] + [47, 48, 49, 500, 0, 2]
EDGE = [2] * (FEW_RUNS + 1)
LONG = [400 + i for i in range(FEW_RUNS + 3)]


@pytest.mark.parametrize("counts", [FEW, MANY, EDGE, LONG])
def test_running_sums_equal_numpys_cumsum_of_each_run_to_the_bit(counts: list[int]) -> None:
    values = amounts(sum(counts))
    own = np.split(values, np.cumsum(counts)[:-1])
    for part, alone in zip(sums(values, counts), own, strict=True):
        assert bits(part) == bits(np.cumsum(np.append(0.0, alone)))


@pytest.mark.parametrize("counts", [FEW, MANY, EDGE, LONG])
def test_running_maxima_equal_numpys_of_each_run(counts: list[int]) -> None:
    values = amounts(sum(counts))
    found = Runs(starts_of(counts)).maxima(headed(values, counts, -np.inf))
    own = np.split(values, np.cumsum(counts)[:-1])
    for part, alone in zip(np.split(found, starts_of(counts)[1:-1]), own, strict=True):
        assert part.tolist() == np.maximum.accumulate(np.append(-np.inf, alone)).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=FEW_RUNS), st.integers(0, 1000))
def test_both_ways_of_scanning_give_the_same_bits(counts: list[int], seed: int) -> None:
    values = amounts(sum(counts), seed)
    beside = [*counts, *([1] * (FEW_RUNS + 1))]
    many = sums(np.append(values, np.ones(FEW_RUNS + 1)), beside)
    few = sums(values, counts)
    assert [bits(part) for part in few] == [bits(part) for part in many[: len(counts)]]


def test_a_running_sum_starts_with_zero_at_each_run() -> None:
    found = sums(np.array([1.0, 2.0, 4.0]), [2, 0, 1])
    assert [part.tolist() for part in found] == [[0, 1, 3], [0], [0, 4]]


def test_a_running_maximum_may_stay_below_zero() -> None:
    found = Runs(starts_of([3])).maxima(np.array([-np.inf, -5.0, -7.0, -2.0]))
    assert found.tolist() == [-np.inf, -5, -5, -2]


def test_a_huge_value_leaves_the_next_run_exact() -> None:
    found = sums(np.array([1e300, 0.1, 0.2]), [1, 2])
    assert found[1].tolist() == [0.0, 0.1, 0.1 + 0.2]


def test_the_values_that_are_summed_stay_as_they_are() -> None:
    values = np.array([0.0, 1.0, 2.0])
    Runs(starts_of([2])).sums(values)
    assert values.tolist() == [0, 1, 2]


@pytest.mark.parametrize("runs", [0, 1, FEW_RUNS + 5])
def test_runs_without_rows_have_their_blank_row(runs: int) -> None:
    assert Runs(starts_of([0] * runs)).sums(np.zeros(runs)).tolist() == [0.0] * runs
