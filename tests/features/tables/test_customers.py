"""Customers: attributes from the day they were known on, personal data apart, nothing that cannot be right."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.days import parse_day, to_date
from contracts.errors import DeclarationError
from contracts.tables import CUSTOMERS, PERSONAL
from features.identity.keys import guest_id
from features.tables.customers import CustomersReading, customers_on, read_customers
from features.tables.mapping import TableMapping

UNTIL = parse_day("2024-06-30")


def read(
    folder: Path, text: str, mapping: TableMapping | None = None, until: int = UNTIL
) -> CustomersReading:
    path = folder / "customers.csv"
    path.write_text(text)
    return read_customers(path, mapping=mapping, until=until, timezone="UTC")


def test_attributes_and_personal_data_come_apart(tmp_path: Path) -> None:
    text = (
        "Customer ID,Email,Phone,Gender,State,Accepts Email Marketing\n01,Ann@B.de,+49 30 901820,f,BE,yes\n"
    )
    reading = read(tmp_path, text)
    assert reading.customers.schema.equals(CUSTOMERS) and reading.personal.schema.equals(PERSONAL)
    (row,) = reading.customers.to_pylist()
    assert (row["customer_id"], row["gender"], row["region"], row["consent_email"]) == ("01", "f", "BE", True)
    assert reading.personal.to_pylist() == [
        {"customer_id": "01", "known_day": None, "email": "Ann@B.de", "phone": "+4930901820"}
    ]


def test_a_table_without_a_time_says_that_it_is_always_known(tmp_path: Path) -> None:
    reading = read(tmp_path, "customer_id,gender\n1,f\n")
    assert reading.report.notes == (
        "The customers have no time: their attributes are taken as always known.",
    )
    assert reading.versions["known_day"].to_pylist() == [None]


def test_what_is_known_later_is_not_seen(tmp_path: Path) -> None:
    text = "customer_id,newsletter,updated_at\n1,yes,2024-01-01\n1,no,2024-07-01\n2,yes,2024-07-01\n"
    reading = read(tmp_path, text)
    assert reading.customers["consent_email"].to_pylist() == [True]
    assert (reading.report.later, reading.report.kept) == (2, 1)


def test_the_last_description_known_on_a_day_counts(tmp_path: Path) -> None:
    text = "customer_id,newsletter,updated_at\n1,yes,2024-01-01\n1,no,2024-03-01\n2,yes,\n"
    versions = read(tmp_path, text).versions
    for day, expected in (("2023-12-31", {"2": True}), ("2024-02-29", {"1": True, "2": True}),
                          ("2024-03-01", {"1": False, "2": True})):  # fmt: skip
        rows = customers_on(versions, parse_day(day)).to_pylist()
        assert {row["customer_id"]: row["consent_email"] for row in rows} == expected


def test_without_known_at_the_sign_up_counts(tmp_path: Path) -> None:
    reading = read(tmp_path, "customer_id,gender,created_at\n1,f,2024-03-01 10:00\n")
    (row,) = reading.customers.to_pylist()
    assert row["known_day"] == row["signed_up_day"] == parse_day("2024-03-01")
    assert "known from the sign-up on" in reading.report.notes[0]


def test_birth_dates_that_cannot_be_right_are_emptied_and_counted(tmp_path: Path) -> None:
    text = "customer_id,birthday\n1,1980-02-29\n2,2024-07-01\n3,1904-06-29\n4,1904-06-30\n5,soon\n6,\n"
    reading = read(tmp_path, text)
    assert reading.customers["birth_date"].to_pylist() == [
        date(1980, 2, 29),
        None,
        None,
        date(1904, 6, 30),
        None,
        None,
    ]
    assert reading.report.emptied == {"birth_date": 3}


@pytest.mark.parametrize(
    ("written", "years"),
    [
        ("34", 34), ("34.5", 34.5), ("25-34", 29.5), ("25 – 34", 29.5), ("35 to 44", 39.5), ("Age 25-34", 29.5),
        ("65+", 70), ("65 and over", 70), ("under 25", 20), ("<25", 20), ("0", None), ("121", None), ("old", None),
    ],
)  # fmt: skip
def test_an_age_is_a_number_or_the_middle_of_a_band(
    tmp_path: Path, written: str, years: float | None
) -> None:
    reading = read(tmp_path, f"customer_id,age\n1,{written}\n")
    assert reading.customers["age"].to_pylist() == [years]
    assert reading.report.emptied == ({} if years else {"age": 1})


@pytest.mark.parametrize(
    ("written", "consent"),
    [
        ("yes", True), ("TRUE", True), ("1", True), ("Subscribed", True), ("opted-in", True), ("no", False),
        ("unsubscribed", False), ("NEVER_SUBSCRIBED", False), ("not_subscribed", False), ("0", False),
        ("perhaps", None),
    ],
)  # fmt: skip
def test_consent_words_are_yes_or_no(tmp_path: Path, written: str, consent: bool | None) -> None:
    reading = read(tmp_path, f"customer_id,consent_sms\n1,{written}\n")
    assert reading.customers["consent_sms"].to_pylist() == [consent]
    assert reading.report.emptied == ({"consent_sms": 1} if consent is None else {})


def test_repeated_rows_of_a_customer_and_day_are_merged_and_counted(tmp_path: Path) -> None:
    text = "customer_id,gender,updated_at\n1,f,2024-01-01 10:00\n1,m,2024-01-01 11:00\n1,m,2024-01-01 12:00\n2,,\n"
    reading = read(tmp_path, text)
    assert reading.customers["gender"].to_pylist() == ["m", None]
    assert reading.report.merged == {"other_customer": 1, "same_customer": 1}


def test_an_address_is_known_from_its_first_day_on(tmp_path: Path) -> None:
    text = "customer_id,email,updated_at\n1,a@b.de,2024-03-01\n1,a@b.de,2024-01-01\n1,c@d.de,2024-04-01\n"
    rows = read(tmp_path, text).personal.to_pylist()
    assert [(to_date(row["known_day"]).isoformat(), row["email"]) for row in rows] == [
        ("2024-01-01", "a@b.de"), ("2024-04-01", "c@d.de"),
    ]  # fmt: skip


def test_numbers_without_a_country_need_a_region(tmp_path: Path) -> None:
    columns = {"customer_id": "customer_id", "phone": "phone"}
    text = "customer_id,phone\n1,030 901820\n"
    assert read(tmp_path, text).report.emptied == {"phone": 1}
    reading = read(tmp_path, text, TableMapping(name="x", columns=columns, phone_region="DE"))
    assert reading.personal["phone"].to_pylist() == ["+4930901820"]
    with pytest.raises(DeclarationError, match="phone_region 'XX'"):
        read(tmp_path, text, TableMapping(name="x", columns=columns, phone_region="XX"))


def test_a_customer_with_an_address_alone_is_its_hash(tmp_path: Path) -> None:
    reading = read(tmp_path, "Email Address,Birthday\nann@b.de,1980-01-01\n,1980-01-01\n")
    assert reading.customers["customer_id"].to_pylist() == [guest_id("ann@b.de")]
    assert reading.report.quarantined == {"missing_customer": 1}


def test_no_personal_data_is_outside_its_table(tmp_path: Path) -> None:
    text = (
        "customer_id,email,phone,updated_at\n,x,+4930901820,2024-01-01\n1,ann@b.de,+4930901820,soon\n"
        "2,a@b.de,,2024-01-01\n3,ann@b.de\n"
    )
    reading = read(tmp_path, text)
    assert reading.report.quarantined == {"malformed_row": 1, "missing_customer": 1, "unreadable_date": 1}
    shown = str((reading.quarantine.to_pylist(), reading.versions.to_pylist(), reading.report))
    assert "@" not in shown and "901820" not in shown


def test_ids_that_are_addresses_are_said(tmp_path: Path) -> None:
    assert "1 customer ids look like e-mail" in read(tmp_path, "customer_id\nann@b.de\n").report.notes[-1]


ROW = st.tuples(
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["yes", "no", "", "?"]),
    st.sampled_from(["1950-01-01", "2024-06-03", "1890-01-01", ""]),
    st.sampled_from([f"2024-06-0{day} 1{day}:00" for day in (1, 2, 3, 4)] + ["2024-06-02", "x"]),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=12), day=st.integers(0, 4))
def test_customers_on_a_day_equal_those_of_the_file_cut_there(
    tmp_path: Path, rows: list[tuple[str, str, str, str]], day: int
) -> None:
    until = parse_day("2024-06-01") + day - 1
    last = to_date(until).isoformat()
    fixed = [("9", "yes", "", "2024-05-01"), *rows]
    cut = [row for row in fixed if row[3] == "x" or row[3][:10] <= last]
    one, other = (
        read(
            tmp_path,
            "customer_id,newsletter,birthday,updated_at\n" + "".join(",".join(r) + "\n" for r in part),
        )
        for part in (fixed, cut)
    )
    assert customers_on(one.versions, until).equals(other.customers)
