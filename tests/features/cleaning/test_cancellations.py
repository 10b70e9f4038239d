"""Cancellations take effect at their own time and undo the latest fitting sale line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contracts.days import parse_day
from features.orders import read_orders

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"


def lines_of(folder: Path, *rows: str, until: str | None = None) -> list[dict[str, Any]]:
    path = folder / "orders.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    lines = read_orders(path, until=parse_day(until) if until else None).lines
    return sorted(lines.to_pylist(), key=lambda row: (row["ordered_at"], row["returned"]))


def test_a_cancellation_marks_the_sale_with_its_own_day(tmp_path: Path) -> None:
    sale, back = lines_of(tmp_path, "1,X,x,3,2011-01-01,5,a,UK", "C2,X,x,-3,2011-01-09,5,a,UK")
    assert sale["cancelled_day"] == parse_day("2011-01-09") and not sale["returned"]
    assert back["returned"] and back["reverses"] and back["amount"] == -15.0


def test_a_cancellation_is_unknown_before_its_day(tmp_path: Path) -> None:
    rows = ("1,X,x,3,2011-01-01,5,a,UK", "C2,X,x,-3,2011-01-09,5,a,UK")
    (sale,) = lines_of(tmp_path, *rows, until="2011-01-08")
    assert sale["cancelled_day"] is None


def test_the_latest_earlier_sale_is_undone(tmp_path: Path) -> None:
    rows = ("1,X,x,3,2011-01-01,5,a,UK", "2,X,x,3,2011-01-03,5,a,UK", "4,X,x,3,2011-01-05,5,a,UK")
    lines = lines_of(tmp_path, *rows, "C3,X,x,-3,2011-01-04,5,a,UK")
    assert [row["order_id"] for row in lines if row["cancelled_day"] is not None] == ["2"]


def test_a_sale_is_undone_only_once(tmp_path: Path) -> None:
    back = ("C2,X,x,-3,2011-01-02,5,a,UK", "C3,X,x,-3,2011-01-03,5,a,UK")
    _, first, second = lines_of(tmp_path, "1,X,x,3,2011-01-01,5,a,UK", *back)
    assert first["reverses"] and second["returned"] and not second["reverses"]


def test_a_partial_return_undoes_no_line(tmp_path: Path) -> None:
    sale, back = lines_of(tmp_path, "1,X,x,3,2011-01-01,5,a,UK", "C2,X,x,-1,2011-01-02,5,a,UK")
    assert sale["cancelled_day"] is None and back["returned"] and not back["reverses"]


def test_another_customer_product_or_price_does_not_fit(tmp_path: Path) -> None:
    sale = "1,X,x,1,2011-01-01,5,a,UK"
    for back in ("C2,Y,x,-1,2011-01-02,5,a,UK", "C2,X,x,-1,2011-01-02,6,a,UK"):
        assert lines_of(tmp_path, sale, back)[0]["cancelled_day"] is None


def test_a_sale_and_its_cancellation_in_the_same_minute_fit(tmp_path: Path) -> None:
    sale, back = lines_of(tmp_path, "9,X,x,1,2011-01-01 10:00,5,a,UK", "C2,X,x,-1,2011-01-01 10:00,5,a,UK")
    assert sale["cancelled_day"] == sale["day"] and back["reverses"]


def test_a_cancelled_invoice_takes_back_even_where_its_quantity_is_positive(tmp_path: Path) -> None:
    sale, back = lines_of(tmp_path, "1,X,x,1,2011-01-01,5,a,UK", "C2,X,x,1,2011-01-02,5,a,UK")
    assert (back["quantity"], back["amount"]) == (-1.0, -5.0) and sale["cancelled_day"] is not None


def test_without_products_an_order_is_undone_by_its_amount(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("customer,order,date,total\na,1,2024-01-01,30\na,2,2024-01-02,20\na,3,2024-01-03,-30\n")
    lines = read_orders(path).lines.to_pylist()
    assert [row["cancelled_day"] is not None for row in lines] == [True, False, False]
