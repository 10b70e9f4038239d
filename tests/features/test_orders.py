"""Orders in: what is kept, what is refused and why, and that a day's past never depends on later rows."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.days import parse_day, to_day
from contracts.errors import DataError
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.cleaning.report import require_enough
from features.orders import Orders, read_orders
from features.reading.mapping import Mapping

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(folder: Path, *rows: str, header: str = HEADER, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def simple(
    folder: Path, *rows: str, header: str = "customer_id,order_id,date,amount", name: str = "o.csv"
) -> Orders:
    return read_orders(write(folder, *rows, header=header, name=name))


def refused(orders: Orders) -> dict[str, int]:
    return {reason: item.rows for reason, item in orders.report.quarantined.items()}


def assert_adds_up(orders: Orders) -> None:
    report = orders.report
    assert (
        report.read
        == report.kept + sum(refused(orders).values()) + sum(report.merged.values()) + report.later
    )
    assert report.kept == orders.lines.num_rows
    assert report.refused == orders.quarantine.num_rows


def test_lines_have_the_columns_and_types_of_the_contract(tmp_path: Path) -> None:
    lines = simple(tmp_path, "a,1,2024-01-01,10,UK", header="customer_id,order_id,date,amount,country").lines
    assert tuple(lines.column_names) == (*REQUIRED_LINE_COLUMNS, "country")
    assert all(lines.schema.field(name) == ORDER_LINES.field(name) for name in lines.column_names)


def test_ids_stay_text_exactly_as_written(tmp_path: Path) -> None:
    rows = ["007,1,2024-01-01,1", "12345678901234567890,2,2024-01-01,1", "7,3,2024-01-02,1"]
    lines = simple(tmp_path, *rows).lines
    assert lines["customer_id"].to_pylist() == ["007", "12345678901234567890", "7"]


def test_a_number_that_became_a_float_loses_its_decimal_part(tmp_path: Path) -> None:
    ids = pa.array([13085.0, None, 13086.0], pa.float64())
    times = pa.array([datetime(2024, 1, 1)] * 3)
    path = tmp_path / "o.parquet"
    pq.write_table(pa.table({"customer": ids, "date": times, "total": pa.array([1.0, 2.0, 3.0])}), path)
    orders = read_orders(path)
    assert orders.lines["customer_id"].to_pylist() == ["13085", "13086"]
    assert refused(orders) == {"missing_customer": 1}


def test_long_ids_of_a_float_export_lose_their_decimal_part(tmp_path: Path) -> None:
    orders = simple(tmp_path, "13085.0,536365.0,2024-01-01,1", "13086.0,536366.0,2024-01-02,2")
    assert orders.lines["customer_id"].to_pylist() == ["13085", "13086"]
    assert orders.lines["order_id"].to_pylist() == ["536365", "536366"]


def test_lines_are_sorted_by_the_bytes_of_the_id(tmp_path: Path) -> None:
    lines = simple(
        tmp_path, "b,1,2024-01-01,1", "é,2,2024-01-01,1", "B,3,2024-01-01,1", "a,4,2024-01-01,1"
    ).lines
    assert lines["customer_id"].to_pylist() == ["B", "a", "b", "é"]


def test_a_free_order_is_an_order(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,0", "b,2,2024-01-02,5")
    assert orders.report.orders == 2 and orders.report.customers_kept == 2


def test_a_row_without_a_customer_is_refused_with_its_raw_text(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,1", ",2,2024-01-02,05.10", "nan,3,2024-01-02,1")
    assert orders.quarantine.column_names[:3] == ["reason", "source_file", "source_row"]
    row = orders.quarantine.to_pylist()[0]
    assert (row["reason"], row["source_row"], row["amount"]) == ("missing_customer", 2, "05.10")
    assert refused(orders) == {"missing_customer": 2}


@pytest.mark.parametrize("amount", ["abc", "nan", "inf", "-inf", "1e16", "1e400", ""])
def test_an_amount_that_is_no_sensible_number_is_refused(tmp_path: Path, amount: str) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,1", f"b,2,2024-01-02,{amount}")
    assert refused(orders) == {"unreadable_amount": 1} and orders.report.customers_lost == 1


@pytest.mark.parametrize(
    ("quantity", "reason"), [("0", "zero_quantity"), ("x", "unreadable_quantity"), ("", "missing_quantity")]
)
def test_a_quantity_that_says_nothing_is_refused(tmp_path: Path, quantity: str, reason: str) -> None:
    header = "customer,order,date,qty,price"
    orders = simple(tmp_path, "a,1,2024-01-01,1,5", f"b,2,2024-01-02,{quantity},5", header=header)
    assert refused(orders) == {reason: 1}


def test_a_missing_quantity_is_one_where_the_amount_is_known(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,,5", header="customer,order,date,qty,amount")
    assert orders.lines["quantity"].to_pylist() == [1.0]


def test_the_amount_is_quantity_times_price_where_no_amount_is_mapped(tmp_path: Path) -> None:
    lines = simple(tmp_path, "a,1,2024-01-01,3,2.5", header="customer,order,date,qty,price").lines
    assert lines["amount"].to_pylist() == [7.5]


def test_money_with_signs_and_thousands_is_read(tmp_path: Path) -> None:
    lines = simple(tmp_path, 'a,1,2024-01-01,"£1,234.50"', "a,2,2024-01-02,$ 3", "a,3,2024-01-03, 4 ").lines
    assert lines["amount"].to_pylist() == [1234.5, 3.0, 4.0]


def test_a_decimal_comma_is_recognised(tmp_path: Path) -> None:
    orders = simple(
        tmp_path, "a;1;2024-01-01;1.012,50", "a;2;2024-01-02;7", header="customer;order;date;total"
    )
    assert orders.lines["amount"].to_pylist() == [1012.5, 7.0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "   "])
def test_any_common_separator_is_read(tmp_path: Path, separator: str) -> None:
    rows = [separator.join(row) for row in (["a", "1", "20240101", "5"], ["b", "2", "20240102", "6.5"])]
    orders = simple(tmp_path, *rows, header=separator.join(["customer_id", "order_id", "date", "amount"]))
    assert orders.lines["amount"].to_pylist() == [5.0, 6.5]


def test_a_line_with_too_many_or_too_few_fields_is_counted(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,1", "b,2", "c,3,2024-01-01,1,1", "", 'd,"4\n4",2024-01-01,1')
    assert refused(orders) == {"malformed_row": 2}
    assert orders.lines["order_id"].to_pylist() == ["1", "4\n4"]
    assert_adds_up(orders)


def test_rows_after_now_are_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a,1,2024-01-01,1", "a,2,2024-06-01 12:01,1", header="customer_id,order_id,date,amount"
    )
    orders = read_orders(path, now=datetime(2024, 6, 1, 12, tzinfo=UTC))
    assert refused(orders) == {"future_date": 1} and orders.last_day == parse_day("2024-01-01")


def test_dates_absurdly_far_from_all_others_are_refused(tmp_path: Path) -> None:
    rows = [f"a,{i},2024-01-0{i},1" for i in range(1, 6)]
    orders = simple(tmp_path, *rows, "b,7,1900-01-01,1", "b,8,1970-01-01,1", "b,9,2999-12-31,1")
    assert refused(orders) == {"absurd_date": 3} and orders.last_day == parse_day("2024-01-05")


def test_a_negative_price_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "1,10002,x,1,2011-01-01,5,a,UK", "A2,B,bad debt,1,2011-01-02,-100,a,UK")
    assert refused(read_orders(path)) == {"negative_price": 1}


def test_postage_is_no_product_and_a_postage_invoice_no_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "1,85048,CUP,2,2011-01-01 10:00,5,a,UK",
        "1,POST,POSTAGE,1,2011-01-01 10:00,18,a,UK",
        "2,m,Manual,1,2011-01-02 10:00,18,a,UK",
        "3,DCGS0003,ASHTRAY,1,2011-01-03 10:00,1,b,UK",
    )
    orders = read_orders(path)
    assert refused(orders) == {"not_a_product": 2} and orders.report.orders == 2
    assert any(note.startswith("1 orders hold no product") for note in orders.report.notes)


def test_a_customer_with_returns_only_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "1,10002,x,1,2011-01-01,5,a,UK", "C2,10002,x,-1,2011-01-02,5,b,UK")
    orders = read_orders(path)
    assert refused(orders) == {"no_valid_order": 1} and orders.report.customers_lost == 1


def test_rows_delivered_twice_count_once(tmp_path: Path) -> None:
    header = "customer_id,order_id,date,amount"
    write(tmp_path, "a,1,2024-01-01,1", "b,2,2024-01-02,1", "b,2,2024-01-02,1", header=header, name="old.csv")
    write(tmp_path, "b,2,2024-01-02,1", "c,3,2024-01-03,1", header=header, name="new.csv")
    orders = read_orders(tmp_path)
    assert orders.report.merged == {"delivered_twice": 1, "duplicate_line": 1}
    assert orders.lines["order_id"].to_pylist() == ["1", "2", "3"]
    assert_adds_up(orders)


def test_a_line_that_stands_twice_in_its_order_counts_once(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,1,2024-01-01,1", "a,1,2024-01-01,1", "a,1,2024-01-01,2")
    assert orders.lines["amount"].to_pylist() == [1.0, 2.0]
    assert orders.report.merged == {"duplicate_line": 1}
    assert any(note.startswith("1 lines stand twice in the same order") for note in orders.report.notes)
    assert_adds_up(orders)


def test_equal_rows_without_an_order_number_are_kept_and_reported(tmp_path: Path) -> None:
    orders = simple(tmp_path, "a,2024-01-01,1", "a,2024-01-01,1", header="customer_id,date,amount")
    assert orders.lines["amount"].to_pylist() == [1.0, 1.0]
    assert any(note.startswith("1 kept lines equal another line") for note in orders.report.notes)


def test_orders_without_a_number_are_each_an_order(tmp_path: Path) -> None:
    header = "customer_id,date,number_of_cds,dollar_value"
    orders = simple(tmp_path, "00002,19970112,5,77.00", "00002,19970112,1,12.00", header=header)
    assert orders.lines["order_id"].to_pylist() == ["00002-19970112-1", "00002-19970112-2"]
    assert orders.lines["amount"].to_pylist() == [12.0, 77.0]
    assert (orders.report.orders, orders.report.order_days, orders.currency) == (2, 1, "USD")


def test_lines_of_one_moment_without_an_order_number_are_one_order(tmp_path: Path) -> None:
    rows = ["a,x,2024-01-01 10:00,1", "a,y,2024-01-01 10:00,1", "a,x,2024-01-01 11:00,1"]
    orders = simple(tmp_path, *rows, header="customer,sku,date,amount")
    assert orders.report.orders == 2 and orders.lines["line"].to_pylist() == [1, 2, 1]


def test_all_bytes_of_the_table_are_the_same_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = [
        f"{i % 7},{i % 13},p{i % 5},{1 + i % 3},2011-01-{1 + i % 28:02d},{i % 4},c{i % 6},UK"
        for i in range(200)
    ]
    first = read_orders(write(tmp_path, *rows, name="first.csv"))
    random.Random(1).shuffle(rows)
    second = read_orders(write(tmp_path, *rows, name="second.csv"))
    assert first.lines.equals(second.lines) and first.fingerprint == second.fingerprint


def test_another_amount_is_another_fingerprint(tmp_path: Path) -> None:
    first, second = simple(tmp_path, "a,1,2024-01-01,1"), simple(tmp_path, "a,1,2024-01-01,2")
    assert first.fingerprint != second.fingerprint


def test_nothing_left_is_an_error_that_counts_the_reasons(tmp_path: Path) -> None:
    path = write(tmp_path, "a,2024-01-01,x", ",2024-01-02,1", header="customer,date,total")
    with pytest.raises(DataError, match="1 missing_customer, 1 unreadable_amount"):
        read_orders(path)
    with pytest.raises(DataError, match="every row is later than the as-of day"):
        read_orders(path, until=parse_day("2000-01-01"))


def test_too_few_customers_or_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="At least 2 of each"):
        require_enough(simple(tmp_path, "a,1,2024-01-01,1", "a,2,2024-01-02,1").report)
    require_enough(simple(tmp_path, "a,1,2024-01-01,1", "b,2,2024-01-02,1").report)


def test_a_negative_amount_is_a_return(tmp_path: Path) -> None:
    lines = simple(tmp_path, "a,1,2024-01-01,30", "a,2,2024-01-05,-10").lines
    assert lines["returned"].to_pylist() == [False, True]
    assert lines["amount"].to_pylist() == [30.0, -10.0] and lines["quantity"].to_pylist() == [1.0, -1.0]


def test_a_column_that_says_returned_takes_the_money_back(tmp_path: Path) -> None:
    header = "customer,order,date,amount,returned"
    lines = simple(tmp_path, "a,1,2024-01-01,30,no", "a,2,2024-01-05,30,yes", header=header).lines
    assert lines["amount"].to_pylist() == [30.0, -30.0] and lines["reverses"].to_pylist() == [False, True]


def test_naive_times_are_local_and_times_with_an_offset_are_converted(tmp_path: Path) -> None:
    mapping = Mapping(
        name="m", columns={"customer_id": "c", "ordered_at": "t", "amount": "a"}, timezone="Europe/London"
    )
    path = write(tmp_path, "x,2024-07-01 23:30,1", "y,2024-07-01T23:30:00Z,1", header="c,t,a")
    lines = read_orders(path, mapping=mapping).lines
    assert lines["day"].to_pylist() == [to_day(date(2024, 7, 1)), to_day(date(2024, 7, 2))]
    assert lines["ordered_at"].to_pylist()[1] == datetime(2024, 7, 2, 0, 30)


ROW = st.tuples(
    st.sampled_from(["a", "b", "c", ""]),
    st.sampled_from(["1", "2", "C3", "4"]),
    st.sampled_from(["85048", "22041", "POST"]),
    st.sampled_from(["1", "2", "-1", "-2", "0", "x"]),
    st.integers(1, 9).map(lambda day: f"2011-01-0{day}")
    | st.sampled_from(["", "1900-01-01", "2011-01-05 10:00"]),
    st.sampled_from(["0", "1.5", "-1", "nan"]),
)


def as_csv(row: tuple[str, ...]) -> str:
    customer, invoice, product, quantity, day, price = row
    return f"{invoice},{product},thing,{quantity},{day},{price},{customer},UK"


def cut(rows: list[tuple[str, ...]], day: str) -> list[tuple[str, ...]]:
    return [row for row in rows if row[4][:10] <= day]


SALE = ("z", "9", "85048", "1", "2011-01-01", "1")


@FEW
@given(rows=st.lists(ROW, max_size=30))
def test_counts_add_up_whatever_the_rows(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    orders = read_orders(write(tmp_path, *map(as_csv, [SALE, *rows])), until=parse_day("2011-01-06"))
    assert_adds_up(orders)
    assert orders.report.read == len(rows) + 1


@FEW
@given(rows=st.lists(ROW, max_size=30), day=st.integers(1, 9))
def test_reading_until_a_day_equals_reading_a_file_cut_there(
    tmp_path: Path, rows: list[tuple[str, ...]], day: int
) -> None:
    last, rows = f"2011-01-0{day}", [SALE, *rows]
    seen = read_orders(write(tmp_path, *map(as_csv, rows)), until=parse_day(last))
    short = read_orders(write(tmp_path, *map(as_csv, cut(rows, last)), name="short.csv"))
    assert seen.lines.equals(short.lines)
    assert refused(seen) == refused(short) and seen.report.notes == short.report.notes


@FEW
@given(rows=st.lists(ROW, max_size=30), seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_plays_no_part(
    tmp_path: Path, rows: list[tuple[str, ...]], seed: random.Random
) -> None:
    first = read_orders(write(tmp_path, *map(as_csv, [SALE, *rows])))
    shuffled = [SALE, *rows]
    seed.shuffle(shuffled)
    second = read_orders(write(tmp_path, *map(as_csv, shuffled)))
    assert first.lines.equals(second.lines) and refused(first) == refused(second)


def test_how_later_rows_write_money_changes_nothing(tmp_path: Path) -> None:
    rows = ["a;2024-01-01;12,50", "b;2024-01-02;13", "a;2024-01-03;7,25"]
    (tmp_path / "cut.csv").write_text("\n".join(["customer;date;total", *rows]))
    (tmp_path / "all.csv").write_text("\n".join(["customer;date;total", *rows, "b;2024-02-01;12.50"]))
    until = parse_day("2024-01-31")
    assert read_orders(tmp_path / "all.csv", until=until).lines.equals(
        read_orders(tmp_path / "cut.csv", until=until).lines
    )


def test_ids_that_only_sometimes_end_in_point_zero_stay_as_written(tmp_path: Path) -> None:
    orders = simple(tmp_path, "1,1,2024-01-01,1", "1.0,2,2024-01-02,1", "2,3,2024-01-03,1")
    assert sorted(set(orders.lines["customer_id"].to_pylist())) == ["1", "1.0", "2"]
