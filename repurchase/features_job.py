"""Features written to a file, or to a folder of parts that a run which was cut off goes on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.days import to_date
from contracts.errors import DataError
from features.cleaning.account import Account
from features.cleaning.report import OrdersReport, require_enough
from features.kernel.declaration import Catalog
from features.kernel.reference import References
from features.panel import cutoff_days, each_cutoff
from features.prepared.partitions import order_span
from features.prepared.parts import PartsFolder, write_part
from features.prepared.process import Tally
from features.reading.mapping import load_mapping
from features.references import fit_over
from features.shop.shop import Shop
from repurchase.orders_job import OrdersJob, require_file_target
from repurchase.source_state import state_of_inputs
from repurchase.spark_orders import require_own_ids, require_raw


@dataclass(frozen=True)
class FeaturesJob:
    """What features to write: of which cutoffs before the as-of day (0: that day alone), with which outcomes."""

    horizons: tuple[int, ...]
    cutoffs: int
    names: tuple[str, ...]  # empty: all that the orders allow
    catalog: Catalog
    outcomes: bool = True

    def days(self, first: int, as_of: int) -> list[int]:
        """Return the cutoffs; DataError if none lies inside the history."""
        if not self.cutoffs:
            return [as_of]
        days = cutoff_days(as_of, horizon=max(self.horizons), count=self.cutoffs, first_day=first)
        if not days:
            raise DataError(
                f"no cutoff {max(self.horizons)} days before {to_date(as_of)} lies inside the history, which begins on "
                f"{to_date(first)}. Give a shorter --horizon."
            )
        return days

    @property
    def asked_horizons(self) -> tuple[int, ...]:
        """The horizons whose outcomes are written."""
        return self.horizons if self.cutoffs and self.outcomes else ()

    @property
    def chosen(self) -> Catalog:
        """The features to write."""
        return self.catalog.pick(self.names) if self.names else self.catalog


@dataclass(frozen=True)
class Written:
    """How many rows and columns were written, and the account of the orders."""

    rows: int
    columns: int
    report: OrdersReport


def write_features(job: OrdersJob, wanted: FeaturesJob, *, out: Path) -> Written:
    """Write features (and outcomes) to one Parquet file, or, where `out` does not end so, to a folder of parts.

    A folder's parts are those of the partitions: a run that was cut off goes on where it stopped.
    """
    if out.suffix in (".parquet", ".pq"):
        require_file_target(out)
        return _write_file(job, wanted, out)
    key = {
        **state_of_inputs(job),
        "horizons": wanted.horizons,
        "cutoffs": wanted.cutoffs,
        "outcomes": wanted.outcomes,
        "features": {one.name: one.source_hash for one in wanted.chosen},
    }
    with PartsFolder.open(out, key=key) as parts:
        job = replace(job, now=parts.begun(job.now))
        with job.opened(folder=parts.aside / "prepared") as rows:
            return _write_parts(job, wanted, job.shop(rows), parts)


def write_on_spark(job: OrdersJob, wanted: FeaturesJob, *, master: str, out: str) -> Written:
    """Write the same to a folder of Parquet files by Spark. master: a master URL; out: a path that Spark can write."""
    from features.spark import engine

    job.require_past()
    require_raw(job)
    mapping = load_mapping(job.mapping) if job.mapping else None
    made = engine.write_features(
        master,
        job.files,
        out,
        wanted=wanted,
        mapping=mapping,
        until=job.as_of,
        now=job.now,
        usable=lambda orders: require_own_ids(job, orders),
        accept=require_enough,
    )
    return Written(made.rows, made.columns, made.report)


def _write_file(job: OrdersJob, wanted: FeaturesJob, out: Path) -> Written:
    tally, reports = Tally(), []

    def tables(shop: Shop) -> Iterator[pa.Table]:
        make = _maker(job, wanted, shop)
        for _, made in job.process(shop, lambda _, lines: list(make(lines)), tally):
            yield from made
        reports.append(job.report(shop, tally))  # refuses before the file is put in place

    with job.opened() as rows:
        write_part(out, tables(job.shop(rows)))
    written = pq.ParquetFile(out)
    return Written(written.metadata.num_rows, len(written.schema_arrow), reports[0])


def _write_parts(job: OrdersJob, wanted: FeaturesJob, shop: Shop, parts: PartsFolder) -> Written:
    make = _maker(job, wanted, shop)

    def write(partition: int, lines: pa.Table) -> None:
        write_part(parts.path(partition), make(lines))

    tally = Tally()
    for partition, _ in job.process(shop, write, tally, only=parts.missing(shop.count)):
        parts.note(partition, tally.accounts[-1].to_dict())
    tally.accounts = [Account.of_dict(parts.noted(partition)) for partition in range(shop.count)]
    report = job.report(shop, tally)
    count, columns = parts.size(shop.count)
    parts.publish(
        {
            "rows": count,
            "columns": columns,
            "parts": shop.count,
            "features": [one.name for one in wanted.chosen],
        }
    )
    return Written(count, len(columns), report)


def _maker(job: OrdersJob, wanted: FeaturesJob, shop: Shop) -> Callable[[pa.Table], Iterator[pa.Table]]:
    """Return the function that makes feature tables, cutoff by cutoff, of the order lines of one partition."""
    first, _ = order_span(shop.rows, until=job.as_of, now=job.now)
    as_of = shop.as_of
    days = wanted.days(first, as_of)
    references = _references(job, wanted, shop, days)

    def make(lines: pa.Table) -> Iterator[pa.Table]:
        history = shop.history(lines)
        panels = each_cutoff(
            history, days, horizons=wanted.asked_horizons, observed_until=as_of, catalog=wanted.chosen,
            references=references,
        )  # fmt: skip
        for panel in panels:
            yield panel.to_arrow()

    return make


def _references(
    job: OrdersJob, wanted: FeaturesJob, shop: Shop, days: Sequence[int]
) -> dict[int, References]:
    """Fit the reference tables that the chosen features need, in a pass of its own over all partitions."""
    if not any(one.needs_reference for one in wanted.chosen):
        return {}
    made = job.process(shop, lambda _, lines: shop.history(lines), Tally())
    return fit_over((history for _, history in made), days, wanted.chosen)
