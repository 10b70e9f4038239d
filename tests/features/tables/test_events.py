"""Events: kinds in one language, nothing after the day asked for, every row accounted for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.days import parse_day, to_date
from contracts.errors import DataError
from contracts.tables import EVENT_KINDS, EVENTS
from features.identity.keys import email_key, guest_id
from features.tables.account import TableReading
from features.tables.events import KNOWN_WORDS, kind_of, read_events
from features.tables.mapping import TableMapping

UNTIL = parse_day("2024-06-30")


def read(folder: Path, text: str, mapping: TableMapping | None = None, timezone: str = "UTC") -> TableReading:
    path = folder / "events.csv"
    path.write_text(text)
    return read_events(path, mapping=mapping, until=UNTIL, timezone=timezone)


def test_an_export_with_the_words_of_a_mail_tool_is_read(tmp_path: Path) -> None:
    header = "person id,email,Event Name,timestamp,Campaign Name\n"
    text = header + '007,a@b.de,Opened Email,2024-01-01T23:30:00Z,"Spring, 2"\n'
    reading = read(tmp_path, text, timezone="Europe/Berlin")
    assert reading.rows.to_pylist() == [
        {
            "customer_id": "007",
            "occurred_at": datetime(2024, 1, 2, 0, 30),
            "day": parse_day("2024-01-02"),
            "kind": "email_open",
            "channel": None,
            "campaign_id": "Spring, 2",
            "product_id": None,
        }
    ]
    assert reading.rows.schema.equals(EVENTS)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Opened Email", "email_open"),
        ("open", "email_open"),
        ("email_opened", "email_open"),
        ("Received Email", "email_sent"),
        ("Clicked Email", "email_click"),
        ("Added to Cart", "cart_add"),
        ("Active on Site", "visit"),
        ("Placed Order", "placedorder"),
        ("!", None),
    ],
)
def test_a_word_becomes_its_kind_or_stays_the_shops_own(word: str, kind: str | None) -> None:
    assert kind_of(word) == kind


def test_every_kind_of_the_contract_is_known_by_its_own_name() -> None:
    assert [kind_of(kind) for kind in EVENT_KINDS] == list(EVENT_KINDS)
    assert set(KNOWN_WORDS.values()) == set(EVENT_KINDS)


def test_the_shop_says_what_its_words_mean(tmp_path: Path) -> None:
    columns = {"customer_id": "c", "occurred_at": "t", "kind": "k"}
    mapping = TableMapping(name="x", columns=columns, words={"Gelesen!": "message_read", "open": "visit"})
    reading = read(tmp_path, "c,t,k\n1,2024-01-01,gelesen\n1,2024-01-02,Open\n1,2024-01-03,Zoom\n", mapping)
    assert reading.rows["kind"].to_pylist() == ["message_read", "visit", "zoom"]
    assert any("own words: zoom" in note for note in reading.report.notes)


def test_bad_rows_go_to_quarantine_with_reason_and_source_row(tmp_path: Path) -> None:
    text = (
        "user_id,event,date\n1,open,x\n,open,2024-01-01\nnan,open,2024-01-01\n1,,2024-01-01\n"
        "1,open,1960-01-01\n1,open\n"
    )
    reading = read(tmp_path, text + "1,open,2024-01-01\n")
    rows = reading.quarantine.select(["reason", "source_row"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("unreadable_date", 1), ("missing_customer", 2), ("missing_customer", 3), ("missing_kind", 4),
        ("absurd_date", 5), ("malformed_row", 7),
    ]  # fmt: skip
    assert (reading.report.read, reading.report.kept, reading.report.refused) == (7, 1, 6)


def test_events_that_are_alike_in_everything_are_merged_and_counted(tmp_path: Path) -> None:
    text = "user_id,event,date,campaign\n1,open,2024-01-01,a\n1,Opened,2024-01-01,a\n1,open,2024-01-01,b\n"
    reading = read(tmp_path, text)
    assert reading.rows["campaign_id"].to_pylist() == ["a", "b"]
    assert reading.report.merged == {"same_event": 1}


def test_a_row_with_an_address_alone_belongs_to_its_hash(tmp_path: Path) -> None:
    reading = read(
        tmp_path, "email,event,date,user\nAnn+x@B.de,open,2024-01-01,\nann@b.de,open,2024-01-02,7\n"
    )
    assert reading.rows["customer_id"].to_pylist() == ["7", guest_id("ann@b.de")]
    assert "ann@" not in str(reading.rows.to_pylist()) + str(reading.quarantine.to_pylist())
    assert reading.report.notes[0].startswith("1 rows have no customer id")


def test_who_was_seen_with_which_address_is_evidence(tmp_path: Path) -> None:
    text = "user,email,event,date\n7,Ann@B.de,open,2024-01-03\n7,ann+x@b.de,open,2024-01-02\n8,x,open,2024-01-02\n"
    key, day = email_key("ann@b.de"), parse_day("2024-01-02")
    assert read(tmp_path, text).evidence.to_pylist() == [{"own_id": "7", "key": key, "first_day": day}]


def test_the_quarantine_shows_no_address(tmp_path: Path) -> None:
    reading = read(
        tmp_path, "email,event,date\nann@b.de,,2024-01-01\nann@b.de,open\nann@b.de,open,2024-01-01\n"
    )
    assert reading.report.refused == 2 and "ann@" not in str(reading.quarantine.to_pylist())


def test_rows_are_sorted_by_customer_time_and_kind(tmp_path: Path) -> None:
    text = (
        "user,event,time\nb,open,2024-01-01 10:00\na,open,2024-01-01 11:00\n"
        "a,click,2024-01-01 11:00\na,visit,2024-01-01 09:00\n"
    )
    rows = read(tmp_path, text).rows
    kinds = ["visit", "email_click", "email_open", "email_open"]
    assert (rows["customer_id"].to_pylist(), rows["kind"].to_pylist()) == (["a", "a", "a", "b"], kinds)


def test_times_of_another_zone_are_moved_and_dates_are_not(tmp_path: Path) -> None:
    columns = {"customer_id": "c", "occurred_at": "t"}
    mapping = TableMapping(name="x", columns=columns, constants={"kind": "visit"}, timezone="UTC")
    text = "c,t\n1,2024-06-01\n2,2024-06-01 02:00\n"
    rows = read(tmp_path, text, mapping, timezone="America/New_York").rows
    assert rows["occurred_at"].to_pylist() == [datetime(2024, 6, 1), datetime(2024, 5, 31, 22)]


def test_ids_of_a_float_export_lose_their_point_and_others_keep_everything(tmp_path: Path) -> None:
    text = "user,event,date,campaign_id\n7.0,open,2024-01-01,007\n8.0,open,2024-01-01,1.0\n"
    rows = read(tmp_path, text).rows
    assert (rows["customer_id"].to_pylist(), rows["campaign_id"].to_pylist()) == (["7", "8"], ["007", "1.0"])


def test_columns_of_parquet_types_are_read(tmp_path: Path) -> None:
    at = pa.array([datetime(2024, 1, 1, 12), None], pa.timestamp("ms"))
    table = pa.table(
        {"customer_id": [7, 8], "event": pa.array(["open", "open"]).dictionary_encode(), "date": at}
    )
    pq.write_table(table, tmp_path / "e.parquet")
    reading = read_events(tmp_path / "e.parquet", until=UNTIL, timezone="UTC")
    assert reading.rows["customer_id"].to_pylist() == ["7"]
    assert reading.report.quarantined == {"unreadable_date": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,event\n1,open\n", "no column for occurred_at"),
        (
            "usr,event,date\n1,open,2024-01-01\n",
            r"no column for customer_id or email \(did you mean 'usr'\?\)",
        ),
        ("user,event,date\n1,open,soon\n", "no value of column 'date' can be read"),
        ("user,event,date\n1,open,03/04/2024\n", "day and month cannot be told apart"),
    ],
)
def test_a_file_of_something_else_is_one_clear_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_a_file_without_events_until_then_is_empty(tmp_path: Path) -> None:
    reading = read(tmp_path, "user,event,date\n1,open,2024-07-01\n")
    assert (reading.rows.num_rows, reading.report.later, reading.report.kept) == (0, 1, 0)


ROW = st.tuples(
    st.sampled_from(["1", "2", "", "nan"]),
    st.sampled_from(["a@b.de", "A@B.de", "x", ""]),
    st.sampled_from(["open", "Opened Email", "buy", ""]),
    st.sampled_from(
        [f"2024-06-{day:02d} 10:00" for day in (1, 2, 3, 4)] + ["2024-06-02", "x", "", "1950-01-01"]
    ),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=12), day=st.integers(0, 4))
def test_events_until_a_day_equal_those_of_the_file_cut_there(
    tmp_path: Path, rows: list[tuple[str, str, str, str]], day: int
) -> None:
    until = parse_day("2024-06-01") + day - 1
    last = to_date(until).isoformat()
    fixed = [("9", "", "open", "2024-05-01"), *rows]
    texts = ["user,email,event,time\n" + "".join(",".join(row) + "\n" for row in part)
             for part in (fixed, [row for row in fixed if row[3][:10] <= last or row[3] in ("x", "")])]  # fmt: skip
    whole, cut = (tmp_path / "whole.csv", tmp_path / "cut.csv")
    whole.write_text(texts[0])
    cut.write_text(texts[1])
    one, other = (read_events(path, until=until, timezone="UTC") for path in (whole, cut))
    assert one.rows.equals(other.rows)
    assert one.report.quarantined == other.report.quarantined and one.report.merged == other.report.merged
    assert one.report.read - one.report.later == other.report.read
