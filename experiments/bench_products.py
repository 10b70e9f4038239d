"""Hold the next products against plain rules, on real orders, out of time.

    python -m experiments.bench_products ORDERS [--map TOML] [--as-of DAY ...] [--picks 10] [--horizon 30]

Prints recall and hit rate of repeat picks, new picks and all picks at given days (default: the last three with a full
horizon behind them), with 95 % intervals over customers, and the chances of the last day held against what was bought.
The weights of campaigns/products/candidates.py were chosen on Online Retail II up to 2011-05-15 only: later days are
out of time for them, too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from campaigns.products.evaluation import chance_check, evaluate, last_cutoffs
from campaigns.sales import Sales
from contracts.days import parse_day, to_date
from contracts.errors import RepurchaseError
from features.kernel.history import History
from features.orders import read_orders
from features.reading.mapping import load_mapping


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, print."""
    parser = _arguments()
    asked = parser.parse_args(arguments)
    console = Console(width=150)
    try:
        mapping = load_mapping(asked.map) if asked.map else None
        history = History.from_lines(read_orders(asked.orders, mapping=mapping).lines)
        sales = Sales.of(history, history.last_order_day)
        days = [parse_day(day) for day in asked.as_of] or last_cutoffs(sales, horizon_days=asked.horizon)
        begun = time.process_time()
        found = evaluate(sales, days, k=asked.picks, horizon_days=asked.horizon)
        chances = chance_check(sales, days[-1], k=asked.picks, horizon_days=asked.horizon)
    except RepurchaseError as error:
        parser.error(str(error))
    dates = ", ".join(str(to_date(day)) for day in days)
    console.print(
        _table(f"As of {dates}; {asked.horizon} days ahead, {asked.picks} picks", found.to_pylist())
    )
    console.print(_table(f"Chances at {to_date(days[-1])}, by fifths", chances.to_pylist()))
    console.print(f"{time.process_time() - begun:.1f} CPU seconds")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.bench_products")
    parser.add_argument("orders")
    parser.add_argument("--map")
    parser.add_argument("--as-of", nargs="+", default=[], metavar="DAY")
    parser.add_argument("--picks", type=int, default=10)
    parser.add_argument("--horizon", type=int, default=30)
    return parser


def _table(title: str, rows: Sequence[dict[str, str | int | float]]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in rows[0] if rows else ():
        if not str(name).endswith(("_lower", "_upper")):
            table.add_column(
                str(name).replace("_", " "), justify="left" if name in ("kind", "method") else "right"
            )
    for row in rows:
        table.add_row(*(_cell(row, name) for name in row if not name.endswith(("_lower", "_upper"))))
    return table


def _cell(row: dict[str, str | int | float], name: str) -> str:
    value = row[name]
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else value
    low, high = row.get(f"{name}_lower"), row.get(f"{name}_upper")
    sign = "+" if name == "difference" else ""
    if low is None or high is None:
        return f"{value:.4f}"
    return f"{value:{sign}.4f} ({low:{sign}.4f} to {high:{sign}.4f})"


if __name__ == "__main__":
    sys.exit(main())
