"""The merge report: one row per merged id, and what is suspicious is named."""

from __future__ import annotations

from datetime import date

from hypothesis import given

from features.identity.components import components
from features.identity.links import Links
from features.identity.report import MergeReport, merge_report
from tests.features.identity.people import (
    APART,
    DAYS,
    EVIDENCE_ROWS,
    LINK_ROWS,
    Row,
    evidence,
    link_table,
    links_of,
)

KEY = "email:0123456789abcdef"


def report_of(links: Links, day: int = 99) -> MergeReport:
    return merge_report(links, components(links, until=day, first_days={}), until=day)


def test_a_merged_id_says_since_when_and_why() -> None:
    links = Links.of_evidence(evidence([("a", KEY, 3), ("b", KEY, 5), ("c", KEY, 9)]))
    assert report_of(links, day=5).merges.to_pylist() == [
        {"canonical": "a", "own_id": "b", "since": date(1970, 1, 6), "why": "email", "key_hash": "01234567"}
    ]


def test_an_undated_link_of_a_table_is_since_always() -> None:
    links = Links.of_table(link_table([("a", "b", None)]), why="loyalty")
    (row,) = report_of(links).merges.to_pylist()
    assert (row["since"], row["why"], row["key_hash"]) == (None, "loyalty", None)


def test_the_counts_are_said() -> None:
    links = Links.of_evidence(
        evidence([("a", KEY, 3), ("b", KEY, 5), ("c", "phone:f", 5), ("b", "phone:f", 9)])
    )
    report = report_of(Links.combined([links, Links.of_table(link_table([("x", "y", 2)]))]))
    assert report.sentences() == [
        "2 people have several ids, 5 in all, at most 3; ids merged: 1 by email, 1 by phone, 1 by table."
    ]


def test_people_with_more_than_ten_ids_are_named() -> None:
    links = Links.of_table(link_table([(f"c{i:02d}", "c00", 1) for i in range(1, 11)]))
    assert report_of(links).suspicious == (("c00", 11),)
    assert report_of(links).sentences()[1].startswith("1 people have more than 10 ids: c00 (11).")


def test_poisoned_keys_and_left_out_links_are_said() -> None:
    links = Links.of_evidence(
        evidence([("a", KEY, 1), ("b", KEY, 2), ("c", KEY, 3), ("d", KEY, 4)]), most_ids_per_key=3
    )
    assert report_of(links.without([("a", "b")])).sentences()[-2:] == [
        "1 keys are shared by too many ids and link no more.",
        "2 links are left out to keep pairs apart.",
    ]
    assert report_of(links, day=3).poisoned == 0


@given(rows=EVIDENCE_ROWS, explicit=LINK_ROWS, apart=APART, day=DAYS)
def test_the_report_adds_up(
    rows: list[Row], explicit: list[Row], apart: list[tuple[str, str]], day: int
) -> None:
    links = links_of(rows, explicit).without(apart)
    found = components(links, until=day, first_days={})
    report = merge_report(links, found, until=day)
    pairs = zip(report.merges["own_id"].to_pylist(), report.merges["canonical"].to_pylist(), strict=True)
    assert sorted(pairs) == sorted((own, one) for own, one in found.items() if own != one)
    assert report.ids - report.people == report.merges.num_rows == sum(report.by_kind.values())
