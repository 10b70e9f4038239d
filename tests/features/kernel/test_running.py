"""Scans that restart at each customer, against numpy's own scans of each customer alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.kernel.running import FEW_CUSTOMERS, SIDE_BY_SIDE, Floats, Ints, restarting_max, restarting_sum


def starts_of(counts: list[int]) -> Ints:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def parts_of(scan: Floats, counts: list[int]) -> list[Floats]:
    return np.split(scan, np.cumsum(np.array(counts) + 1)[:-1])


def amounts(n: int, seed: int = 7) -> Floats:
    """Return values whose sum depends on the order of the additions."""
    chance = np.random.default_rng(seed)
    return chance.normal(size=n) * 10.0 ** chance.integers(-3, 9, n)


def bits(values: NDArray[np.float64]) -> list[int]:
    return np.ascontiguousarray(values).view(np.int64).tolist()


FEW = [3, 0, 200, 1]
MANY = [(i * 7) % 5 for i in range(300)] + [SIDE_BY_SIDE - 1, SIDE_BY_SIDE, SIDE_BY_SIDE + 1, 500, 0, 2]
EDGE = [2] * (FEW_CUSTOMERS + 1)


@pytest.mark.parametrize("counts", [FEW, MANY, EDGE])
def test_running_sums_equal_numpys_cumsum_of_each_customer_to_the_bit(counts: list[int]) -> None:
    values = amounts(sum(counts))
    starts = starts_of(counts)
    parts = parts_of(restarting_sum(values, starts), counts)
    for part, low, high in zip(parts, starts[:-1], starts[1:], strict=True):
        assert bits(part) == bits(np.cumsum(np.concatenate(([0.0], values[low:high]))))


@pytest.mark.parametrize("counts", [FEW, MANY, EDGE])
def test_running_maxima_equal_numpys_of_each_customer(counts: list[int]) -> None:
    values = amounts(sum(counts))
    starts = starts_of(counts)
    parts = parts_of(restarting_max(values, starts), counts)
    for part, low, high in zip(parts, starts[:-1], starts[1:], strict=True):
        assert part[0] == -np.inf
        assert part[1:].tolist() == [values[low : i + 1].max() for i in range(low, high)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=80), st.integers(0, 1000))
def test_both_ways_of_scanning_give_the_same_bits(counts: list[int], seed: int) -> None:
    values = amounts(sum(counts), seed)
    beside = [*counts, *([1] * (FEW_CUSTOMERS + 1))]
    padded = np.concatenate((values, np.ones(FEW_CUSTOMERS + 1)))
    alone = restarting_sum(values, starts_of(counts))
    assert bits(alone) == bits(restarting_sum(padded, starts_of(beside))[: len(alone)])


def test_a_running_sum_starts_with_zero_at_each_customer() -> None:
    assert restarting_sum(np.array([1.0, 2.0, 4.0]), starts_of([2, 0, 1])).tolist() == [0, 1, 3, 0, 0, 4]


def test_a_running_maximum_may_stay_below_zero() -> None:
    assert restarting_max(np.array([-5.0, -7.0, -2.0]), starts_of([3])).tolist() == [-np.inf, -5, -5, -2]


def test_a_huge_value_leaves_the_next_customer_exact() -> None:
    scan = restarting_sum(np.array([1e300, 0.1, 0.2]), starts_of([1, 2]))
    assert scan[2:].tolist() == [0.0, 0.1, 0.1 + 0.2]


@pytest.mark.parametrize("customers", [0, 1, FEW_CUSTOMERS + 5])
def test_customers_without_rows_have_one_neutral_slot_each(customers: int) -> None:
    assert restarting_sum(np.empty(0), starts_of([0] * customers)).tolist() == [0.0] * customers
