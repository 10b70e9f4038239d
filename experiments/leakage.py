"""The leakage gate: what is known at a cutoff may not change with the rows that come after it.

The same raw rows are read twice: *whole*, up to the as-of day, and *cut*, without the rows after an earlier cutoff,
which are gone before anything is cleaned or merged. Features and reference tables at the cutoff must be equal to
the bit (NaN equals NaN). Where they are not, the rule, link, table or feature that looks ahead is named, with one
customer and both values. `gate` does so at every training, on a sample of customers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.days import to_date
from contracts.errors import DataError, DeclarationError
from experiments.leakage_lines import Refused, line_difference
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.history import History
from features.kernel.reference import References
from features.kernel.running import Bools, Floats
from features.prepared.overview import Overview
from features.prepared.partitions import Partitions, order_span
from features.prepared.process import Tally, process
from features.reading.mapping import Mapping as Shop
from features.references import fit_over

MOST_CUSTOMERS = 2_000
_MOST_NAMED = 5
_DAY = 86_400_000_000  # microseconds
FitTables = Callable[[History, int], References]
Histories = Callable[[pa.Table, int], History]


@dataclass(frozen=True)
class LeakageReport:
    """What was compared and found equal: customers known at the cutoff, features and reference tables."""

    cutoff: int
    customers: int
    features: int
    references: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "cutoff": to_date(self.cutoff).isoformat()}


@dataclass(frozen=True)
class Reading:
    """One reading of the raw rows: the histories; to say why it differs, the order lines and the refused rows.

    lines: None for those of the history.
    """

    history: History
    lines: pa.Table | None = None
    refused: Refused | None = None

    @property
    def order_lines(self) -> pa.Table:
        """The cleaned order lines."""
        return self.history.lines.table if self.lines is None else self.lines


def of_lines(lines: pa.Table, _: int) -> History:
    """Build a history of order lines alone."""
    return History.from_lines(lines)


def gate(
    rows: Partitions,
    *,
    as_of: int,
    now: datetime | None,
    catalog: Catalog = CATALOG,
    seed: int,
    histories: Histories = of_lines,
) -> LeakageReport:
    """Check features, references and cleaning on one partition at one earlier day, both drawn with a seed.

    At most MOST_CUSTOMERS customers are read twice. histories: how cleaned order lines become histories, from what is
    known besides (events, attributes, links) at the end of a day. Raises DeclarationError or DataError if something
    looks ahead.
    """
    draw = np.random.default_rng(seed)
    first, last = order_span(rows, until=as_of, now=now)
    days = sorted(day for day in rows.overview.sale_days if first <= day < min(last, as_of))
    if not days:
        return LeakageReport(first, 0, 0, 0)
    cutoff = int(draw.choice(days))
    sample = _Sample.of(rows, int(draw.integers(rows.count)), cutoff, draw)
    if not sample.table.num_rows:
        return LeakageReport(cutoff, 0, 0, 0)
    whole, cut = (_read(sample, histories, until=until, now=now) for until in (as_of, cutoff))
    return check_leakage(whole, cut, cutoff=cutoff, catalog=catalog)


def check_leakage(
    whole: Reading,
    cut: Reading,
    *,
    cutoff: int,
    catalog: Catalog = CATALOG,
    fit: FitTables | None = None,
) -> LeakageReport:
    """Compare what two readings know at the end of the cutoff; cut: of rows that end there.

    fit: how reference tables are fitted on a history as of a day. Raises DeclarationError for a feature or table,
    DataError for a rule or a link that looks ahead.
    """
    fitted = fit or (lambda history, day: fit_over([history], [day], catalog)[day])
    tables = [fitted(one.history, cutoff) for one in (whole, cut)]
    known = catalog.available(whole.history.optional & cut.history.optional, frozenset(tables[0]))
    seen, told = (
        known.compute(one.history, cutoff, references=References({**tables[1].tables, **own.tables}))
        for one, own in zip((whole, cut), tables, strict=True)
    )
    tables_differ = _differing_tables(*tables)
    if tables_differ or not _same_customers(seen, told) or _differing_features(seen, told):
        _require_same_lines(whole, cut, cutoff, seen, told)
        _require_same_tables(tables_differ, tables, cutoff)
        _require_same_features(seen, told, cutoff)
    return LeakageReport(cutoff, len(seen), len(known), len(tables[0].tables))


def _require_same_lines(
    whole: Reading, cut: Reading, cutoff: int, seen: FeatureTable, told: FeatureTable
) -> None:
    customers = sorted({*seen.customer_id.tolist(), *told.customer_id.tolist()})
    found = line_difference(whole.order_lines, cut.order_lines, cutoff, customers, whole.refused, cut.refused)
    if found is not None:
        raise DataError(found)
    if not _same_customers(seen, told):
        odd = sorted({*seen.customer_id.tolist()} ^ {*told.customer_id.tolist()})[0]
        raise DataError(
            f"customer '{odd}' is known on {to_date(cutoff)} in one reading only, though its order lines are the same "
            "in both. A link between two ids is used before the day from which it was known, or what counts as an "
            "order sees the future."
        )


def _require_same_tables(names: Sequence[str], tables: Sequence[References], cutoff: int) -> None:
    if not names:
        return
    with_later, without = ({name: dict(_items(one, name)) for name in names} for one in tables)
    name = names[0]
    key = sorted(
        key
        for key in {*with_later[name], *without[name]}
        if not _equal(with_later[name].get(key), without[name].get(key))
    )[0]
    raise DeclarationError(
        f"{_named('reference table', names)} sees the future: for '{key}' it has "
        f"{_shown(with_later[name].get(key))} as of {to_date(cutoff)} when later orders are in the file and "
        f"{_shown(without[name].get(key))} when they are cut off. It may use nothing but the methods of Population, "
        "and is to be fitted as of each cutoff."
    )


def _require_same_features(seen: FeatureTable, told: FeatureTable, cutoff: int) -> None:
    differing = _differing_features(seen, told)
    if not differing:
        return
    name = next(iter(differing))
    rows = np.flatnonzero(differing[name])
    row, more = int(rows[0]), len(rows)
    raise DeclarationError(
        f"{_named('feature', list(differing))} sees the future: customer '{seen.customer_id[row]}' has "
        f"{_shown(seen.columns[name][row])} on {to_date(cutoff)} when later orders are in the file and "
        f"{_shown(told.columns[name][row])} when they are cut off ({more} of {len(seen)} customers differ). "
        "It may use nothing but the methods of Past."
    )


# ---------------------------------------------------------------- comparing
def _same_customers(one: FeatureTable, other: FeatureTable) -> bool:
    return one.customer_id.tolist() == other.customer_id.tolist()


def _differing_features(one: FeatureTable, other: FeatureTable) -> dict[str, Bools]:
    """Return the features that differ for the same customers, and for whom; (n,) each."""
    different = {name: _unequal(values, other.columns[name]) for name, values in one.columns.items()}
    return {name: rows for name, rows in different.items() if rows.any()}


def _differing_tables(one: References, other: References) -> list[str]:
    names = sorted({*one, *other})
    return [name for name in names if _items(one, name) != _items(other, name)]


def _items(tables: References, name: str) -> list[tuple[str, float]]:
    found = tables.tables.get(name)
    return [] if found is None else list(zip(found.keys, found.values.tolist(), strict=True))


def _unequal(one: Floats, other: Floats) -> Bools:
    undefined = np.isnan(one) & np.isnan(other)
    return ~undefined & (one.view(np.int64) != other.view(np.int64))


def _equal(one: float | None, other: float | None) -> bool:
    return one == other


def _named(what: str, names: Sequence[str]) -> str:
    """Return the first name, and in brackets the others."""
    rest = ", ".join(names[1:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{what} '{names[0]}'" + (f" (and so do {rest}{more})" if rest else "")


def _shown(value: float | None) -> str:
    return "nothing" if value is None or np.isnan(value) else f"{value:.10g}"


# ---------------------------------------------------------------- reading a sample twice
@dataclass(frozen=True)
class _Sample:
    """Some customers of one partition, as partitions of their own; nothing cleaned is kept or taken from elsewhere."""

    table: pa.Table
    mapping: Shop
    optional: tuple[str, ...]
    overview: Overview
    paths: tuple[str, ...]
    malformed: int
    notes: tuple[str, ...]
    count: int = 1
    fingerprint: str = ""
    lines_folder: Path | None = None

    @staticmethod
    def of(rows: Partitions, partition: int, cutoff: int, draw: np.random.Generator) -> _Sample:
        """Draw from the customers who have a row, be it refused, up to the cutoff."""
        table = rows.rows(partition)
        early = pc.less(table["ordered_at"].cast(pa.int64()), pa.scalar((cutoff + 1) * _DAY, pa.int64()))
        ids = pc.unique(table["customer_id"].filter(early)).drop_null()
        ids = ids.take(pc.sort_indices(ids))
        if len(ids) > MOST_CUSTOMERS:
            ids = ids.take(pa.array(draw.choice(len(ids), MOST_CUSTOMERS, replace=False).tolist()))
        some = table.filter(pc.is_in(table["customer_id"], value_set=ids))
        return _Sample(
            some, rows.mapping, rows.optional, rows.overview, rows.paths, rows.malformed, rows.notes
        )

    def rows(self, partition: int) -> pa.Table:
        """Return the typed rows."""
        return self.table

    def quarantine(self, refused: pa.Table, late: pa.Table) -> pa.Table:
        """Return the refused rows as they are."""
        return refused


def _read(sample: _Sample, histories: Histories, *, until: int, now: datetime | None) -> Reading:
    tally = Tally(quarantined=True)
    ((_, lines),) = process(sample, lambda _, lines: lines, tally, until=until, now=now)
    refused = Refused(sample.table, pa.concat_tables(tally.refused))
    return Reading(histories(lines, until), lines, refused)
