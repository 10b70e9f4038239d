"""Moves between groups: counts, shares, who moved, joined and left."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.moves import JOINED, LEFT, NO_GROUP, moves
from contracts.errors import ContractError


def groups(values: dict[str, str | None], worth: dict[str, float] | None = None) -> pa.Table:
    """Return a table of customers and their groups."""
    columns = {
        "customer_id": pa.array(list(values), pa.string()),
        "group": pa.array(list(values.values()), pa.string()),
    }
    if worth is not None:
        columns["value"] = pa.array([worth.get(one) for one in values], pa.float64())
    return pa.table(columns)


def test_customers_are_counted_by_where_they_came_from_and_went() -> None:
    found = moves(
        groups({"a": "new", "b": "new", "c": "loyal"}), groups({"a": "loyal", "b": "new", "c": "loyal"})
    )
    assert (found.rows, found.columns) == (("loyal", "new", JOINED), ("loyal", "new", LEFT))
    assert found.counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert found.shares[1].tolist() == [0.5, 0.5, 0.0]
    assert np.isnan(found.shares[2]).all()


def test_who_came_or_went_stands_in_a_row_and_a_column_of_its_own() -> None:
    found = moves(groups({"a": "x", "b": "x"}), groups({"b": "x", "c": "x"}))
    assert found.counts.tolist() == [[1, 1], [1, 0]]
    assert found.who.to_pylist() == [
        {"customer_id": "a", "from": "x", "to": LEFT, "value": None},
        {"customer_id": "c", "from": JOINED, "to": "x", "value": None},
    ]


def test_the_most_valuable_movers_stand_first_and_stayers_nowhere() -> None:
    then = groups({"a": "x", "b": "x", "c": "x", "d": "x"}, {"d": 70.0})
    now = groups({"a": "y", "b": "y", "c": "x"}, {"a": 5.0, "b": 80.0, "c": 900.0})
    assert [(row["customer_id"], row["value"]) for row in moves(then, now).who.to_pylist()] == [
        ("b", 80.0),
        ("d", 70.0),
        ("a", 5.0),
    ]


def test_groups_stand_in_the_order_wanted_and_no_group_is_one() -> None:
    then, now = groups({"a": "x", "b": None, "c": "z"}), groups({"a": "y", "b": "x", "c": None})
    found = moves(then, now, order=("z", "y", "w"))
    assert found.rows == ("z", "y", "x", NO_GROUP, JOINED)
    assert {"customer_id": "c", "from": "z", "to": NO_GROUP, "value": None} in found.who.to_pylist()


def test_the_matrix_has_a_row_for_each_pair_with_customers() -> None:
    found = moves(groups({"a": "x", "b": "x", "c": "y"}), groups({"a": "x", "b": "y", "c": "y", "d": "x"}))
    assert found.matrix().to_pylist() == [
        {"from": "x", "to": "x", "customers": 1, "share": 0.5},
        {"from": "x", "to": "y", "customers": 1, "share": 0.5},
        {"from": "y", "to": "y", "customers": 1, "share": 1.0},
        {"from": JOINED, "to": "x", "customers": 1, "share": 1.0},
    ]


bases = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from(["x", "y", None]))


@given(bases, bases)
def test_the_counts_are_those_of_a_plain_loop(
    then: dict[str, str | None], now: dict[str, str | None]
) -> None:
    found = moves(groups(then), groups(now))
    pairs = Counter(
        (
            (then[one] or NO_GROUP) if one in then else JOINED,
            (now[one] or NO_GROUP) if one in now else LEFT,
        )
        for one in {*then, *now}
    )
    counted = {(row["from"], row["to"]): row["customers"] for row in found.matrix().to_pylist()}
    assert counted == pairs
    assert found.who.num_rows == sum(count for (a, b), count in pairs.items() if a != b)


def test_a_customer_who_stands_twice_is_refused() -> None:
    twice = pa.table({"customer_id": ["a", "a"], "group": ["x", "y"]})
    with pytest.raises(ContractError, match="`now` has customer 'a' 2 times"):
        moves(groups({"a": "x"}), twice)
