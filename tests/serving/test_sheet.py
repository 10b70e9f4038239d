from __future__ import annotations

import csv
from pathlib import Path

from serving.sheet import write_sheet
from tests.serving.shop import ranking


def read(path: Path, *customer_ids: str) -> list[dict[str, str]]:
    write_sheet(path, ranking(*customer_ids))
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_ids_come_back_as_they_were(tmp_path: Path) -> None:
    ids = ("0017", 'say "hi"', "a,b", "two\nlines", "cr\r\nlf", "ü", "'", '"', '""\n"')
    assert tuple(row["customer_id"] for row in read(tmp_path / "s.csv", *ids)) == ids


def test_records_end_with_crlf_and_line_ends_in_text_stay(tmp_path: Path) -> None:
    read(tmp_path / "s.csv", "two\nlines", "b")
    data = (tmp_path / "s.csv").read_bytes()
    assert data.count(b"\r\n") == 3 and data.count(b"\n") == 4 and data.endswith(b"\r\n")


def test_dates_and_times_are_iso_and_nulls_are_empty(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "s.csv", "a")
    assert row["as_of"] == "1998-04-01" and row["scored_at"].startswith("1998-07-01T09:30:00")
    assert row["next_order_p50"] == "" and "curve" not in row


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    rows = read(tmp_path / "s.csv", "a", "b", "c")
    expected = ranking("a", "b", "c")["p_repurchase_90d"].to_pylist()
    assert [float(row["p_repurchase_90d"]) for row in rows] == expected


def test_quotes_that_span_many_writes_do_not_confuse_the_line_ends(tmp_path: Path) -> None:
    ids = [f'{number}"\n,"{number}' for number in range(5_000)]
    assert [row["customer_id"] for row in read(tmp_path / "s.csv", *ids)] == ids
