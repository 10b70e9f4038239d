"""Declared segments: who is in which, exclusive sets, small ones, one for each value, and what a marketer adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from campaigns.rfm import rfm_groups
from campaigns.segment_columns import known_columns, ranked_texts, sources_of, text_of_ranks
from campaigns.segments import Memberships, Segment, check_segments, columns_needed, members, read_segments
from campaigns.sizes import sizes
from contracts.errors import DeclarationError
from features.catalog import CATALOG
from features.kernel.reference import Reference

Columns = dict[str, NDArray[Any]]


def segment(name: str, when: str, **more: Any) -> Segment:
    return Segment(name=name, when=when, says="x", **{"label": name.title(), "least": 1, **more})


def found(columns: Columns, *several: Segment) -> Memberships:
    return members({one.name: one for one in several}, columns)


def states(memberships: Memberships) -> dict[str, tuple[str, int]]:
    return {one.name: (one.state, one.customers) for one in memberships.found}


def shop_file(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


ORDERS: Columns = {"orders": np.arange(10.0), "category_mode": np.array([*"aaaabbbcc", None], dtype=object)}


# ---------------------------------------------------------------- declarations
def test_our_own_segments_read_columns_that_exist() -> None:
    declared = read_segments()
    check_segments(declared, known_columns(CATALOG))
    wanted = {
        "new", "one_time", "repeat", "high_value", "cart_abandoners", "lapsed", "category_interest",
        "inactive_subscriber", "discount_only",
    }  # fmt: skip
    assert wanted <= set(declared)


def test_a_marketers_segment_is_one_entry_in_a_file(tmp_path: Path) -> None:
    text = '[segments.big]\nlabel = "Big"\nsays = "Six orders or more."\nwhen = "orders >= 6"\nleast = 3\n'
    declared = read_segments(shop_file(tmp_path, text))
    check_segments(declared, known_columns(CATALOG))
    (one,) = (one for one in members(declared, ORDERS).used if one.name == "big")
    assert np.flatnonzero(one.inside).tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('when = "orders = 3"', "Write == for equal"),
        ('when = "orders > 3"\nleast = 0', "'least' is 0"),
        ('when = "orders > 3"\nexclusive = "rfm"', "set 'rfm' is that of the RFM groups"),
        ('when = "orders > 3"\nleats = 3', "unknown key 'leats', did you mean 'least'"),
        ("least = 3", "'when' is missing"),
        ('when = "orders > 3"\nmost = "many"', "'most' is 'many'"),
    ],
)
def test_a_wrong_entry_is_refused_with_file_and_name(tmp_path: Path, entry: str, message: str) -> None:
    path = shop_file(tmp_path, f'[segments.big]\nlabel = "Big"\nsays = "x"\n{entry}\n')
    with pytest.raises(DeclarationError, match=message) as caught:
        read_segments(path)
    assert "shop.toml, [segments.big]" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (segment("x", "recency_dyas > 3"), "segment 'x': the rule .* did you mean 'recency_days'"),
        (segment("x", "expected_valu_90d > 3"), "did you mean 'expected_value_"),
        (
            segment("x", "orders > 3", each="category_mod"),
            "segment 'x', each: .* did you mean 'category_mode'",
        ),
    ],
)
def test_a_column_that_cannot_exist_is_named_with_the_nearest(one: Segment, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        check_segments({one.name: one}, known_columns(CATALOG))


def test_scores_of_any_horizon_are_known() -> None:
    one = segment("x", "expected_value_45d > 3 and tier == 'focus'")
    check_segments({"x": one}, known_columns(CATALOG, one.columns))


def test_the_needed_columns_are_those_of_all_rules_and_of_each() -> None:
    several = {"a": segment("a", "orders > 3 and known(gap_mean)"), "b": segment("b", "true", each="country")}
    assert columns_needed(several) == ("country", "gap_mean", "orders")


# ---------------------------------------------------------------- members
def test_customers_may_be_in_several_segments() -> None:
    some = found(ORDERS, segment("a", "orders >= 3"), segment("b", "orders >= 8"))
    assert states(some) == {"a": ("used", 7), "b": ("used", 2)}
    assert some.matrix().sum(axis=1).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]


def test_in_an_exclusive_set_the_first_that_holds_wins_by_priority() -> None:
    some = found(
        ORDERS,
        segment("late", "orders >= 0", exclusive="s", priority=9),
        segment("early", "orders >= 4", exclusive="s", priority=1),
        segment("second", "orders >= 2", exclusive="s", priority=1),
        segment("apart", "orders >= 2"),
    )
    assert {name: count for name, (_, count) in states(some).items()} == {
        "late": 2, "early": 6, "second": 2, "apart": 8,
    }  # fmt: skip
    assert some.groups("s").to_pylist() == ["late"] * 2 + ["second"] * 2 + ["early"] * 6


def test_a_small_segment_is_reported_not_used_and_takes_nobody_from_the_next() -> None:
    some = found(
        ORDERS,
        segment("few", "orders >= 8", least=3, exclusive="s", priority=1),
        segment("rest", "orders >= 5", exclusive="s", priority=2),
    )
    assert states(some) == {"few": ("too small", 2), "rest": ("used", 5)}
    assert [one.name for one in some.used] == ["rest"]


def test_without_one_of_its_columns_a_segment_is_not_known() -> None:
    blank: Columns = {**ORDERS, "tier": np.array([None] * 10, dtype=object)}
    some = found(blank, segment("a", "orders > 3 or cart_abandons_90d > 0"), segment("b", "tier == 'focus'"))
    assert states(some) == {"a": ("not known", 0), "b": ("not known", 0)}
    assert [one.lacks for one in some.found] == [("cart_abandons_90d",), ("tier",)]


def test_one_segment_is_made_for_each_common_value_the_commonest_first() -> None:
    one = segment("interest", "orders >= 0", each="category_mode", least=3)
    some = found(ORDERS, one)
    assert states(some) == {
        "interest: a": ("used", 4), "interest: b": ("used", 3), "interest": ("too small", 2),
    }  # fmt: skip
    most = found(ORDERS, segment("interest", "orders >= 0", each="category_mode", most=1, label="In {value}"))
    assert [(part.label, part.customers) for part in most.found] == [("In a", 4), ("In … (2 others)", 5)]


def test_each_of_numbers_is_refused() -> None:
    with pytest.raises(DeclarationError, match="each = 'orders' holds numbers"):
        found(ORDERS, segment("x", "orders > 1", each="orders"))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.permutations(range(5)))
def test_nobody_is_in_two_segments_of_a_set(orders: list[int], priorities: list[int]) -> None:
    columns: Columns = {"orders": np.array(orders, dtype=np.float64)}
    several = [
        segment(f"s{at}", f"orders >= {at}", exclusive="s", priority=priority, least=2)
        for at, priority in enumerate(priorities)
    ]
    some = found(columns, *several)
    assert (some.matrix().sum(axis=1) <= 1).all() if some.used else True
    assert sum(one.customers for one in some.used) == len(some.groups("s").drop_null())


# ---------------------------------------------------------------- tables
def test_the_table_has_one_row_for_each_membership() -> None:
    columns: Columns = {
        "recency_days": np.array([5.0, 300.0]), "frequency": np.array([0.0, 4.0]),
        "monetary_value": np.array([9.0, 80.0]),
    }  # fmt: skip
    some = members({"a": segment("a", "frequency > 0")}, columns, rfm=rfm_groups(columns))
    assert some.table(pa.array(["007", "08"])).to_pylist() == [
        {"customer_id": "007", "segment": "new", "set": "rfm"},
        {"customer_id": "08", "segment": "previously loyal", "set": "rfm"},
        {"customer_id": "08", "segment": "a", "set": ""},
    ]


def test_sizes_have_value_and_shares_and_say_what_is_missing() -> None:
    columns: Columns = {
        **ORDERS,
        "spend": np.array([10.0] * 9 + [110.0]),
        "expected_value_90d": np.arange(10.0),
    }
    some = found(columns, segment("a", "orders >= 8"), segment("b", "visits_30d > 0"))
    table = sizes(
        some, columns, value="expected_value_90d", needs=lambda names: sources_of(names, CATALOG, frozenset())
    )
    a, b = table.to_pylist()
    assert (a["customers"], a["share"], a["spend"], a["spend_share"]) == (2, 0.2, 120.0, 0.6)
    assert (a["expected_value"], a["expected_value_share"]) == (17.0, pytest.approx(17 / 45))
    assert (b["state"], b["customers"], b["needs"]) == ("not known", None, "events (--events)")


def test_what_has_to_be_given_is_said_once_in_words() -> None:
    names = ("tier", "category_mode", "category_mode_share", "cart_adds_30d", "visits_30d", "age")
    assert sources_of(names, CATALOG, frozenset({"product_id"})) == (
        "a ranking as of that day (--ranking)",
        "the column category of the orders or of the products (--products)",
        "events (--events)",
        "the column age of the customers (--customers)",
    )


def test_ranks_become_the_texts_that_they_stand_for() -> None:
    assert "category_mode" in ranked_texts(CATALOG) and "country" in ranked_texts(CATALOG)
    table = Reference(3, ("books", "music", "toys"), np.array([2.0, 3.0, 1.0]))
    ranks = np.array([1.0, float("nan"), 3.0, 2.0])
    assert text_of_ranks(ranks, table).tolist() == ["toys", None, "music", "books"]
