"""Whatever is written comes back cell by cell; whatever is read ends well or in one of our errors."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.errors import RepurchaseError
from tests.features.reading.loading import Loaded, load

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

MANY = settings(max_examples=60, deadline=None)
HEADER = ["customer_id", "order_date", "amount"]
LETTERS = st.one_of(
    st.sampled_from(list("ab1 ,;|\t:^~\"'\\\n\r\0é日😀-.#")),
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0"),
)
CELLS = st.text(LETTERS, max_size=8)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12)


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    """Return how the csv module writes: where single quotes are used, all text is quoted, so that it is clear."""
    quote = draw(st.sampled_from('""\''))
    wide = [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]
    return {
        "delimiter": draw(st.sampled_from(",;\t|:^~")),
        "quotechar": quote,
        "quoting": draw(st.sampled_from(wide if quote == "'" else [csv.QUOTE_MINIMAL, *wide])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n"])),
    }


def load_bytes(content: bytes, name: str = "o.csv") -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        return load(Path(folder) / name)


@MANY
@given(rows=TABLES, dialect=dialects(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@example(rows=[("a\rb", "x", "1")], dialect={"delimiter": ",", "lineterminator": "\n"}, encoding="utf-8")
def test_what_the_csv_module_writes_comes_back_cell_by_cell(
    rows: list[tuple[str, str, str]], dialect: dict[str, Any], encoding: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **dialect)
    writer.writerow(HEADER)
    writer.writerows(rows)
    loaded = load_bytes(text.getvalue().encode(encoding))
    assert list(loaded.columns) == HEADER
    assert loaded.rows == [tuple(cell or None for cell in row) for row in rows]
    assert loaded.malformed == []


@MANY
@given(rows=st.lists(st.dictionaries(st.sampled_from(HEADER), CELLS, min_size=1), min_size=1, max_size=12))
def test_what_the_json_module_writes_comes_back_value_by_value(rows: list[dict[str, str]]) -> None:
    loaded = load_bytes(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(), "o.jsonl"
    )
    back = [dict(zip(loaded.columns, row, strict=True)) for row in loaded.rows]
    assert [{key: row.get(key) or None for key in loaded.columns} for row in rows] == back


@MANY
@given(number=st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_a_number_in_json_lines_stays_as_it_is_written(number: object) -> None:
    assert load_bytes(f'{{"a": {number}}}\n'.encode(), "o.jsonl").rows == [(str(number),)]


def packed(content: bytes, how: str) -> bytes:
    if how == "gz":
        return gzip.compress(content)
    return bytes(pa.Codec("zstd").compress(content, asbytes=True)) if how == "zst" else content


STARTS = [
    b"",
    b"a,b\n",
    b"PAR1",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xfe",
    b'{"a":1}\n',
]
NAMES = ["o.csv", "o.parquet", "o.xlsx", "o.xls", "o.csv.gz", "o.tsv.zst", "o.jsonl", "o.txt"]


@settings(max_examples=120, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    content=st.one_of(st.binary(max_size=300), st.text(LETTERS, max_size=100).map(str.encode)),
    how=st.sampled_from(["", "", "gz", "zst"]),
    name=st.sampled_from(NAMES),
)
def test_arbitrary_bytes_end_well_or_in_one_of_our_errors(
    start: bytes, content: bytes, how: str, name: str
) -> None:
    try:
        load_bytes(packed(start + content, how), name)
    except RepurchaseError as error:
        assert "\n" not in str(error)


@settings(max_examples=40, deadline=None)
@given(rows=TABLES, cut=st.integers(min_value=0, max_value=400), how=st.sampled_from(["gz", "zst"]))
def test_a_packed_file_is_read_whole_or_refused(rows: list[tuple[str, str, str]], cut: int, how: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *rows])
    content = packed(text.getvalue().encode(), how)
    try:
        loaded = load_bytes(content[: len(content) - cut], f"o.csv.{how}")
    except RepurchaseError:
        assert cut > 0
    else:
        assert cut == 0 and len(loaded.rows) == len(rows)
