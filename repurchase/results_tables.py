"""What is known of the customers of campaigns: scores, groups and attributes, each with the columns to report by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from campaigns.results.campaign import Known
from campaigns.results.plain import read_by_customer, read_plain, unique_customers
from contracts.days import to_day
from contracts.errors import DataError, nearest
from features.reading.presets import NO_CURRENCY

SCORE_GROUPS = ("tier", "segment", "lifecycle")
ATTRIBUTES = ("gender", "region", "device")


def known_tables(
    *,
    scores: Path | None,
    groups: Path | None,
    customers: pa.Table | None,
    by: Sequence[str],
    window_days: int,
    currency: str,
) -> list[Known]:
    """Return scores, groups and attributes (CUSTOMERS) with the columns to report by.

    scores: a Parquet file or a published ranking; groups: a CSV or Parquet file. Raises DataError, also for a column
    that is nowhere.
    """
    wanted = tuple(dict.fromkeys(by))
    tables = []
    if scores is not None:
        tables.append(_scores(scores, window_days, wanted, currency))
    if groups is not None:
        table = read_by_customer(groups)
        columns = tuple(name for name in table.column_names if name != "customer_id")
        chosen = tuple(name for name in columns if name in wanted) or (() if wanted else columns[:1])
        tables.append((Known(str(groups), table, None, groups=chosen), columns))
    if customers is not None:
        columns = tuple(name for name in ATTRIBUTES if name in customers.column_names)
        chosen = tuple(name for name in columns if name in wanted)
        tables.append((Known("the customers", customers, None, groups=chosen), columns))
    there = [name for _, columns in tables for name in columns]
    for name in wanted:
        if name not in there:
            found = f" Found: {', '.join(there)}." if there else " Give --scores, --groups or --customers."
            raise DataError(
                f"no table of customers has a column '{name}'{nearest(name, there) or '.'}{found}"
            )
    return [known for known, _ in tables]


def _scores(
    path: Path, window_days: int, wanted: Sequence[str], currency: str
) -> tuple[Known, tuple[str, ...]]:
    """Return scores with the two that are nearest to the window as covariates, and the columns to group by."""
    table = _score_table(path)
    for name in ("customer_id", "as_of"):
        if name not in table.column_names:
            raise DataError(
                f"{path}: there is no column {name}. Give the scores that `repurchase rank` writes."
            )
    table = unique_customers(table, where=str(path))
    _require_currency(table, currency, path)
    horizons = [
        int(name[len("p_repurchase_") : -1])
        for name in table.column_names
        if name.startswith("p_repurchase_")
    ]
    nearest_one = min(horizons, key=lambda days: abs(days - window_days), default=0)
    covariates = [f"p_repurchase_{nearest_one}d", f"expected_value_{nearest_one}d"]
    columns = tuple(name for name in table.column_names if _can_group(table[name]))
    own = [name for name in SCORE_GROUPS if name in columns and table[name].null_count < table.num_rows]
    groups = tuple(dict.fromkeys([*own, *(name for name in wanted if name in columns)]))
    day = to_day(pc.max(table["as_of"]).as_py()) if table.num_rows else None
    known = tuple(name for name in covariates if name in table.column_names)
    return Known("the scores", table, day, known, groups), columns


def _score_table(path: Path) -> pa.Table:
    if path.is_dir():
        from repurchase.rankings import read_ranking

        return read_ranking(path)[0]
    return read_plain(path)


def _can_group(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def _require_currency(table: pa.Table, currency: str, path: Path) -> None:
    found = set(pc.unique(table["currency"]).to_pylist()) if "currency" in table.column_names else set()
    others = sorted(found - {currency, NO_CURRENCY, None})
    if others and currency != NO_CURRENCY:
        raise DataError(
            f"{path}: the scores are in {', '.join(others)}, the orders in {currency}. Amounts of two currencies are "
            "not mixed; rank the same orders."
        )
