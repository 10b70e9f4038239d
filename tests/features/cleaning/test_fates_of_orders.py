"""What becomes of an order after it was placed: paid, cancelled, told by a later export, at its own time."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from contracts.days import parse_day, to_day
from features.orders import Orders, read_orders
from tests.features.cleaning.shop import PLAIN, column, counts, read, refused, write

STATUS, DATED = f"{PLAIN},status", f"{PLAIN},cancelled_at"
OTHER = "z,9,2024-01-01,1,"


def both(folder: Path, old: str, new: str, *, header: str) -> Orders:
    """Return the same whichever of two exports comes first."""
    for names in (("a.csv", "b.csv"), ("b.csv", "a.csv")):
        files = [
            write(folder, row, OTHER, header=header, name=name)
            for row, name in zip((old, new), names, strict=True)
        ]
        found = read_orders(files)
        assert found.report.merged.get("delivered_twice", 0) == 2 and counts(found)
    return found


def test_an_order_that_was_not_yet_paid_in_an_older_export_counts(tmp_path: Path) -> None:
    orders = both(tmp_path, "a,1,2024-01-02,5,pending", "a,1,2024-01-02,5,paid", header=STATUS)
    assert column(orders, "customer_id") == ["a", "z"] and refused(orders) == {}


def test_an_order_that_a_newer_export_calls_refunded_does_not_count(tmp_path: Path) -> None:
    orders = both(tmp_path, "a,1,2024-01-02,5,paid", "a,1,2024-01-02,5,refunded", header=STATUS)
    assert column(orders, "customer_id") == ["z"] and refused(orders) == {"cancelled_order": 1}


def test_a_cancellation_that_a_newer_export_tells_undoes_the_order_once(tmp_path: Path) -> None:
    orders = both(tmp_path, "a,1,2024-01-02,5,", "a,1,2024-01-02,5,2024-01-09", header=DATED)
    assert column(orders, "amount") == [5.0, -5.0, 1.0] and orders.report.made == 1
    assert column(orders, "cancelled_day") == [parse_day("2024-01-09"), None, None]


@pytest.mark.parametrize(("until", "days"), [("2024-01-08", [None]), ("2024-01-09", ["2024-01-09", None])])
def test_an_order_counts_until_its_cancellation(tmp_path: Path, until: str, days: list[str | None]) -> None:
    orders = read(tmp_path, "a,1,2024-01-02,5,2024-01-09 08:00", header=DATED, until=parse_day(until))
    assert column(orders, "cancelled_day") == [None if day is None else parse_day(day) for day in days]
    assert orders.report.orders == 1 and column(orders, "returned") == [False, True][: len(days)]


def test_a_cancellation_after_the_current_time_is_not_known_yet(tmp_path: Path) -> None:
    orders = read(tmp_path, "a,1,2024-01-02,5,2999-01-01", header=DATED, now=datetime(2024, 2, 1))
    assert column(orders, "cancelled_day") == [None] and orders.report.made == 0


def test_a_cancellation_before_its_order_undoes_it_at_once(tmp_path: Path) -> None:
    orders = read(tmp_path, "a,1,2024-01-02 10:00,5,1900-01-01", OTHER, header=DATED)
    assert column(orders, "day")[:2] == [to_day(date(2024, 1, 2))] * 2 and orders.report.orders == 1


def test_the_status_of_a_dated_cancellation_refuses_nothing(tmp_path: Path) -> None:
    header = f"{PLAIN},status,cancelled_at"
    rows = ("a,1,2024-01-02,5,cancelled,2024-01-03", "b,2,2024-01-02,5,cancelled,", "c,3,2024-01-02,5,paid,")
    orders = read(tmp_path, *rows, header=header)
    assert refused(orders) == {"cancelled_order": 1} and orders.report.made == 1


def test_made_lines_are_counted_apart(tmp_path: Path) -> None:
    orders = read(
        tmp_path, "a,1,2024-01-02,5,2024-01-03", "a,2,2024-01-03,-2,2024-01-04", OTHER, header=DATED
    )
    found = counts(orders)
    assert (found["read"], found["kept"], found["made"]) == (3, 3, 1) and orders.lines.num_rows == 4


def test_a_line_that_gains_a_column_in_a_newer_export_is_still_the_same_line(tmp_path: Path) -> None:
    old = write(tmp_path, "a,1,2024-01-02,5", "a,1,2024-01-02,6", name="old.csv")
    new = write(
        tmp_path, "a,1,2024-01-02,5,toys", "b,2,2024-01-03,6,", header=f"{PLAIN},category", name="new.csv"
    )
    orders = read_orders([old, new])
    assert column(orders, "amount") == [5.0, 6.0, 6.0] and column(orders, "category") == ["toys", None, None]


def test_without_order_numbers_another_category_is_another_line(tmp_path: Path) -> None:
    header = "customer_id,date,amount,category"
    files = [write(tmp_path, f"a,2024-01-02,5,{one}", header=header, name=f"{one}.csv") for one in ("x", "y")]
    assert counts(read_orders(files))["kept"] == 2


def test_a_row_counts_as_often_as_the_source_that_has_it_most_often(tmp_path: Path) -> None:
    header = "customer_id,date,amount"
    files = [
        write(tmp_path, *["a,2024-01-02,5"] * times, header=header, name=f"{times}.csv")
        for times in (2, 3, 1)
    ]
    orders = read_orders(files)
    assert counts(orders)["kept"] == 3 and orders.report.merged == {"delivered_twice": 3}
