"""Links: the second sighting dates them, busy keys are poisoned from their day on, order plays no part."""

from __future__ import annotations

from itertools import combinations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError, DataError
from contracts.tables import PERSONAL
from features.identity.evidence import ALWAYS, evidence_of
from features.identity.keys import email_key
from features.identity.links import Links
from tests.features.identity.people import (
    EVIDENCE_ROWS,
    LINK_ROWS,
    Row,
    evidence,
    link_table,
    links_of,
    rows_of,
    until,
)


def test_two_ids_are_linked_from_the_day_of_the_second_sighting() -> None:
    rows = [("b", "email:x", 3), ("a", "email:x", 7), ("b", "email:x", 9), ("c", "email:y", 1)]
    assert rows_of(Links.of_evidence(evidence(rows))) == [(7, "a", "b", "email:x")]


def test_all_ids_of_a_key_are_linked_with_each_other() -> None:
    rows = [("a", "email:x", 1), ("b", "email:x", 2), ("c", "email:x", 5)]
    assert rows_of(Links.of_evidence(evidence(rows))) == [
        (2, "a", "b", "email:x"), (5, "a", "c", "email:x"), (5, "b", "c", "email:x"),
    ]  # fmt: skip


def test_a_key_is_poisoned_from_the_day_of_one_id_too_many() -> None:
    rows = [
        ("a", "email:x", 1),
        ("b", "email:x", 2),
        ("c", "email:x", 5),
        ("d", "email:x", 5),
        ("e", "email:x", 6),
    ]
    links = Links.of_evidence(evidence(rows), most_ids_per_key=3)
    assert rows_of(links) == [(2, "a", "b", "email:x")]
    assert links.poisoned.to_pylist() == [{"key": "email:x", "from_day": 5}]


def test_twenty_ids_may_share_a_key_and_twenty_one_may_not() -> None:
    rows: list[Row] = [(f"c{i:02d}", "phone:x", i) for i in range(21)]
    assert len(Links.of_evidence(evidence(rows[:20]))) == 190
    assert Links.of_evidence(evidence(rows[:20])).poisoned.num_rows == 0
    assert Links.of_evidence(evidence(rows)).poisoned["from_day"].to_pylist() == [20]


def plain_links(rows: list[Row], most: int) -> set[tuple[int, str, str, str]]:
    """Return the links of evidence, key by key and pair by pair."""
    found = set()
    for key in {key for _, key, _ in rows}:
        ids = {own for own, one, _ in rows if one == key}
        first = {own: min(day for o, k, day in rows if (o, k) == (own, key)) for own in ids}
        days = sorted(first.values())
        poisoned = days[most] if len(days) > most else 10**9
        for a, b in combinations(sorted(ids), 2):
            day = max(first[a], first[b])
            if day < poisoned:
                found.add((day, a, b, key))
    return found


@given(rows=EVIDENCE_ROWS, most=st.integers(2, 5))
def test_links_equal_those_made_pair_by_pair(rows: list[Row], most: int) -> None:
    links = Links.of_evidence(evidence(rows), most_ids_per_key=most)
    assert rows_of(links) == sorted(plain_links(rows, most))


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, day=st.integers(-1, 13))
def test_links_of_a_day_equal_links_of_the_evidence_until_then(
    rows: list[Row], explicit: list[Row], day: int
) -> None:
    assert links_of(rows, explicit).until(day) == links_of(until(rows, day), until(explicit, day))


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_plays_no_part(rows: list[Row], explicit: list[Row], random: object) -> None:
    mixed, others = list(rows), list(explicit)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    random.shuffle(others)  # type: ignore[attr-defined]
    assert links_of(mixed, others) == links_of(rows, explicit)


def test_a_link_table_without_a_day_is_always_known() -> None:
    links = Links.of_table(link_table([("b", "a", None), ("a", "b", None), ("a", "a", 3), ("c", "a", 4)]))
    assert rows_of(links) == [(ALWAYS, "a", "b", "table"), (4, "a", "c", "table")]


def test_a_link_table_named_like_a_key_is_refused() -> None:
    with pytest.raises(ContractError, match="no colon"):
        Links.of_table(link_table([("a", "b", 1)]), why="email:x")


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS)
def test_links_survive_json(rows: list[Row], explicit: list[Row]) -> None:
    links = links_of(rows, explicit).without([("c1", "c0"), ("c2", "c3")])
    assert Links.from_json(links.to_json()) == links


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"a": 1}', '{"known_day": ["x"], "a": [], "b": [], "why": []}']
)
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no links of ours"):
        Links.from_json(text)


def test_no_links_combine_to_no_links() -> None:
    assert len(Links.combined([])) == 0 and Links.combined([]).until(3) == Links.combined([])


def test_evidence_of_personal_data_holds_no_personal_data() -> None:
    people = [
        {"customer_id": "2", "known_day": 5, "email": "Ann@B.de", "phone": "+49 30 901820"},
        {"customer_id": "1", "known_day": None, "email": "ann+x@b.de", "phone": "call me"},
        {"customer_id": "2", "known_day": 3, "email": "ann@b.de", "phone": None},
    ]
    found = evidence_of(pa.Table.from_pylist(people, schema=PERSONAL)).to_pylist()
    assert [(row["own_id"], row["key"][:6], row["first_day"]) for row in found] == [
        ("1", "email:", ALWAYS), ("2", "email:", 3), ("2", "phone:", 5),
    ]  # fmt: skip
    assert found[0]["key"] == email_key("ann@b.de") == found[1]["key"]


def test_the_links_of_a_group_are_those_among_its_ids() -> None:
    links = links_of([("a", "email:1", 1), ("b", "email:1", 2)], [("b", "x", 3), ("c", "d", 1)])
    some = links.of_ids(pa.array(["a", "b", "x"]))
    assert [(a, b) for _, a, b, _ in rows_of(some)] == [("a", "b"), ("b", "x")]
    assert links.of_ids(pa.array(["c", "d", "e"])).a.to_pylist() == ["c"]
