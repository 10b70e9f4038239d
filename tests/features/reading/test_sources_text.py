"""Delimited text: separators, quotes, encodings, packing, and what becomes of lines that are no rows."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.errors import DataError, DeclarationError
from tests.features.reading.loading import load, load_bytes

TEXT = "id,name,city\n007,Ann,Köln\n12345678901234567890,Bö,York\n"
ROWS = [("007", "Ann", "Köln"), ("12345678901234567890", "Bö", "York")]


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", ":", "^", "~", "   "])
def test_any_separator_is_found(tmp_path: Path, separator: str) -> None:
    loaded = load_bytes(tmp_path, TEXT.replace(",", separator).encode())
    assert (loaded.columns, loaded.rows) == (("id", "name", "city"), ROWS)


def test_one_space_is_part_of_a_value_where_several_separate(tmp_path: Path) -> None:
    loaded = load_bytes(
        tmp_path, b"id    full name   town\n1     Ann Lee     York\n2     Bo          New York\n"
    )
    assert loaded.columns == ("id", "full name", "town")
    assert loaded.rows == [("1", "Ann Lee", "York"), ("2", "Bo", "New York")]


def test_a_semicolon_file_with_decimal_commas_is_split_at_semicolons(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"id;amount\n1;2,50\n2;3,75\n").rows == [("1", "2,50"), ("2", "3,75")]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "utf-32"]
)
def test_common_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    loaded = load_bytes(tmp_path, TEXT.encode(encoding))
    assert (loaded.columns, loaded.rows) == (("id", "name", "city"), ROWS)


@pytest.mark.parametrize(
    ("encoding", "word"),
    [("cp1250", "Łódź"), ("cp1251", "Москва"), ("shift_jis", "東京"), ("gb18030", "北京"), ("cp1252", "€")],
)
def test_an_encoding_that_the_user_names_is_used(tmp_path: Path, encoding: str, word: str) -> None:
    content = TEXT.replace("Köln", word).replace("Bö", "Bo").encode(encoding)
    loaded = load_bytes(tmp_path, content, encoding=encoding)
    assert loaded.rows[0] == ("007", "Ann", word)
    assert loaded.sources[0].encoding == encoding


def test_a_wrong_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"o.csv, line 2: the text is not utf-8 there"):
        load_bytes(tmp_path, TEXT.encode("latin-1"), encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "sjift_jis"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DeclarationError, match="is not known"):
        load_bytes(tmp_path, TEXT.encode(), encoding=encoding)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_packed_text_is_read_and_checked(tmp_path: Path, ending: str, pack: object) -> None:
    assert callable(pack)
    packed = pack(TEXT.encode())
    assert load_bytes(tmp_path, packed, name=f"o.csv.{ending}").rows == ROWS
    assert load_bytes(tmp_path, packed + pack(b"3,C,D\n"), name=f"two.csv.{ending}").rows == [
        *ROWS,
        ("3", "C", "D"),
    ]
    with pytest.raises(DataError, match="cut off or damaged"):
        load_bytes(tmp_path, pack(TEXT.encode() * 999)[:-5], name=f"cut.csv.{ending}")
    with pytest.raises(DataError, match="whatever its ending says"):
        load_bytes(tmp_path, TEXT.encode(), name=f"plain.csv.{ending}")


def test_packed_text_in_another_encoding_is_read(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, gzip.compress(TEXT.encode("utf-16")), name="o.csv.gz").rows == ROWS


def test_single_quotes_are_quotes_where_the_file_uses_them_so(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"'a','b'\n'1,5','it''s'\n").rows == [("1,5", "it's")]
    assert load_bytes(tmp_path, b"a,b\n1,'tis\n2,rock 'n' roll\n").rows == [
        ("1", "'tis"),
        ("2", "rock 'n' roll"),
    ]


def test_quotation_marks_may_be_escaped_by_a_backslash(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b'a,b\n"x \\"y\\", z",2\n').rows == [('x "y", z', "2")]


def test_a_space_behind_the_separator_does_not_hide_a_quote(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b'a, b\n1, "x, y"\n').rows == [("1", "x, y")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, end: bytes) -> None:
    assert load_bytes(tmp_path, end.join([b"a,b", b"1,2", b"3,4", b""])).rows == [("1", "2"), ("3", "4")]


def test_mixed_line_ends_are_read(tmp_path: Path) -> None:
    content = b'a,b\r\n1,2\n3,"x\ny"\r\n5,6\r\n7,8\n'
    assert load_bytes(tmp_path, content).rows == [("1", "2"), ("3", "x\ny"), ("5", "6"), ("7", "8")]


def test_a_line_that_fits_not_is_set_aside_with_its_true_line(tmp_path: Path) -> None:
    content = b'\n\na,b,c\n1,"x\ny",3\n\n4,5\n6,7,8\n6,7,8,9\n1,"a"b,3\n'
    loaded = load_bytes(tmp_path, content)
    assert loaded.rows == [("1", "x\ny", "3"), ("6", "7", "8")]
    assert loaded.malformed == [(7, "4,5"), (9, "6,7,8,9"), (10, '1,"a"b,3')]


def test_a_line_far_down_has_its_true_number(tmp_path: Path) -> None:
    lines = [f'{i},"{"x" * (i % 50)}\n"' for i in range(30_000)]
    lines[29_000] = "1,2,3"
    loaded = load_bytes(tmp_path, ("a,b\n" + "\n".join(lines)).encode())
    assert (len(loaded.rows), loaded.malformed) == (29_999, [(58_002, "1,2,3")])


def test_lines_without_text_are_no_rows(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"a,b\n\n1,2\n   \n3,4\n\n").rows == [("1", "2"), ("3", "4")]
    assert load_bytes(tmp_path, b"a,b\n   \n1,2\n").malformed == []


def test_a_file_where_no_row_fits_its_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"none of the 2 rows has the 2 fields of the header; the first, line 2, has 3"
    ):
        load_bytes(tmp_path, b"a;b\n1;2;3\n4;5;6\n")


def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: a quotation mark is opened"):
        load_bytes(tmp_path, b'a,b\n1,2\n3,"open\n5,6\n')


def test_nul_bytes_stay_in_the_value(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"a,b\n1,x\0y\n2,z\n").rows == [("1", "x\0y"), ("2", "z")]
    assert load_bytes(tmp_path, b"a,b\n1,x\0y\n2\n").rows == [("1", "x\0y")]


@pytest.mark.parametrize("size", [10_000, 1_000_000, 3_000_000])
def test_long_values_are_read(tmp_path: Path, size: int) -> None:
    content = f"id,name\n{'7' * size},x\n2,{'y' * size}\n".encode()
    assert load_bytes(tmp_path, content).rows == [("7" * size, "x"), ("2", "y" * size)]


def test_a_header_with_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names 'amount' twice, as columns 2 and 4"):
        load_bytes(tmp_path, b"id,amount,date,amount\n1,2,3,4\n")


def test_columns_without_a_name_may_be_many(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"a,b,,\n1,2,,\n").columns == ("a", "b", "", "")


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, b"a,b\n")
    assert (loaded.columns, loaded.rows) == (("a", "b"), [])


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_without_text_is_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        load_bytes(tmp_path, content)


def test_one_column_is_read(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, b"customer\na\nb\n")
    assert (loaded.columns, loaded.rows) == (("customer",), [("a",), ("b",)])


def test_row_numbers_begin_after_the_header(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b"\na,b\n1,2\n3,4\n").numbers == [1, 2]
    assert load(tmp_path / "o.csv").numbers == [1, 2]
