"""Exports whose first row of an order has what its other rows leave blank, as Shopify writes them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.orders import read_orders
from tests.features.cleaning.shop import column, counts, read, refused, shop

HEADER = "Name,Email,Financial Status,Created at,Cancelled at,Currency,Lineitem quantity,Lineitem price,Lineitem sku"
PAID = "paid,2024-01-01 10:00:00 +0100,,EUR"


def test_following_rows_take_customer_date_and_status_of_the_first(tmp_path: Path) -> None:
    rows = (f"#1,ann@shop.de,{PAID},1,5,a", "#1,,,,,,2,3,b", f"#2,ann@shop.de,{PAID},1,4,c")
    orders = read(tmp_path, *rows, header=HEADER)
    assert orders.report.mapping == "shopify" and counts(orders)["orders"] == 2
    assert len(set(column(orders, "customer_id"))) == 1 and sorted(column(orders, "amount")) == [
        4.0,
        5.0,
        6.0,
    ]


def test_a_status_of_the_first_row_holds_for_the_whole_order(tmp_path: Path) -> None:
    pending = "pending,2024-01-01 10:00:00 +0100,,EUR"
    rows = (f"#1,ann@shop.de,{PAID},1,5,a", f"#2,ann@shop.de,{pending},1,5,a", "#2,,,,,,2,3,b")
    assert refused(read(tmp_path, *rows, header=HEADER)) == {"unpaid_order": 2}


def test_a_cancellation_of_the_first_row_undoes_the_whole_order(tmp_path: Path) -> None:
    late = "refunded,2024-01-01 10:00:00 +0100,2024-01-05 10:00:00 +0100,EUR"
    rows = (f"#1,ann@shop.de,{PAID},1,5,a", f"#2,ann@shop.de,{late},1,5,a", "#2,,,,,,2,3,b")
    orders = read(tmp_path, *rows, header=HEADER)
    assert orders.report.made == 2 and column(orders, "reverses").count(True) == 2
    assert sum(column(orders, "amount")) == 5.0 and counts(orders)["kept"] == 3


def test_rows_without_an_order_number_are_not_filled_from_each_other(tmp_path: Path) -> None:
    rows = (f",zoe@shop.de,{PAID},1,5,a", ",,,,,,2,3,b", f"#2,ann@shop.de,{PAID},1,4,c")
    orders = read(tmp_path, *rows, header=HEADER)
    assert refused(orders) == {"unreadable_date": 1} and orders.report.customers_kept == 2


def test_a_row_before_the_first_one_is_not_filled(tmp_path: Path) -> None:
    rows = ("#1,,,,,,2,3,b", f"#1,ann@shop.de,{PAID},1,5,a")
    assert refused(read(tmp_path, *rows, header=HEADER)) == {"unreadable_date": 1}


def test_typed_columns_of_parquet_are_filled_as_well(tmp_path: Path) -> None:
    times = pa.array([1_704_103_200_000_000, None, 1_704_189_600_000_000], pa.timestamp("us"))
    columns = {"c": ["a", None, "b"], "o": [1, 1, 2], "t": times, "m": [5.0, 6.0, 7.0]}
    pq.write_table(pa.table(columns), tmp_path / "o.parquet")
    mapping = shop(
        'order_columns = ["c", "t"]\n[columns]\ncustomer_id = "c"\norder_id = "o"\nordered_at = "t"\namount = "m"'
    )
    orders = read_orders(tmp_path / "o.parquet", mapping=mapping)
    assert column(orders, "customer_id") == ["a", "a", "b"] and column(orders, "order_id") == ["1", "1", "2"]
