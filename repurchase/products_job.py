"""Products of a shop: their roles, two lists, what is bought together, and what each customer may buy next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.base import Base
from campaigns.products.affinity import MOST_IN_ORDER, Pairs, bought_together
from campaigns.products.demand import Demand
from campaigns.products.evaluation import chance_check, evaluate, last_cutoffs
from campaigns.products.goods import Goods, require_products
from campaigns.products.lists import bestsellers, new_products, new_products_note
from campaigns.products.next_products import PICKS, Picker
from campaigns.products.roles import ROLES, Roles, product_roles
from campaigns.sheets import write_csv
from contracts.days import to_date, to_day
from contracts.errors import DataError
from features.kernel.buffers import as_arrow, places_among
from repurchase.base_job import base_of
from repurchase.orders_job import OrdersJob
from repurchase.rankings import read_ranking, require_not_later
from repurchase.replacing import is_of_kind, require_replaceable, written_whole

KIND = "products"
FILES = ("roles.csv", "new.csv", "bestsellers.csv", "pairs.csv", "next_products.parquet", "next_products.csv")
_ABOUT = "report.json"
_CSV_ROWS = 1_000_000  # of next_products, that are written as CSV as well


@dataclass(frozen=True)
class ProductsJob:
    """What to work on and where to write it.

    ranking: a published ranking whose lifecycle stages the picks suit. exclude: a text file of product ids, one a line,
    that may not be offered. evaluated: whether the picks are judged on earlier days first.
    """

    orders: OrdersJob
    out: Path
    k: int = 10
    ranking: Path | None = None
    exclude: Path | None = None
    evaluated: bool = False


@dataclass(frozen=True)
class Found:
    """What was found. table: roles of the products; picks: how many, new_picks: how many of them are new to a customer.

    sample: the first picks; evaluation, chances: tables of --evaluate; notes: what to know, in sentences.
    """

    as_of: int
    currency: str
    customers: int
    roles: Roles
    new: pa.Table
    best: pa.Table
    pairs: Pairs
    picks: int = 0
    new_picks: int = 0
    sample: pa.Table = field(default_factory=PICKS.empty_table)
    evaluation: pa.Table | None = None
    chances: pa.Table | None = None
    files: tuple[str, ...] = FILES
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many products have each role."""
        return dict(zip(ROLES, np.bincount(self.roles.role, minlength=len(ROLES)).tolist(), strict=True))


def run(job: ProductsJob) -> Found:
    """Find everything and write the folder; DataError where the orders name no products, before anything is written."""
    require_replaceable(job.out, what="folder of products", is_ours=_is_ours)
    excluded = () if job.exclude is None else read_ids(job.exclude)
    base = base_of(job.orders)
    require_products(base.sales)
    stages = None if job.ranking is None else _stages(job.ranking, base)
    goods = Goods.of(base.sales)
    roles = product_roles(goods)
    picker = Picker.of(base.sales, k=job.k, lifecycle=stages, exclude=excluded, roles=roles)
    demand = picker.candidates.demand
    found = Found(
        base.as_of, base.currency, len(base.sales), roles, new_products(goods, demand),
        bestsellers(goods, demand), bought_together(goods), notes=_notes(picker, demand, job, excluded),
    )  # fmt: skip
    return _write(found, picker, job.out, _judged(base, job) if job.evaluated else {})


