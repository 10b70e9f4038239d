"""Who is one person under several ids, and what the ranking would be if nobody were merged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.catalog import CATALOG
from features.identity.components import components, first_order_days
from features.identity.links import Links
from features.identity.report import MergeReport, merge_report
from features.kernel.declaration import Catalog
from features.prepared.parts import write_part
from features.prepared.process import Tally
from features.shop.files import OtherFiles
from features.shop.shop import Shop, open_shop
from repurchase.backfill_job import scored
from repurchase.model_job import open_bundle
from repurchase.orders_job import OrdersJob, require_file_target

if TYPE_CHECKING:
    pass

TOP = 100
_TENTHS = 10


@dataclass(frozen=True)
class Totals:
    """What a ranking adds up to: customers, and buyers and value expected in the horizon."""

    customers: int
    buyers: float
    value: float


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How a ranking with merged ids differs from one without.

    ids: own ids that are ranked without merging; moved: those of them that stand in another tenth than their person
    does with merging, moved_merged: those of people with several ids among these. top_both: people among the first
    `top` of the merged ranking of whom some id is among the first `top` without merging.
    """

    horizon: int
    currency: str
    ids: int
    moved: int
    moved_merged: int
    top: int
    top_both: int
    merged: Totals
    unmerged: Totals

    def sentences(self) -> list[str]:
        """Return the comparison in words, for the terminal."""
        share = self.moved / self.ids if self.ids else 0.0
        return [
            f"Without merging, {self.moved:,} of {self.ids:,} ids ({share:.1%}) would stand in another tenth of the "
            f"ranking, {self.moved_merged:,} of them of people with several ids.",
            f"{self.top_both:,} of the best {self.top:,} customers would be among them without merging.",
            f"Next {self.horizon} days, merged: {self._total(self.merged)}; without merging: "
            f"{self._total(self.unmerged)}.",
        ]

    def _total(self, one: Totals) -> str:
        return (
            f"{one.customers:,} customers, {one.buyers:,.0f} expected buyers, {one.value:,.0f} {self.currency} "
            "expected value"
        )


@dataclass(frozen=True)
class Found:
    """The merges known on the as-of day, and what there is to say about the other tables."""

    report: MergeReport
    as_of: int
    notes: tuple[str, ...]


def find_merges(job: OrdersJob, files: OtherFiles, *, out: Path | None) -> Found:
    """Return who was merged with whom as of the day; write the table to `out`, if it is given."""
    if out is not None:
        require_file_target(out)
    with job.opened() as rows:
        as_of = job.day(rows)
        shop = open_shop(rows, files, as_of=as_of, now=job.now)
        links = Links.combined([]) if shop.identity is None else shop.identity.links
        report = merge_report(links, _canonical(job, shop), until=as_of)
        notes = tuple(sentence for table in shop.reports for sentence in table.sentences())
    if out is not None:
        write_part(out, [report.merges])
    return Found(report, as_of, notes)


def compare_rankings(
    job: OrdersJob, files: OtherFiles, *, model: str, tracking_uri: str, catalog: Catalog = CATALOG
) -> Sensitivity:
    """Rank with a model as of the day, with and without merged ids, and compare."""
    from serving.rank import Scoring, require_features

    bundle = open_bundle(model, tracking_uri=tracking_uri)
    require_features(bundle, catalog)
    horizon = int(bundle.manifest["horizon"])
    with job.opened() as rows:
        as_of = job.day(rows)
        shop = open_shop(rows, files, as_of=as_of, now=job.now)
        scoring = Scoring(as_of, tuple(bundle.manifest["horizons"]), horizon, "value", job.now)
        merged, unmerged = (
            scored(job, one, bundle, scoring, Tally(), catalog)[0]
            for one in (shop, replace(shop, identity=None))
        )
        return _compared(merged, unmerged, _canonical(job, shop), horizon, rows.mapping.currency)


def _canonical(job: OrdersJob, shop: Shop) -> dict[str, str]:
    """Return own id -> canonical id of all linked ids on the as-of day."""
    if shop.identity is None:
        return {}
    first_days: dict[str, int] = {}
    blocks = range(shop.rows.count, shop.count)
    work = shop.process(
        lambda _, lines: first_order_days(lines), Tally(), until=job.as_of, now=job.now, only=blocks
    )
    for _, days in work:
        first_days |= days
    return components(shop.identity.links, until=shop.as_of, first_days=first_days)


def _compared(
    merged: pa.Table, unmerged: pa.Table, canonical: dict[str, str], horizon: int, currency: str
) -> Sensitivity:
    ranks, without = (
        dict(zip(one["customer_id"].to_pylist(), one["rank"].to_pylist(), strict=True))
        for one in (merged, unmerged)
    )
    several = {one for own, one in canonical.items() if own != one}
    moved = [
        canonical.get(own, own) in several
        for own, rank in without.items()
        if _tenth(ranks[canonical.get(own, own)], len(ranks)) != _tenth(rank, len(without))
    ]
    best = {own for own, rank in ranks.items() if rank <= TOP}
    also = {canonical.get(own, own) for own, rank in without.items() if rank <= TOP}
    return Sensitivity(
        horizon=horizon,
        currency=currency,
        ids=len(without),
        moved=len(moved),
        moved_merged=sum(moved),
        top=len(best),
        top_both=len(best & also),
        merged=_totals(merged, horizon),
        unmerged=_totals(unmerged, horizon),
    )


def _tenth(rank: int, of: int) -> int:
    return math.ceil(rank * _TENTHS / of)


def _totals(scores: pa.Table, horizon: int) -> Totals:
    buyers, value = (
        pc.sum(scores[f"{what}_{horizon}d"]).as_py() or 0.0 for what in ("p_repurchase", "expected_value")
    )
    return Totals(scores.num_rows, buyers, value)
