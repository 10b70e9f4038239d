from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DataError
from contracts.tables import PERSONAL
from serving.outputs.suppression import Suppressed, normal_number, read_suppression

PEOPLE = pa.Table.from_pylist(
    [
        {"customer_id": "1", "email": "Anna.B+shop@gmail.com", "phone": "+4917012345678"},
        {"customer_id": "2", "email": "bert@x.de", "phone": None},
        {"customer_id": "2", "known_day": 9000, "email": "new@x.de", "phone": None},
        {"customer_id": "3", "email": "BERT@x.de", "phone": None},
        {"customer_id": "4", "email": None, "phone": None},
    ],
    schema=PERSONAL,
)


def read(tmp_path: Path, text: str | bytes) -> Suppressed:
    path = tmp_path / "suppressed.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_suppression(path)


@pytest.mark.parametrize(
    "text",
    [
        "0017\nb\n",
        "0017\r\nb",
        "customer_id\n0017\nb\n",
        "\ufeffcustomer_id;since\r\n0017;2024\r\nb;\r\n",
        '"0017"\n"b"\n\n',
        'name,Customer_ID\n"Anna, B",0017\nx,b\n',
    ],
)
def test_ids_are_read_from_a_list_and_from_csv(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == Suppressed(frozenset({"0017", "b"}))


def test_blanks_around_an_id_let_nobody_through(tmp_path: Path) -> None:
    assert read(tmp_path, "0017 \n").ids == {"0017 ", "0017"}


def test_addresses_match_in_any_spelling_and_of_all_times(tmp_path: Path) -> None:
    assert read(tmp_path, "email\nannab@googlemail.com\n").customers(PEOPLE) == {"1"}
    assert read(tmp_path, "phone\n0049 170 / 1234-5678\n").customers(PEOPLE) == {"1"}
    assert read(tmp_path, "+49 (170) 12345678\nNEW@x.de\n").customers(PEOPLE) >= {"1", "2"}


NUMBERS = st.from_regex(r"(\+|00|0)?[ ()./-]?[1-9]([0-9][ ()./\u00a0-]?){5,16}\n?", fullmatch=True)


@settings(max_examples=4, deadline=None)
@given(st.lists(NUMBERS, min_size=15, max_size=15))
def test_numbers_match_in_the_spelling_that_the_list_reads(texts: list[str]) -> None:
    people = pa.table({"customer_id": texts, "email": pa.nulls(15, pa.string()), "phone": texts})
    numbers = {text: number for text in texts if (number := normal_number(text))}
    barred = Suppressed(frozenset(), phones=frozenset(numbers.values()))
    assert barred.customers(people) == set(numbers)


def test_who_shares_an_address_with_somebody_on_the_list_is_left_out_too(tmp_path: Path) -> None:
    assert read(tmp_path, "3\n").customers(PEOPLE) == {"2", "3"}


def test_a_customer_without_an_address_is_suppressed_by_id(tmp_path: Path) -> None:
    assert read(tmp_path, "customer_id\n4\nunknown\n").customers(PEOPLE) == {"4", "unknown"}


def test_addresses_that_nobody_can_be_found_by_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 e-mail addresses or telephone numbers.*--personal"):
        read(tmp_path, "1\nbert@x.de\n").customers(None)


def test_ids_that_look_like_addresses_are_ids_under_a_header(tmp_path: Path) -> None:
    assert read(tmp_path, "customer_id\nbert@x.de\n+4917012345678\n").customers(None) == {
        "bert@x.de",
        "+4917012345678",
    }


@pytest.mark.parametrize("entry", ["BERT@x.de", '"new@x.de "'])
def test_an_address_under_customer_id_bars_its_owner_as_well(tmp_path: Path, entry: str) -> None:
    found = read(tmp_path, f"customer_id\n4\n{entry}\n")
    assert found.customers(PEOPLE) >= {"2", "4"} and found.unmatched(PEOPLE) == 0


def test_a_number_under_customer_id_bars_its_owner_as_well(tmp_path: Path) -> None:
    assert read(tmp_path, "customer_id,since\n+49 170 12345678,2024\n").customers(PEOPLE) >= {"1"}


def test_an_address_among_other_ids_is_refused_where_nothing_tells_whose_it_is(tmp_path: Path) -> None:
    listed = read(tmp_path, "customer_id\n14096\nno@shop.de\n")
    with pytest.raises(DataError, match=r"1 e-mail addresses .* under customer_id.*--personal"):
        listed.customers(None)
    assert listed.unmatched(PEOPLE) == 1


def test_addresses_of_nobody_are_counted(tmp_path: Path) -> None:
    assert read(tmp_path, "email\nbert@x.de\nnobody@x.de\n").unmatched(PEOPLE) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("email\nbert at x.de\n", "line 2: this is no e-mail address"),
        ("phone\n+49 170 1234567\n0170 1234567\n", "line 3: this is no telephone number"),
        ("0017,Anna\n", "line 1: there is more than one field"),
        ("customer_id,email\na,b@x.de,c\n", "line 2: 3 fields where the header has 2"),
        ('customer_id\n"a\n', "unexpected end of data"),
        ("", "is empty"),
        (b"PAR1\x00\x01", "no text file"),
        ("M\u00fcller".encode("latin-1"), "no UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_refused_without_naming_anybody(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(DataError, match=words) as error:
        read(tmp_path, text)
    assert "bert" not in str(error.value) and "Anna" not in str(error.value)


def test_a_missing_list_is_an_error_and_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such suppression list"):
        read_suppression(tmp_path / "gone.csv")


def test_a_list_of_nobody_says_so_with_its_header(tmp_path: Path) -> None:
    assert read(tmp_path, "customer_id\n") == Suppressed(frozenset())