def read_ids(path: Path) -> tuple[str, ...]:
    """Read a text file of product ids, one a line, as written; DataError if it is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file. Give a text file with one product id a line."
        ) from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise DataError(f"{path}: this is no UTF-8 text file. Write one product id a line.") from None
    ids = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not ids:
        raise DataError(f"{path}: there is no product id in it. Leave --exclude out, or write one id a line.")
    return ids


def _stages(folder: Path, base: Base) -> Sequence[str | None]:
    """Return the lifecycle stage of each customer in a ranking, None for whoever has none there."""
    scores, _ = read_ranking(folder, columns=("customer_id", "lifecycle", "as_of"))
    if scores.num_rows:
        require_not_later(to_day(scores["as_of"][0].as_py()), base, what="these products")
    place = places_among(base.sales.ids, scores["customer_id"])
    words = scores["lifecycle"].combine_chunks().take(as_arrow(place, pa.int64(), valid=place >= 0))
    if words.null_count == len(words):
        raise DataError(
            f"{folder}: no customer of these orders has a lifecycle stage there. Rank these orders, or leave --ranking "
            "out."
        )
    found: list[str | None] = words.to_pylist()
    return found


def _notes(picker: Picker, demand: Demand, job: ProductsJob, excluded: Sequence[str]) -> tuple[str, ...]:
    goods, told = picker.candidates.goods, []
    late = new_products_note(goods)
    if late:
        told.append(late)
    gone = int(demand.gone.sum())
    if gone:
        days = picker.candidates.weights.gone_after_days
        told.append(f"{gone:,} products are no longer sold (silent for {days} days or more) and not offered.")
    if excluded:
        known = int((goods.places_of(pa.array(list(excluded), pa.string())) >= 0).sum())
        told.append(f"{known:,} of {len(excluded):,} excluded products were ever sold; they are not offered.")
    if picker.chances is None:
        told.append(
            "The orders are too few or too short to learn chances: picks bought before come first, then new ones."
        )
    if job.ranking is None:
        told.append("Without --ranking the picks do not look at lifecycle stages.")
    return tuple(told)


def _judged(base: Base, job: ProductsJob) -> dict[str, pa.Table]:
    cutoffs = last_cutoffs(base.sales)
    return {
        "evaluation": evaluate(base.sales, cutoffs, k=job.k),
        "chances": chance_check(base.sales, cutoffs[-1], k=job.k),
    }


def _is_ours(folder: Path) -> bool:
    return is_of_kind(folder, _ABOUT, KIND)


def _write(found: Found, picker: Picker, out: Path, judged: dict[str, pa.Table]) -> Found:
    """Write the folder aside and put it in place at once; return what was written."""
    with written_whole(out) as fresh:
        tables = {"roles": found.roles.table(), "new": found.new, "bestsellers": found.best}
        for name, table in {**tables, "pairs": found.pairs.table, **judged}.items():
            write_csv(fresh / f"{name}.csv", table)
        count, new, sample = _write_picks(picker, fresh / "next_products.parquet")
        told = list(found.notes)
        if count <= _CSV_ROWS:
            write_csv(fresh / "next_products.csv", pq.read_table(fresh / "next_products.parquet"))
        else:
            told.append(f"next_products has {count:,} rows: as Parquet only.")
        if found.pairs.left_out:
            told.append(
                f"{found.pairs.left_out:,} orders with over {MOST_IN_ORDER} products were left out of the pairs."
            )
        done = Found(
            **{
                **vars(found), **judged, "picks": count, "new_picks": new, "sample": sample,
                "files": tuple(sorted({_ABOUT, *(one.name for one in fresh.iterdir())})),
                "notes": (*found.roles.notes, *told),
            }
        )  # fmt: skip
        text = json.dumps(_about(done), indent=1, ensure_ascii=False, allow_nan=False)
        (fresh / _ABOUT).write_text(text + "\n", encoding="utf-8")
    return done


def _write_picks(picker: Picker, path: Path) -> tuple[int, int, pa.Table]:
    """Write the picks, some customers at a time; return how many, how many are new, and the first."""
    count, new, sample = 0, 0, PICKS.empty_table()
    with pq.ParquetWriter(path, PICKS) as file:
        for part in picker.parts():
            table = part.table()
            file.write_table(table)
            sample = table.slice(0, 2 * picker.k) if not count else sample
            count, new = count + table.num_rows, new + int(part.new.sum())
    return count, new, sample


def _about(found: Found) -> dict[str, Any]:
    return {
        "kind": KIND,
        "as_of": to_date(found.as_of).isoformat(),
        "currency": found.currency,
        "customers": found.customers,
        "roles": found.counts,
        "profit_known": found.roles.profit_known,
        "pairs": found.pairs.found,
        "orders_in_pairs": found.pairs.orders,
        "picks": found.picks,
        "new_picks": found.new_picks,
        "notes": list(found.notes),
    }
