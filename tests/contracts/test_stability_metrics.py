from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.stability_metrics import Bins, Distribution, stability_index

COUNTS = st.lists(st.integers(0, 500), min_size=3, max_size=11)


def test_tenths_of_different_values_hold_a_tenth_each() -> None:
    found = Distribution.of(np.arange(1.0, 1001.0))
    assert found.counts.tolist() == [100] * 10 + [0]


def test_unknown_values_have_a_bin_of_their_own() -> None:
    found = Distribution.of(np.array([1.0, 2.0, np.nan, np.nan]))
    assert found.counts[-1] == 2 and found.unknown_share == 0.5


def test_equal_values_make_fewer_bins_and_stay_together() -> None:
    values = np.array([0.0] * 95 + [1.0, 2.0, 3.0, 4.0, 5.0])
    bins = Bins.of(values)
    assert bins.edges.tolist() == [0.0] and bins.counts(values).tolist() == [95, 5, 0]


def test_a_number_that_is_nowhere_known_has_one_bin_of_unknown() -> None:
    found = Distribution.of(np.full(7, np.nan))
    assert found.counts.tolist() == [0, 7] and found.moved(np.array([0, 9])) == 0.0


def test_the_index_is_the_sum_over_bins_less_what_chance_makes() -> None:
    before, now = [300, 400, 300], [600, 300, 100]
    expected = 0.0
    for b, n in zip(before, now, strict=True):
        share_b, share_n = (b + 0.5) / 1001.5, (n + 0.5) / 1001.5
        expected += (share_n - share_b) * log(share_n / share_b)
    expected -= 2 * (1 / 1000 + 1 / 1000)
    assert stability_index(np.array(before), np.array(now)) == pytest.approx(expected, rel=1e-12)


def test_another_sample_of_the_same_law_has_not_moved() -> None:
    chance = np.random.default_rng(3)
    before = Distribution.of(chance.gamma(1.0, 20.0, 400))
    indexes = [before.moved(before.bins.counts(chance.gamma(1.0, 20.0, 400))) for _ in range(50)]
    assert max(indexes) < 0.1


@given(COUNTS, st.data())
def test_the_index_is_never_below_nothing_and_0_between_equals(
    before: list[int], data: st.DataObject
) -> None:
    now = data.draw(st.lists(st.integers(0, 500), min_size=len(before), max_size=len(before)))
    assert stability_index(np.array(before), np.array(now)) >= 0.0
    assert stability_index(np.array(before), np.array(before)) == 0.0


def test_plain_values_give_the_same_distribution_again() -> None:
    found = Distribution.of(np.random.default_rng(1).normal(size=500))
    again = Distribution.of_dict(found.to_dict())
    assert again.bins.edges.tolist() == found.bins.edges.tolist()
    assert again.counts.tolist() == found.counts.tolist()
