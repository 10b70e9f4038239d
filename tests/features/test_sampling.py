"""A sample of customers that depends on their ids alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.sampling import sampled


def ids(*names: str) -> NDArray[np.object_]:
    return np.array(names, dtype=object)


EVERYONE = ids(*(f"c{i:03d}" for i in range(300)))


def test_everyone_is_in_the_sample_of_a_small_base() -> None:
    assert sampled(ids("a", "b", "c"), 3).tolist() == [0, 1, 2]


def test_a_sample_has_the_asked_size_and_ascends() -> None:
    positions = sampled(EVERYONE, 100)
    assert len(positions) == 100
    assert np.all(np.diff(positions) > 0)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    assert set(sampled(EVERYONE, 30)) < set(sampled(EVERYONE, 90))


def test_a_sample_is_not_the_beginning_of_the_base() -> None:
    assert 100 < sampled(EVERYONE, 100).mean() < 200


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=4), unique=True, min_size=2, max_size=30), st.integers(1, 30))
def test_a_sample_is_the_same_customers_in_any_order_of_rows(names: list[str], most: int) -> None:
    shuffled = sorted(names, key=lambda name: (name[::-1], len(name)))
    one, other = (set(ids(*some)[sampled(ids(*some), most)]) for some in (names, shuffled))
    assert one == other


def test_a_customer_stays_in_the_sample_when_others_leave() -> None:
    chosen = EVERYONE[sampled(EVERYONE, 50)]
    rest = EVERYONE[::2]
    assert set(chosen) & set(rest) <= set(rest[sampled(rest, 50)])
