"""People: connected ids, one canonical id, and a history that says who was shown as whom on which day."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.identity.apply import known_as
from features.identity.components import components, first_order_days, groups_of, history_of
from features.identity.links import Links
from tests.features.identity.people import (
    APART,
    DAYS,
    EVIDENCE_ROWS,
    FIRST_DAYS,
    LINK_ROWS,
    Row,
    link_table,
    links_of,
    plain_components,
    rows_of,
)


def table(*rows: tuple[str, str, int]) -> Links:
    return Links.of_table(link_table(rows))


def changes(links: Links, first_days: Mapping[str, int]) -> list[tuple[str, int, str]]:
    return [tuple(row.values()) for row in history_of(links, first_days=first_days).to_pylist()]


def test_the_earliest_customer_stands_for_the_person() -> None:
    links = table(("a", "b", 5), ("b", "c", 6))
    assert components(links, until=5, first_days={"a": 3, "b": 1}) == {"a": "b", "b": "b"}
    assert components(links, until=6, first_days={"a": 3, "b": 1, "c": 1}) == {"a": "b", "b": "b", "c": "b"}


def test_an_order_that_is_not_known_yet_does_not_count() -> None:
    links = table(("a", "b", 2))
    assert components(links, until=6, first_days={"b": 7}) == {"a": "a", "b": "a"}
    assert components(links, until=7, first_days={"b": 7}) == {"a": "b", "b": "b"}


def test_a_first_order_after_the_link_changes_who_is_shown() -> None:
    assert changes(table(("a", "b", 2)), {"b": 7, "a": 9}) == [("a", 7, "b"), ("b", 2, "a"), ("b", 7, "b")]


def test_two_changes_of_one_day_are_one() -> None:
    assert changes(table(("b", "c", 4), ("a", "b", 4)), {}) == [("b", 4, "a"), ("c", 4, "a")]


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, first=FIRST_DAYS, apart=APART, day=DAYS)
def test_components_equal_repeated_relabelling(
    rows: list[Row], explicit: list[Row], first: dict[str, int], apart: list[tuple[str, str]], day: int
) -> None:
    links = links_of(rows, explicit).without(apart)
    found = components(links, until=day, first_days=first)
    assert found == plain_components(rows_of(links), first, day, apart)


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, first=FIRST_DAYS, apart=APART, days=st.tuples(DAYS, DAYS))
def test_people_only_merge_with_time(
    rows: list[Row],
    explicit: list[Row],
    first: dict[str, int],
    apart: list[tuple[str, str]],
    days: tuple[int, int],
) -> None:
    links = links_of(rows, explicit).without(apart)
    early = components(links, until=min(days), first_days=first)
    late = components(links, until=max(days), first_days=first)
    for one, canonical in early.items():
        assert all(late[one] == late[other] for other, same in early.items() if same == canonical)


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, first=FIRST_DAYS, apart=APART)
def test_the_history_says_on_every_day_what_the_components_say(
    rows: list[Row], explicit: list[Row], first: dict[str, int], apart: list[tuple[str, str]]
) -> None:
    links = links_of(rows, explicit).without(apart)
    history = history_of(links, first_days=first)
    ids = pa.array([f"c{i}" for i in range(12)])
    for day in range(-1, 14):
        known = components(links, until=day, first_days=first)
        shown = known_as(ids, history, day=day).to_pylist()
        assert shown == [known.get(own, own) for own in ids.to_pylist()]


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, first=FIRST_DAYS, apart=APART, day=DAYS)
def test_a_history_cut_at_a_day_is_the_history_of_that_day(
    rows: list[Row], explicit: list[Row], first: dict[str, int], apart: list[tuple[str, str]], day: int
) -> None:
    links = links_of(rows, explicit).without(apart)
    whole = history_of(links, first_days=first).to_pylist()
    then = {own: known for own, known in first.items() if known <= day}
    cut = history_of(links.until(day), first_days=then).to_pylist()
    assert [row for row in whole if row["from_day"] <= day] == cut


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, first=FIRST_DAYS)
def test_every_row_of_the_history_is_a_change(
    rows: list[Row], explicit: list[Row], first: dict[str, int]
) -> None:
    shown: dict[str, str] = {}
    for own, _, canonical in changes(links_of(rows, explicit), first):
        assert shown.get(own, own) != canonical
        shown[own] = canonical


def test_a_pair_that_is_kept_apart_is_not_joined() -> None:
    links = links_of([("a", "email:x", 1), ("b", "email:x", 2), ("a", "phone:y", 3), ("b", "phone:y", 3)])
    assert components(links.without([("b", "a")]), until=9, first_days={}) == {"a": "a", "b": "b"}


def test_a_third_id_stays_with_the_one_it_was_linked_to_first() -> None:
    links = table(("b", "c", 2), ("a", "c", 5), ("a", "d", 6)).without([("a", "b")])
    assert components(links, until=9, first_days={}) == {"a": "a", "b": "b", "c": "b", "d": "a"}


def test_the_first_order_day_is_that_of_the_first_sale() -> None:
    lines = pa.table({"customer_id": ["a", "a", "b"], "day": [3, 2, 5], "returned": [False, True, False]})
    assert first_order_days(lines) == {"a": 3, "b": 5}


def test_no_links_are_no_people() -> None:
    assert components(Links.combined([]), until=3, first_days={"a": 1}) == {}
    assert history_of(Links.combined([]), first_days={"a": 1}).num_rows == 0


def test_groups_hold_all_linked_ids_and_without_kept_apart_pairs_only_people() -> None:
    links = links_of([], [("a", "b", 1), ("b", "c", 2), ("x", "y", 1)]).without([("a", "c")])
    ids, group = groups_of(links)
    assert ids.to_pylist() == ["a", "b", "c", "x", "y"] and group.tolist() == [0, 0, 0, 1, 1]
    assert groups_of(links, kept_apart=True)[1].tolist() == [0, 0, 1, 2, 2]
