"""`repurchase check` and what every command does with its orders: counted, refused, never a traceback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.days import parse_day
from contracts.errors import ArtifactError, DataError
from features.cleaning.report import OrdersReport
from repurchase.orders_job import OrdersJob, check
from tests.repurchase.front_door import orders_csv, run

HEADER = "customer_id,order_id,ordered_at,amount\n"
NOW = datetime(2021, 6, 1, 12, tzinfo=UTC)


def checked(folder: Path, *rows: str, as_of: str | None = None, out: str | None = None) -> OrdersReport:
    path = orders_csv(folder, HEADER + "\n".join(rows) + "\n")
    job = OrdersJob((str(path),), None, None if as_of is None else parse_day(as_of), NOW)
    return check(job, out=None if out is None else folder / out)


def test_one_customer_is_enough_to_check(tmp_path: Path) -> None:
    report = checked(tmp_path, "a,1,2021-01-01,5")
    assert (report.customers_kept, report.kept) == (1, 1)


def test_returns_only_leave_no_order(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No order is left: of the rows, 2 no_valid_order"):
        checked(tmp_path, "a,1,2021-01-01,-5", "b,2,2021-01-02,-1")


def test_all_rows_after_the_as_of_day_leave_no_order(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every row is later than the as-of day"):
        checked(tmp_path, "a,1,2021-01-01,5", as_of="2020-12-31")


def test_all_rows_after_the_current_time_leave_no_order(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No order is left: of the rows, 1 future_date"):
        checked(tmp_path, "a,1,2021-07-01,5")


def test_an_as_of_in_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--as-of 2021-06-03 lies in the future"):
        checked(tmp_path, "a,1,2021-01-01,5", as_of="2021-06-03")


def test_huge_ids_stay_as_they_are(tmp_path: Path) -> None:
    ids = ("9" * 40, "x" * 10_000, "0007", "1e5", "é" * 300)
    report = checked(tmp_path, *(f"{one},{one},2021-01-0{i + 1},5" for i, one in enumerate(ids)))
    assert report.customers_kept == 5 and report.orders == 5


def test_quarantine_is_written_even_when_no_order_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No order is left"):
        checked(tmp_path, "a,1,2021-01-01,x", ",2,2021-01-02,5", out="refused.parquet")
    found = pq.read_table(tmp_path / "refused.parquet")
    assert found["reason"].to_pylist() == ["unreadable_amount", "missing_customer"]
    assert found["source_row"].to_pylist() == [1, 2] and found["amount"].to_pylist() == ["x", "5"]


def test_quarantine_of_a_clean_file_is_an_empty_table(tmp_path: Path) -> None:
    report = checked(tmp_path, "a,1,2021-01-01,5", out="deep/refused.parquet")
    found = pq.read_table(tmp_path / "deep/refused.parquet")
    assert report.refused == found.num_rows == 0 and found.column_names[:2] == ["reason", "source_file"]


def test_quarantine_is_not_written_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "refused").mkdir()
    with pytest.raises(ArtifactError, match="refused is a folder"):
        checked(tmp_path, "a,1,2021-01-01,5", out="refused")


def test_a_mapping_that_is_not_there_is_named(tmp_path: Path) -> None:
    job = OrdersJob((str(orders_csv(tmp_path)),), tmp_path / "my.toml", None, NOW)
    with pytest.raises(DataError, match=r"my\.toml: the mapping cannot be read"):
        check(job, out=None)


def test_no_order_left_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    orders_csv(tmp_path, HEADER + "a,1,2021-01-01,x\n")
    ended = run(tmp_path, "check", "orders.csv", "--out", "refused.parquet")
    assert ended.code == 2 and len(ended.errors) == 1, ended.err
    assert "1 unreadable_amount" in ended.errors[0] and (tmp_path / "refused.parquet").is_file()
