"""The mapping of a table: closed keys, and a message that says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import DataError, DeclarationError
from features.tables.contacts import SHAPE as CONTACTS_SHAPE
from features.tables.customers import SHAPE as CUSTOMERS_SHAPE
from features.tables.customers import read_customers
from features.tables.events import SHAPE, read_events
from features.tables.mapping import TableMapping, complete_table, load_table_mapping, recognise_table

GOOD = '[columns]\ncustomer_id = "c"\noccurred_at = "t"\nkind = "k"\n'


def test_a_mapping_is_read_from_toml(tmp_path: Path) -> None:
    (tmp_path / "mail.toml").write_text('timezone = "UTC"\n' + GOOD + '[words]\n"Auf" = "email_open"\n')
    mapping = load_table_mapping(tmp_path / "mail.toml", SHAPE)
    assert (mapping.name, mapping.timezone, mapping.words) == ("mail", "UTC", {"Auf": "email_open"})
    assert mapping.columns == {"customer_id": "c", "occurred_at": "t", "kind": "k"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[column]\n", "unknown key 'column', did you mean 'columns'?"),
        (GOOD + 'knd = "x"\n', r"\[columns\] has the unknown part 'knd', did you mean 'kind'"),
        (GOOD + '[constants]\nkind = "open"\n', "kind has a column and a constant"),
        ("date_format = 3\n" + GOOD, "'date_format' must hold text"),
        ('columns = "x"\n', "'columns' is not in its place"),
        ('decimal = "."\nwords = { a = 1 }\n' + GOOD, "'words' must hold text"),
        ('decimal = ";"\n' + GOOD, 'Write "." or ","'),
        ('timezone = "Berlin"\n' + GOOD, "timezone 'Berlin' is not known"),
        ('number_rows = "yes"\n' + GOOD, "Write true or false"),
        ("[columns", "not TOML"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(DeclarationError, match=message):
        load_table_mapping(tmp_path / "m.toml", SHAPE)


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_table_mapping(tmp_path / "m.toml", SHAPE)


def test_a_mapping_with_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("c,when,k\n1,2024-01-01,open\n")
    mapping = TableMapping(name="x", columns={"customer_id": "c", "occurred_at": "wen", "kind": "k"})
    with pytest.raises(DataError, match="'wen' of mapping 'x' is not there, did you mean 'when'"):
        read_events(tmp_path / "e.csv", mapping=mapping, until=1, timezone="UTC")


@pytest.mark.parametrize(
    "text", ['phone_region = "GB"\n', '[columns]\ncustomer_id = "nr"\nemail = "email"\n']
)
def test_what_a_mapping_does_not_say_is_recognised(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    mapping = load_table_mapping(tmp_path / "m.toml", CUSTOMERS_SHAPE)
    columns = ["nr" if "nr" in text else "customer_id", "email", "consent_email"]
    found = complete_table(mapping, columns, CUSTOMERS_SHAPE, "x")
    assert found.columns == {"customer_id": columns[0], "email": "email", "consent_email": "consent_email"}
    assert found.phone_region == mapping.phone_region


def test_a_part_that_is_said_not_to_be_there_or_is_constant_is_not_recognised() -> None:
    said = TableMapping(name="x", columns={"region": ""}, constants={"gender": "f"})
    found = complete_table(said, ["id", "city", "gender"], CUSTOMERS_SHAPE, "x")
    assert found.columns == {"customer_id": "id"}


def test_a_column_that_is_said_for_one_part_plays_no_other() -> None:
    said = TableMapping(name="x", columns={"occurred_at": "date", "kind": "type"})
    found = complete_table(said, ["user", "date", "type", "action"], SHAPE, "x")
    assert found.columns == {"customer_id": "user", "occurred_at": "date", "kind": "type"}


def test_a_needed_part_that_is_neither_said_nor_recognised_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("c,wenn,k\n1,2024-01-01,open\n")
    mapping = TableMapping(name="x", columns={"customer_id": "c", "kind": "k"})
    with pytest.raises(DataError, match="no column for occurred_at"):
        read_events(tmp_path / "e.csv", mapping=mapping, until=1, timezone="UTC")


def test_an_unknown_timezone_of_the_shop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,event,date\n1,open,2024-01-01\n")
    with pytest.raises(DeclarationError, match="'Mars/Base' is not known"):
        read_events(tmp_path / "e.csv", until=1, timezone="Mars/Base")


def test_the_likeliest_name_of_a_part_is_taken() -> None:
    mapping = recognise_table(["Date", "Send Time", "Campaign", "E-Mail Address"], CONTACTS_SHAPE, "x")
    assert mapping.columns == {"campaign_id": "Campaign", "email": "E-Mail Address", "sent_at": "Send Time"}


def test_names_of_common_tools_are_recognised() -> None:
    columns = [
        "Email",
        "Klaviyo ID",
        "Phone Number",
        "Birthday",
        "State / Region",
        "Email Marketing Consent",
        "Date Added",
    ]
    found = recognise_table(columns, CUSTOMERS_SHAPE, "x").columns
    assert found == {
        "customer_id": "Klaviyo ID", "email": "Email", "phone": "Phone Number", "birth_date": "Birthday",
        "region": "State / Region", "consent_email": "Email Marketing Consent", "signed_up_at": "Date Added",
    }  # fmt: skip


def test_a_table_without_ids_can_be_numbered(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("zip,age\nRural,30\nUrban,40\n")
    mapping = TableMapping(name="x", columns={"region": "zip", "age": "age"}, number_rows=True)
    rows = read_customers(tmp_path / "c.csv", mapping=mapping, until=1, timezone="UTC").customers
    assert rows["customer_id"].to_pylist() == ["1", "2"]
