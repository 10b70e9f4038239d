"""Features of orders that Spark can read, computed on its workers and written as a folder of Parquet files.

from features.spark.engine import write_features
written = write_features("spark://host:7077", ["s3a://shop/orders/"], "s3a://shop/features/", wanted=…)

Passes: the rows are typed and counted by day (what cleaning must know of all rows together); typed again, partitioned
by customer, sorted, cleaned in blocks of whole customers, and added up for the reference tables; cleaned again for the
features. The result equals that of the local engine: to the bit, and to rounding where a reference table has sums of
money in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from features.cleaning.report import OrdersReport
from features.kernel.declaration import Catalog
from features.kernel.population import DeclaredReference, possible
from features.reading.mapping import Mapping
from features.references import references_of
from features.spark.customers import EachBlock, NotedParam, Work, total
from features.spark.failures import spoken
from features.spark.folder import SparkFolder
from features.spark.job import BLOCK_ROWS, SparkJob, on_disk, ship
from features.spark.references import BATCH_ROWS, SUMS, Fitting, fitted
from features.spark.session import opened_session, without_pandas_warning

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Wanted(Protocol):
    """What features to write."""

    @property
    def chosen(self) -> Catalog:
        """The features."""

    @property
    def asked_horizons(self) -> tuple[int, ...]:
        """The horizons whose outcomes are written."""

    def days(self, first: int, as_of: int) -> list[int]:
        """Return the cutoffs of a history that begins on day `first`."""


@dataclass(frozen=True)
class Written:
    """How many rows and columns were written, and the account of the orders."""

    rows: int
    columns: int
    report: OrdersReport


def write_features(
    spark: SparkSession | str,
    source: Sequence[str],
    out: str,
    *,
    wanted: Wanted,
    mapping: Mapping | None = None,
    until: int | None = None,
    now: datetime | None = None,
    usable: Callable[[SparkJob], None] | None = None,
    accept: Callable[[OrdersReport], None] | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Written:
    """Write features (and outcomes) of orders to a folder.

    spark: a session, or a master URL. source: Parquet paths, or one table or view by its name. until: the last day
    that is seen; None takes the last day with a sale as the as-of day. usable: called with the
    opened orders; accept: with the account before anything is put in place; both may raise. block_rows: about how many
    rows a task cleans at a time.
    Reference tables that the features need are fitted on everyone, as known at each cutoff.
    Raises DataError if the orders cannot be read or none is left, ArtifactError if `out` holds something else or Spark
    fails.
    """
    with opened_session(spark) as session, without_pandas_warning(), spoken(", ".join(source)):
        folder = SparkFolder.open(session, out)
        job = SparkJob.of(session, source, mapping, until=until, now=now)
        if usable is not None:
            usable(job)
        tables = possible(references_of(wanted.chosen), job.optional)
        work = _work(job, wanted, tables, job.last_day if until is None else until)
        _write(job, work, tables, out=folder.aside, block_rows=block_rows)
        account, flags, rows = total(work.notes.value)
        report = job.report(account, flags)
        if accept is not None:
            accept(report)
        names = work.schema.names
        folder.publish({"rows": rows, "columns": names, "features": [one.name for one in work.catalog]})
    return Written(rows, len(names), report)


def _work(job: SparkJob, wanted: Wanted, tables: Sequence[DeclaredReference], as_of: int) -> Work:
    """Return what the workers are to do, but for the reference tables."""
    catalog = wanted.chosen.available(job.optional, [one.name for one in tables])
    notes = job.session.sparkContext.accumulator({}, NotedParam())
    days = tuple(wanted.days(job.sale_days[0], as_of))
    return Work(days, wanted.asked_horizons, as_of, catalog, None, notes)


def _write(
    job: SparkJob, work: Work, tables: tuple[DeclaredReference, ...], *, out: str, block_rows: int
) -> None:
    """Fit the reference tables that are needed, and write the features."""
    ship([*(one.function for one in work.catalog), *(one.sums for one in tables)])
    blocks, customers = job.blocks(block_rows), job.customers(block_rows)

    def write(work: Work) -> None:
        made = job.made(customers, EachBlock(blocks, work.schema, work.features))
        made.write.mode("overwrite").parquet(out)

    if not tables:
        write(work)
        return
    fitting = Fitting(tables, work.days)
    with on_disk(customers):  # they are gone through twice
        sums = job.made(customers, EachBlock(blocks, SUMS, fitting.sums, BATCH_ROWS))
        write(replace(work, references=fitted(sums, fitting)))
