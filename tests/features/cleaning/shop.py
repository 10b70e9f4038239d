"""Small shops for the tests of cleaning: order files as literal rows, read with a literal mapping."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from features.orders import Orders, read_orders
from features.reading.mapping import Mapping, parse_mapping

PLAIN = "customer_id,order_id,date,amount"


def write(folder: Path, *rows: str, header: str = PLAIN, name: str = "orders.csv") -> Path:
    """Write an order file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def shop(toml: str) -> Mapping | None:
    """Return the mapping of a TOML text, None for an empty one."""
    return parse_mapping(toml, where="shop.toml", stem="shop") if toml else None


def read(
    folder: Path,
    *rows: str,
    header: str = PLAIN,
    toml: str = "",
    until: int | None = None,
    now: datetime | None = None,
) -> Orders:
    """Write one order file and read it."""
    return read_orders(write(folder, *rows, header=header), mapping=shop(toml), until=until, now=now)


def refused(orders: Orders) -> dict[str, int]:
    """Return how many rows each reason refused."""
    return {reason: item.rows for reason, item in orders.report.quarantined.items()}


def column(orders: Orders, name: str) -> list[Any]:
    """Return a column of the kept lines."""
    return list(orders.lines[name].to_pylist())


def counts(orders: Orders) -> dict[str, Any]:
    """Return the account of every row, without names of files; check that it adds up."""
    report = orders.report
    gone = sum(refused(orders).values()) + sum(report.merged.values()) + report.later
    assert report.read == report.kept + gone
    assert orders.lines.num_rows == report.kept + report.made
    assert orders.quarantine.num_rows == report.refused
    return {name: value for name, value in vars(report).items() if name != "files"}
