"""Keys: one form for all spellings, the same in Python and in SQL, and never the value itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DeclarationError
from features.identity.keys import (
    check_region,
    email_key,
    email_key_sql,
    guest_id,
    guest_id_sql,
    normal_email,
    normal_email_sql,
    normal_phone,
    normal_phones,
    phone_key,
)

LETTERS = st.sampled_from(list("aAbZ.+@ \t\n-_1éÉİ\u00a0\u200bgmail'\\%\x00\x7f"))
DOMAINS = st.sampled_from(
    ["gmail.com", "Googlemail.com", "GMAIL.COM ", "shop.de", "a.b.co", "gmail.com.", "gmail", ""]
)
ADDRESSES = st.one_of(
    st.tuples(st.text(LETTERS, max_size=8), DOMAINS).map("@".join),
    st.text(LETTERS, max_size=12),
    st.emails(),
    st.text(st.characters(codec="utf-8"), max_size=10),
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Anna.Berg@Shop.DE\n", "anna.berg@shop.de"),
        ("anna+news@shop.de", "anna@shop.de"),
        ("a.n.n.a+x+y@GoogleMail.com", "anna@gmail.com"),
        ("a.n.n.a@mail.com", "a.n.n.a@mail.com"),
        ("+only@shop.de", "+only@shop.de"),
        ("...@gmail.com", None),
        ("anna@shop", None),
        ("anna@@shop.de", None),
        ("anna berg@shop.de", None),
        ("", None),
        (None, None),
    ],
)
def test_all_spellings_of_an_address_have_one_form(written: str | None, normal: str | None) -> None:
    assert normal_email(written) == normal


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(ADDRESSES, min_size=1, max_size=30))
def test_python_and_sql_agree_on_every_address(con: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    made = ", ".join(one("x") for one in (normal_email_sql, email_key_sql, guest_id_sql))
    query = f"SELECT {made} FROM (SELECT unnest(?::VARCHAR[]) AS x)"
    expected = [(normal_email(text), email_key(text), guest_id(text)) for text in texts]
    assert con.execute(query, [texts]).fetchall() == expected


def test_a_column_without_any_address_is_read(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE nothing AS SELECT NULL::VARCHAR AS x")
    query = f"SELECT {normal_email_sql('x')}, {email_key_sql('x')}, {guest_id_sql('x')} FROM nothing"
    assert con.execute(query).fetchall() == [(None, None, None)]


@given(text=ADDRESSES)
def test_a_normal_address_stays_as_it_is(text: str) -> None:
    normal = normal_email(text)
    assert normal is None or normal_email(normal) == normal


def test_a_key_is_the_hash_of_the_normal_value() -> None:
    assert email_key("A@b.de ") == "email:" + hashlib.sha256(b"a@b.de").hexdigest()
    assert phone_key("030 901820", region="DE") == "phone:" + hashlib.sha256(b"+4930901820").hexdigest()
    assert phone_key("none") is None


@pytest.mark.parametrize("written", ["030/901820", "+49 30 901820", "0049 30 901820", "(030) 90 18-20"])
def test_all_spellings_of_a_number_have_one_form(written: str) -> None:
    assert normal_phone(written, region="DE") == "+4930901820"


@pytest.mark.parametrize("written", [None, "", "none", "12", "+49 1", "030 901820"])
def test_an_invalid_number_and_one_of_no_country_are_none(written: str | None) -> None:
    assert normal_phone(written) is None


def test_many_numbers_keep_their_places() -> None:
    assert normal_phones(["+4930901820", None, "x", "+49 30 901820"]) == [
        "+4930901820", None, None, "+4930901820",
    ]  # fmt: skip


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(DeclarationError, match="phone_region 'Germany' is not known"):
        check_region("Germany", "Mapping 'x'")
