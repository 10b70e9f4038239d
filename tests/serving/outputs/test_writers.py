from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from serving.outputs.writers import CsvWriter, JsonLinesWriter, ParquetWriter
from tests.serving.outputs.scores import ranking

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_csv(path: Path, table: pa.Table, **how: Any) -> list[dict[str, str]]:
    with CsvWriter(path, table.schema, **how) as file:
        file.write(table)
    return read(path)


def as_json(path: Path, table: pa.Table) -> list[dict[str, Any]]:
    with JsonLinesWriter(path, table.schema) as file:
        file.write(table)
    return [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]


def test_ids_come_back_from_csv_as_they_were(tmp_path: Path) -> None:
    ids = ("0017", 'say "hi"', "a,b", "two\nlines", "cr\r\nlf", "ü", "'", '"', '""\n"')
    assert tuple(row["customer_id"] for row in as_csv(tmp_path / "s.csv", ranking(*ids))) == ids


def test_records_end_with_crlf_and_line_ends_in_text_stay(tmp_path: Path) -> None:
    as_csv(tmp_path / "s.csv", ranking("two\nlines", "b"))
    data = (tmp_path / "s.csv").read_bytes()
    assert data.count(b"\r\n") == 3 and data.count(b"\n") == 4 and data.endswith(b"\r\n")


def test_dates_and_times_are_iso_and_nulls_are_empty(tmp_path: Path) -> None:
    (row,) = as_csv(tmp_path / "s.csv", ranking("a"))
    assert row["as_of"] == "1998-04-01" and row["scored_at"] == "1998-07-01T09:30:00.000000Z"
    assert row["next_order_p50"] == "" and "curve" not in row


def test_times_of_another_zone_are_written_as_utc_and_local_ones_without_a_z(tmp_path: Path) -> None:
    at = datetime(2024, 1, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "berlin": pa.array([at], pa.timestamp("s", tz="Europe/Berlin")),
            "local": pa.array([at.replace(tzinfo=None)], pa.timestamp("s")),
        }
    )
    assert as_csv(tmp_path / "t.csv", table) == [
        {"berlin": "2024-01-01T12:00:00Z", "local": "2024-01-01T12:00:00"}
    ]


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    table = ranking("a", "b", "c")
    expected = table["p_repurchase_90d"].to_pylist()
    assert [float(row["p_repurchase_90d"]) for row in as_csv(tmp_path / "s.csv", table)] == expected
    assert [row["p_repurchase_90d"] for row in as_json(tmp_path / "s.jsonl", table)] == expected


def test_tables_one_after_the_other_make_one_file(tmp_path: Path) -> None:
    whole = ranking(*(f"{number}" for number in range(25_000)))
    for writer, name in ((CsvWriter, "csv"), (JsonLinesWriter, "jsonl"), (ParquetWriter, "parquet")):
        for parts in ([whole], [whole.slice(0, 3), whole.slice(3, 0), whole.slice(3)]):
            with writer(tmp_path / f"{name}{len(parts)}", whole.schema) as file:
                for part in parts:
                    file.write(part)
    for name in ("csv", "jsonl"):
        assert (tmp_path / f"{name}1").read_bytes() == (tmp_path / f"{name}3").read_bytes()
    assert pq.read_table(tmp_path / "parquet3").equals(whole)


def test_line_ends_in_one_table_do_not_change_the_next(tmp_path: Path) -> None:
    ids = [
        *(f"{number}" for number in range(10_000)),
        *(f'{number}"\n,"' for number in range(12_000)),
        "last",
    ]
    assert [row["customer_id"] for row in as_csv(tmp_path / "s.csv", ranking(*ids))] == ids


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.none() | TEXTS, max_size=5))
def test_any_text_comes_back_from_json_lines_and_csv(tmp_path: Path, texts: list[str | None]) -> None:
    table = pa.table({"n": pa.array(range(len(texts)), pa.int32()), "text": pa.array(texts, pa.string())})
    assert [row["text"] for row in as_json(tmp_path / "t.jsonl", table)] == texts
    found = [row["text"] for row in as_csv(tmp_path / "t.csv", table)]
    assert found == ["" if text is None else text for text in texts]


def test_json_lines_hold_the_curve_dates_and_null_for_what_is_unknown(tmp_path: Path) -> None:
    (row,) = as_json(tmp_path / "s.jsonl", ranking("a"))
    assert list(row) == ranking("a").column_names
    assert row["curve"] == ranking("a")["curve"][0].as_py() and row["next_order_p50"] is None
    assert row["as_of"] == "1998-04-01" and row["scored_at"] == "1998-07-01T09:30:00.000000Z"


def test_what_is_no_number_is_unknown(tmp_path: Path) -> None:
    table = pa.table({"value": [1.5, float("nan"), float("inf"), None], "day": [date(2024, 1, 1)] * 4})
    assert [row["value"] for row in as_json(tmp_path / "t.jsonl", table)] == [1.5, None, None, None]
    assert [row["value"] for row in as_csv(tmp_path / "t.csv", table)] == ["1.5", "", "", ""]


def test_words_stored_once_are_written_as_words(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2, 3], "tier": pa.array(["focus", None, "focus"]).dictionary_encode()})
    assert [row["tier"] for row in as_csv(tmp_path / "t.csv", table)] == ["focus", "", "focus"]
    assert [row["tier"] for row in as_json(tmp_path / "t.jsonl", table)] == ["focus", None, "focus"]


def test_a_spreadsheet_runs_no_text_and_numbers_stay_numbers(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-cmd", "@a", "\ta", "\rb", "\nc", "＝1", "-12", "a=1", " =1", "", None]
    table = pa.table({"text": texts, "value": [-1.5] * len(texts)})
    rows = as_csv(tmp_path / "t.csv", table, excel_safe=True)
    changed = ["'=1+1", "'+1", "'-cmd", "'@a", "'\ta", "'\rb", "'\nc", "'＝1"]
    assert [row["text"] for row in rows] == [*changed, "-12", "a=1", " =1", "", ""]
    assert {row["value"] for row in rows} == {"-1.5"}


def test_texts_are_as_written_unless_excel_is_asked_for(tmp_path: Path) -> None:
    assert as_csv(tmp_path / "s.csv", ranking("=1+1"))[0]["customer_id"] == "=1+1"


def test_a_file_without_rows_has_a_header(tmp_path: Path) -> None:
    table = ranking().select(["customer_id", "rank"])
    assert as_csv(tmp_path / "s.csv", table) == [] and as_json(tmp_path / "s.jsonl", table) == []
    assert (tmp_path / "s.csv").read_bytes() == b'"customer_id","rank"\r\n'


@pytest.mark.parametrize("writer", [CsvWriter, JsonLinesWriter, ParquetWriter])
def test_other_columns_than_declared_are_refused(tmp_path: Path, writer: type) -> None:
    with (
        writer(tmp_path / "s", ranking("a").schema) as file,
        pytest.raises(ContractError, match=r"other columns.*\['clv'\]"),
    ):
        file.write(ranking("a").drop_columns(["clv"]))
