"""A small generated shop for the tests: its order rows, the file, its history, one trained model.

Customers order like BG/NBD, but half of them keep a rhythm that BG/NBD does not know. Each order has one to
three lines; some lines come back, in part or whole. Everything follows from the literal seed.
"""

from __future__ import annotations

import atexit
import csv
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Two test processes on two cores: OpenMP's waiting threads would cost several times the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from contracts.days import to_day
from contracts.training import Floats
from features.catalog import CATALOG
from features.kernel.history import History
from features.orders import Orders, read_orders
from features.references import fit_over

if TYPE_CHECKING:  # the training room is only opened by those who train
    from experiments.recipe import Recipe
    from experiments.train import Trained
    from models.bundle import Bundle

Row = dict[str, Any]
FIRST = date(2021, 1, 1)
DAYS = 430
AS_OF = to_day(FIRST) + 400  # 30 days of later rows stand behind it in the file
_CATEGORIES = ("books", "music", "toys")


def order_rows(*, customers: int, days: int, seed: int) -> list[Row]:
    """Return order rows as a shop would export them, in the order of their time."""
    chance = np.random.default_rng(seed)
    rows = [row for i in range(customers) for row in _rows_of(f"{i:05d}", days, chance)]
    return sorted(rows, key=lambda row: (row["ordered_at"], row["order_id"]))


def _rows_of(customer: str, days: int, chance: np.random.Generator) -> Iterator[Row]:
    rate, leaves = chance.gamma(0.9, 1 / 40), chance.beta(0.9, 3.5)
    shape = chance.choice((1.0, 6.0))
    day, number = chance.uniform(0, 0.95 * days), 0
    while day < days:
        at = datetime(FIRST.year, 1, 1, int(chance.integers(8, 22)), 30) + timedelta(days=int(day))
        number += 1
        yield from _order(customer, f"{customer}-{number}", at, days, chance)
        if chance.random() < leaves:
            return
        day += chance.gamma(shape, 1 / shape) / rate


def _order(customer: str, order: str, at: datetime, days: int, chance: np.random.Generator) -> Iterator[Row]:
    coupon = "SPRING" if chance.random() < 0.03 else ""
    for product in chance.choice(30, int(chance.integers(1, 4)), replace=False):
        quantity, price = int(chance.integers(1, 4)), 3.0 + 1.25 * int(product)
        discount = 0.5 * quantity if chance.random() < 0.2 else 0.0
        line = {
            "customer_id": customer,
            "order_id": order,
            "ordered_at": at.isoformat(sep=" "),
            "product_id": f"p{product:02d}",
            "category": _CATEGORIES[product % 3],
            "quantity": quantity,
            "unit_price": price,
            "amount": quantity * price - discount,
            "discount": discount,
            "coupon": coupon,
            "cost": "" if product < 15 else 0.6 * quantity * price,
        }
        yield line
        back = at + timedelta(days=int(chance.integers(1, 40)))
        if chance.random() < 0.06 and back < datetime(FIRST.year, 1, 1) + timedelta(days=days):
            pieces = quantity if chance.random() < 0.7 else 1
            returned = {"order_id": f"R{order}", "ordered_at": back.isoformat(sep=" "), "discount": 0.0}
            yield {**line, **returned, "quantity": -pieces, "amount": -pieces * price, "coupon": ""}


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def day_of(row: Row) -> int:
    """Return the day of an order row."""
    return to_day(date.fromisoformat(row["ordered_at"][:10]))


def train_on(
    orders: Orders,
    folder: Path,
    *,
    as_of: int,
    recipe: Recipe,
    champion: Recipe | None = None,
    champion_as_of: int | None = None,
) -> Trained:
    """Train a recipe on orders into a new folder; a champion was trained as of `champion_as_of` (the same day)."""
    from experiments.champion import Champion
    from experiments.train import Source, train

    source = Source(orders.fingerprint, orders.currency, orders.timezone)
    return train(
        History.from_lines(orders.lines),
        as_of=as_of,
        recipe=recipe,
        champion=Champion(champion, champion_as_of or as_of) if champion else None,
        source=source,
        folder=folder,
        progress=lambda _: None,
    )


# ---------------------------------------------------------------- one shop per test process
@cache
def home() -> Path:
    """Return a folder that is removed when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="repurchase-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def rows() -> list[Row]:
    """Return 430 days of the shop; AS_OF is their 401st."""
    return order_rows(customers=1_500, days=DAYS, seed=20_211_107)


@cache
def orders_file() -> Path:
    """Return the shop's file."""
    return write_csv(home() / "orders.csv", rows())


@cache
def orders() -> Orders:
    """Return the shop's orders as known on AS_OF."""
    return read_orders(orders_file(), until=AS_OF)


@cache
def history() -> History:
    """Return the shop's history as known on AS_OF."""
    return History.from_lines(orders().lines)


@cache
def columns() -> dict[str, Floats]:
    """Return the whole catalogue's features of the shop's customers on AS_OF."""
    tables = fit_over([history()], [AS_OF], CATALOG)[AS_OF]
    known = CATALOG.available(history().optional, tables)
    return known.compute(history(), AS_OF, references=tables).columns


@cache
def trained() -> Trained:
    """Return the default recipe trained on the shop as of AS_OF."""
    from experiments.recipe import Recipe

    return train_on(orders(), home() / "bundle", as_of=AS_OF, recipe=Recipe())


@cache
def bundle() -> Bundle:
    """Return the trained bundle, loaded."""
    from models.bundle import load_bundle

    return load_bundle(trained().folder)


@cache
def simple(base: str) -> Trained:
    """Return a quickly trained model without LightGBM: `bgnbd` alone, or `recency` of a tiny shop."""
    from experiments.recipe import Recipe

    customers, model = {"bgnbd": (300, "bgnbd"), "recency": (60, "ensemble")}[base]
    some = order_rows(customers=customers, days=261, seed=9)
    found = read_orders(write_csv(home() / f"{base}.csv", some))
    recipe = Recipe(horizons=(30,), cutoffs=4, model=model)
    return train_on(found, home() / base, as_of=to_day(FIRST) + 260, recipe=recipe)
