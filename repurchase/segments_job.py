"""Segments of the customer base on a day, perhaps on an earlier one too, with sizes and moves, written to a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.declarations import require_sections
from campaigns.moves import NO_GROUP, Moves, moves
from campaigns.rfm import SECTION as RFM_SECTION
from campaigns.rfm import RfmGroups, read_groups
from campaigns.segment_columns import known_columns, sources_of
from campaigns.segments import (
    RFM,
    SECTION,
    Segment,
    check_segments,
    columns_needed,
    read_segments,
)
from campaigns.sheets import write_csv
from campaigns.sizes import sizes
from contracts.days import to_date
from contracts.errors import DeclarationError
from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.buffers import as_arrow, places_among
from features.kernel.declaration import Catalog
from features.prepared.parts import write_part
from features.prepared.process import Tally
from repurchase.orders_job import OrdersJob
from repurchase.replacing import require_replaceable, written_whole
from repurchase.segments_known import VALUE, Known, Wanted, known_on, read_scores

FILES = (
    "segments.parquet", "segments.csv", "rfm.csv", "sizes.csv", "thresholds.csv", "moves.csv", "who_moved.csv",
)  # fmt: skip
# Where the most recent two fifths of a base reach back further than this, its recency scores say little by themselves.
LONG_AGO_DAYS = 180
# What segments read of the events, by what it is called.
EVENTS_READ = {
    "e-mails (email_sent)": ("email_sent",),
    "visits (visit)": ("visit",),
    "carts (cart_add, cart_abandon)": ("cart_add", "cart_abandon"),
}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Segmented:
    """What was found. moves: by exclusive set, the RFM groups first; empty without an earlier day.

    sizes: columns as campaigns.sizes, and those of the earlier day. told: what a reader must know.
    """

    now: Known
    then: Known | None
    sizes: pa.Table
    moves: Mapping[str, Moves]
    valued_by: str
    currency: str
    report: OrdersReport
    folder: Path
    told: tuple[str, ...]


def segments(
    job: OrdersJob,
    *,
    compare_to: int | None = None,
    path: Path | None = None,
    ranking: Path | None = None,
    out: Path,
    progress: Progress = lambda _: None,
    catalog: Catalog = CATALOG,
) -> Segmented:
    """Find the segments as of the day, compare them with an earlier day, and put tables into `out` as a whole.

    path: the shop's own declarations. ranking: a published ranking as of the same day; without one the segments that
    read scores are not known. Raises DataError, DeclarationError, ArtifactError.
    """
    require_replaceable(out, what="folder of segments", is_ours=_is_ours)
    wanted = Wanted(_declared(path, catalog), path, catalog)
    with job.opened() as rows:
        shop, tally = job.shop(rows), Tally()
        currency = rows.mapping.currency
        _require_earlier(compare_to, shop.as_of)
        scores = None if ranking is None else read_scores(ranking, wanted, shop.as_of, currency)
        progress("computing features")
        now = known_on(job, shop, wanted, scores, tally)
        report = job.report(shop, tally)
        then = None
        if compare_to is not None:
            progress("computing features as known on the earlier day")
            earlier = replace(job, as_of=compare_to)
            then = known_on(earlier, shop.on(compare_to), wanted, None, Tally())
        present, unseen = shop.optional, _unseen(None if shop.events is None else shop.events.table)
    progress("writing tables")
    valued_by = VALUE if VALUE in now.columns else "spend"
    moved = (
        {} if then is None else {name: _moves(then, now, name, valued_by) for name in now.memberships.sets}
    )
    table = sizes(
        now.memberships, now.columns, value=VALUE, needs=lambda names: sources_of(names, catalog, present)
    )
    table = table if then is None else _compared(table, now, then)
    told = (*_told(now, then, scores), *unseen)
    found = Segmented(now, then, table, moved, valued_by, currency, report, out, told)
    _publish(found, out)
    return found


def _declared(path: Path | None, catalog: Catalog) -> dict[str, Segment]:
    if path is not None:
        require_sections(path, (SECTION, RFM_SECTION))
    declared = read_segments(path)
    read_groups(path)
    check_segments(declared, known_columns(catalog, columns_needed(declared)))
    return declared


def _require_earlier(day: int | None, as_of: int) -> None:
    if day is not None and day >= as_of:
        raise DeclarationError(
            f"--compare-to {to_date(day)} is not before {to_date(as_of)}, the day of the segments. Give an earlier day."
        )


# ---------------------------------------------------------------- comparison
def _moves(then: Known, now: Known, name: str, valued_by: str) -> Moves:
    """Return the moves in one exclusive set."""
    order = [one.name for one in now.memberships.found if one.set == name]
    return moves(_grouped(then, name, "spend"), _grouped(now, name, valued_by), order=order)


def _grouped(known: Known, name: str, valued_by: str) -> pa.Table:
    return pa.table(
        {
            "customer_id": known.ids,
            "group": pc.fill_null(known.memberships.groups(name), NO_GROUP),
            "value": as_arrow(known.columns[valued_by], pa.float64()),
        }
    )


def _compared(table: pa.Table, now: Known, then: Known) -> pa.Table:
    """Add to the sizes: customers_then, joined, left (empty where a segment was not known on one of the days)."""
    before = {(one.set, one.name): one for one in then.memberships.found if one.state != "not known"}
    was_there = places_among(now.ids, then.ids)
    figures: dict[str, list[int | None]] = {"customers_then": [], "joined": [], "left": []}
    for one in now.memberships.found:
        earlier = before.get((one.set, one.name))
        row: tuple[int | None, ...] = (None, None, None)
        if earlier is not None:
            was = np.append(earlier.inside, False)[was_there]
            stayed = int(np.count_nonzero(was & one.inside))
            row = (earlier.customers, one.customers - stayed, earlier.customers - stayed)
            row = row if one.state != "not known" else (earlier.customers, None, None)
        for key, figure in zip(figures, row, strict=True):
            figures[key].append(figure)
    for name, values in figures.items():
        table = table.append_column(name, pa.array(values, pa.int64()))
    return table


def _told(now: Known, then: Known | None, scores: pa.Table | None) -> tuple[str, ...]:
    told = []
    recent = now.rfm.thresholds.recency_days[1]
    if recent > LONG_AGO_DAYS:
        told.append(
            f"RFM groups compare customers with each other: here the last order of the most recent two fifths may be "
            f"{recent:,.0f} days old, so that 'loyal' or 'active' says little. Look at recency_days as well."
        )
    if scores is not None:
        ordered = int(np.count_nonzero(now.rfm.recency > 0))
        ids = now.ids.slice(0, ordered)
        without = ordered - int(
            pc.sum(pc.is_in(ids, value_set=scores["customer_id"].combine_chunks())).as_py()
        )
        if without:
            told.append(f"{without:,} of {ordered:,} customers have no score in the ranking.")
    if then is not None and scores is not None:
        told.append(
            f"Segments that read scores are not known on {to_date(then.day)}: the ranking is of {to_date(now.day)}."
        )
    return tuple(told)


def _unseen(events: pa.Table | None) -> list[str]:
    """Say which events nobody could have, since the table holds none of them."""
    if events is None:
        return []
    kinds = set(pc.unique(events["kind"]).to_pylist())
    absent = [words for words, names in EVENTS_READ.items() if kinds.isdisjoint(names)]
    if not absent:
        return []
    return [
        f"The events hold no {', no '.join(absent)}: segments that read them find nobody, which does not say that "
        "there is nobody. If the shop has such events, add them, or name their kinds in [words] of the table's mapping."
    ]


# ---------------------------------------------------------------- files
def _publish(found: Segmented, out: Path) -> None:
    """Write all files beside `out` and put them in its place together."""
    with written_whole(out) as fresh:
        now = found.now
        table = now.memberships.table(now.ids)
        write_part(fresh / "segments.parquet", [table])
        write_csv(fresh / "segments.csv", table)
        write_csv(fresh / "rfm.csv", _rfm_table(now))
        write_csv(fresh / "thresholds.csv", thresholds_table(now.rfm))
        write_csv(fresh / "sizes.csv", found.sizes)
        if found.then is not None:
            write_csv(fresh / "moves.csv", pa.concat_tables(_with_set(found.moves, Moves.matrix)))
            write_csv(fresh / "who_moved.csv", pa.concat_tables(_with_set(found.moves, lambda one: one.who)))


def _rfm_table(known: Known) -> pa.Table:
    rfm = known.rfm
    columns: dict[str, Any] = {"customer_id": known.ids, "segment": known.memberships.groups(RFM)}
    for name in ("recency", "frequency", "money"):
        score = getattr(rfm, name)
        columns[f"{name}_score"] = as_arrow(score, pa.int8(), valid=score > 0)
    return pa.table(columns)


def thresholds_table(rfm: RfmGroups) -> pa.Table:
    """Return the values that part the fifths of the base: one row for each measure."""
    rows = [
        {
            "measure": name,
            **{f"at_{share}": value for share, value in zip((20, 40, 60, 80), values, strict=True)},
        }
        for name, values in vars(rfm.thresholds).items()
    ]
    return pa.Table.from_pylist(rows)


def _with_set(moved: Mapping[str, Moves], part: Callable[[Moves], pa.Table]) -> Iterator[pa.Table]:
    for name, one in moved.items():
        table = part(one)
        yield table.add_column(0, "set", pa.repeat(pa.scalar(name), table.num_rows))


def _is_ours(folder: Path) -> bool:
    found = {item.name for item in folder.iterdir()}
    return found <= set(FILES) and {"segments.parquet", "sizes.csv"} <= found
