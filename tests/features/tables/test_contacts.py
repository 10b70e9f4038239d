"""Contacts: who was sent what in which arm, and only those answers that are known by then."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from contracts.days import parse_day
from contracts.errors import DeclarationError
from contracts.tables import CONTACTS
from features.tables.account import TableReading
from features.tables.contacts import read_contacts
from features.tables.mapping import TableMapping

UNTIL = parse_day("2024-06-30")


def read(folder: Path, text: str, mapping: TableMapping | None = None) -> TableReading:
    path = folder / "contacts.csv"
    path.write_text(text)
    return read_contacts(path, mapping=mapping, until=UNTIL, timezone="UTC")


def test_a_campaign_log_is_read(tmp_path: Path) -> None:
    text = "campaign_id,customer_id,sent_at,arm,cost,delivered,opened_at\n01,7,2024-06-01,Holdout,0.10,yes,\n"
    reading = read(tmp_path, text)
    (row,) = reading.rows.to_pylist()
    assert (row["campaign_id"], row["arm"], row["cost"], row["delivered"]) == ("01", "control", 0.1, True)
    assert row["day"] == parse_day("2024-06-01") and reading.rows.schema.equals(CONTACTS)


def test_contacts_and_answers_after_the_day_are_not_known(tmp_path: Path) -> None:
    text = (
        "campaign,user,sent_at,opened_at,clicked_at,converted_at,revenue,unsubscribed_at\n"
        "a,1,2024-06-30 23:00,2024-06-30 23:59,2024-07-01 00:00,2024-07-02,50,2024-07-03\n"
        "a,2,2024-06-01,,,2024-06-02,20,\n"
        "a,3,2024-07-01,,,,,\n"
    )
    reading = read(tmp_path, text)
    first, second = reading.rows.to_pylist()
    assert first["opened_at"] == datetime(2024, 6, 30, 23, 59)
    assert [first[name] for name in ("clicked_at", "converted_at", "revenue", "unsubscribed_at")] == [
        None
    ] * 4
    assert second["revenue"] == 20 and reading.report.later == 1


def test_without_an_arm_everyone_is_treated_and_that_is_said(tmp_path: Path) -> None:
    reading = read(tmp_path, "campaign,user,sent_at\na,1,2024-06-01\n")
    assert reading.rows["arm"].to_pylist() == ["treated"]
    assert reading.report.notes[0].startswith("The contacts have no arm")


def test_revenue_without_a_time_is_said(tmp_path: Path) -> None:
    reading = read(tmp_path, "campaign,user,sent_at,treated,revenue\na,1,2024-06-01,1,5\n")
    assert reading.rows["revenue"].to_pylist() == [5.0]
    assert reading.report.notes == (
        "Revenue has no time of its own: it is taken as known when the contact was sent.",
    )


def test_the_shops_words_for_the_arms_are_told(tmp_path: Path) -> None:
    columns = {"campaign_id": "c", "customer_id": "u", "sent_at": "t", "arm": "segment"}
    mapping = TableMapping(name="x", columns=columns, words={"Mens E-Mail": "treated"})
    text = (
        "c,u,t,segment\na,1,2024-06-01,mens e-mail\na,2,2024-06-01,No E-Mail\n"
        "a,3,2024-06-01,Women\na,4,2024-06-01,\n"
    )
    reading = read(tmp_path, text, mapping)
    assert reading.rows["arm"].to_pylist() == ["treated", "control"]
    assert reading.report.quarantined == {"unknown_arm": 2}


def test_a_word_for_no_arm_is_refused(tmp_path: Path) -> None:
    columns = {"campaign_id": "c", "customer_id": "u", "sent_at": "t", "arm": "segment"}
    mapping = TableMapping(name="x", columns=columns, words={"A": "variant"})
    with pytest.raises(DeclarationError, match="An arm is treated or control"):
        read(tmp_path, "c,u,t,segment\na,1,2024-06-01,A\n", mapping)


def test_the_first_arm_of_a_customer_counts(tmp_path: Path) -> None:
    text = (
        "campaign,user,sent_at,arm\na,1,2024-06-02,control\na,1,2024-06-01,treated\n"
        "a,1,2024-06-03,treated\nb,1,2024-06-03,control\n"
    )
    reading = read(tmp_path, text)
    assert reading.rows["arm"].to_pylist() == ["treated", "treated", "control"]
    assert reading.report.quarantined == {"other_arm": 1}
    assert reading.report.notes == (
        "1 contacts repeat an earlier one of the same campaign and customer; all are kept.",
    )


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    text = (
        "campaign,user,sent_at,arm,cost,opened_at,delivered\na,1,2024-06-01,test,1,x,perhaps\na,1,2024-06-01,test,1,x,perhaps\n"
        ",1,2024-06-01,test,1,,\na,,2024-06-01,test,1,,\na,2,x,test,1,,\na,2,1950-01-01,test,1,,\na,2\na,9,2025-01-01,test,1,,\n"
    )
    report = read(tmp_path, text).report
    assert report.quarantined == {
        "absurd_date": 1, "malformed_row": 1, "missing_campaign": 1, "missing_customer": 1, "unreadable_date": 1,
    }  # fmt: skip
    assert (report.read, report.kept, report.merged, report.later) == (8, 1, {"same_contact": 1}, 1)
    assert report.emptied == {"opened_at": 1, "delivered": 1}
    assert report.sentences()[0].endswith("1 merged (same_contact), 1 later than asked for.")
