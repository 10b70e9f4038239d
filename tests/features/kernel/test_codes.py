"""Text as codes, and which pairs of customer and value come first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kernel.codes import Seen, Text, entropy_steps, group_heads, same_before

PIECES = pa.chunked_array([["b", None, "a"], ["a", "b"]])
CODED = pa.chunked_array(
    [pa.array(["b", None, "a"]).dictionary_encode(), pa.array(["a", "b"]).dictionary_encode()]
)


@pytest.mark.parametrize("column", [PIECES, CODED])
def test_codes_are_places_in_the_values_and_nothing_is_minus_one(column: pa.ChunkedArray) -> None:
    text = Text.of(column)
    assert text.has_gaps
    assert [text.texts[code] if code >= 0 else None for code in text.codes] == ["b", None, "a", "a", "b"]


def test_a_column_without_any_value_has_no_codes() -> None:
    assert Text.of(pa.chunked_array([pa.nulls(3, pa.string())])).codes.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("coded", [False, True])
def test_heads_are_where_a_value_differs_from_the_one_before(coded: bool) -> None:
    column = pa.chunked_array([["a", "a", "b"], ["b", "é", "a"]])
    heads, values = group_heads(column.dictionary_encode() if coded else column)
    assert (heads.tolist(), values.to_pylist()) == ([0, 2, 4, 5], ["a", "b", "é", "a"])


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("1234")), max_size=30))
def test_the_first_of_equal_values_in_a_group_is_found(pairs: list[tuple[int, str]]) -> None:
    pairs = sorted(pairs, key=lambda pair: pair[0])
    group = np.array([one for one, _ in pairs], dtype=np.int32)
    found = same_before(pa.array([text for _, text in pairs], pa.string()), group)
    wanted = [pairs.index(pair) for pair in pairs]
    assert (wanted if found is None else found.tolist()) == wanted


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30),
    st.sampled_from([1, 100, 20_000, 70_000]),
)
def test_rows_of_equal_pairs_are_numbered_in_their_order(pairs: list[tuple[int, int]], spread: int) -> None:
    pairs = sorted(pairs, key=lambda pair: pair[0])
    seen = Seen.of(
        np.array([spread * code for _, code in pairs], dtype=np.int32),
        np.array([owner for owner, _ in pairs], dtype=np.int32),
    )
    numbers = [pairs[: i + 1].count(pair) for i, pair in enumerate(pairs)]
    before = [max((j for j in range(i) if pairs[j] == pair), default=-1) for i, pair in enumerate(pairs)]
    assert seen.number.tolist() == numbers
    assert seen.before.tolist() == before
    assert sorted(seen.firsts.tolist()) == [i for i, number in enumerate(numbers) if number == 1]


def test_steps_add_up_to_n_log_n() -> None:
    steps = entropy_steps(np.arange(1, 6))
    np.testing.assert_allclose(np.cumsum(steps), [n * np.log(n) for n in range(1, 6)], atol=1e-12)
