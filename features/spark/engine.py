"""Features of orders that Spark can read, computed on its workers and written as a folder of Parquet files.

from features.spark.engine import write_features
written = write_features("spark://host:7077", ["s3a://shop/orders/"], "s3a://shop/features/", wanted=…)

Passes: the rows are typed and counted by day (what cleaning must know of all rows together); typed again, partitioned
by customer, sorted, cleaned in blocks of whole customers, and added up for the reference tables; cleaned again for the
features. The result equals that of the local engine: to the bit, and to rounding where a reference table has sums of
money in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import duckdb

from contracts.errors import DataError
from features.cleaning.clean import Frame
from features.cleaning.report import OrdersReport, build_report, require_lines
from features.kernel.declaration import Catalog
from features.kernel.population import DeclaredReference, possible
from features.prepared.ingest import frame_of, require_dates
from features.prepared.overview import Overview
from features.reading.mapping import Mapping
from features.references import references_of
from features.spark.conventions import settled
from features.spark.customers import Blocks, Noted, NotedParam, Work, features_schema, total
from features.spark.failures import spoken
from features.spark.folder import SparkFolder
from features.spark.orders import SparkOrders, is_pattern, open_orders
from features.spark.references import Fitting, fitted
from features.spark.session import opened_session, without_pandas_warning
from features.spark.typing import KEY, ORDER_KEY, OVERVIEW, Typing, spark_types, wire_schema

if TYPE_CHECKING:
    from pyspark import StorageLevel
    from pyspark.sql import DataFrame, SparkSession

BLOCK_ROWS = 500_000
_LEAST_ROWS = 20_000  # smaller tasks cost more than they save


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
    accept: Callable[[OrdersReport], None] | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Written:
    """Write features (and outcomes) of orders to a folder.

    spark: a session, or a master URL. source: Parquet paths, or one table or view by its name. until: the last day
    that is seen; None takes the last day with a sale as the as-of day. accept: called with the account before anything
    is put in place; it may raise. block_rows: about how many rows a task cleans at a time.
    Reference tables that the features need are fitted on everyone, as known at each cutoff.
    Raises DataError if the orders cannot be read or none is left, ArtifactError if `out` holds something else or Spark
    fails.
    """
    with opened_session(spark) as session, without_pandas_warning(), spoken(", ".join(source)):
        folder = SparkFolder.open(session, out)
        job = _Job.of(session, source, mapping, until=until, now=now)
        work = job.work(wanted, job.last_day if until is None else until, block_rows)
        job.write(work, references_of(wanted.chosen), folder.aside)
        report, rows = job.report(work.notes.value)
        if accept is not None:
            accept(report)
        names = features_schema(work.catalog, work.horizons).names
        folder.publish({"rows": rows, "columns": names, "features": [one.name for one in work.catalog]})
    return Written(rows, len(names), report)


@dataclass(frozen=True)
class _Job:
    """Orders that were opened and counted. rows: as they stand in the source."""

    session: SparkSession
    orders: SparkOrders
    rows: DataFrame
    typing: Typing
    overview: Overview
    frame: Frame

    @staticmethod
    def of(
        session: SparkSession,
        source: Sequence[str],
        mapping: Mapping | None,
        *,
        until: int | None,
        now: datetime | None,
    ) -> _Job:
        """Open the orders, settle their conventions, and count their rows."""
        orders = open_orders(session, source, mapping)
        reading = settled(orders, until=until)
        rows, by_order = _in_order(orders)
        typing = Typing(reading, orders.deliveries, is_pattern(source), by_order)
        overview = _overview(rows, typing)
        if not overview.rows:
            raise DataError(f"{orders.source.path}: there are no rows. Check the path or the table.")
        if not overview.days:
            _refuse_dates(orders, typing, overview)
        frame = frame_of(
            overview,
            reading.mapping,
            reading.optional,
            until=until,
            now=now,
            sources=len(orders.deliveries),
        )
        return _Job(session, orders, rows, typing, overview, frame)

    @property
    def sale_days(self) -> list[int]:
        """The days with a sale that are neither absurd nor after what was asked for; the ends of the bulk if none."""
        first, last = self.frame.bulk
        days = sorted(day for day in self.overview.sale_days if first <= day <= last)
        return days or [first, last]

    @property
    def last_day(self) -> int:
        """The last day with a sale."""
        return self.sale_days[-1]

    def work(self, wanted: Wanted, as_of: int, block_rows: int) -> Work:
        """Return what the workers are to do, but for the reference tables."""
        present = frozenset(self.frame.line_columns)
        tables = possible(references_of(wanted.chosen), present)
        catalog = wanted.chosen.available(present, [one.name for one in tables])
        notes = self.session.sparkContext.accumulator({}, NotedParam())
        days = tuple(wanted.days(self.sale_days[0], as_of))
        blocks = Blocks(self.frame, self.typing.reading.optional, block_rows)
        return Work(blocks, days, wanted.asked_horizons, as_of, catalog, None, notes)

    def write(self, work: Work, declared: Iterable[DeclaredReference], out: str) -> None:
        """Fit the reference tables that are needed, and write the features."""
        tables = possible(declared, frozenset(self.frame.line_columns))
        _ship([*(one.function for one in work.catalog), *(one.sums for one in tables)])
        customers = self._customers(work.blocks.rows)
        if not tables:
            self._write(customers, work, out)
            return
        customers.persist(_on_disk())  # of the workers: they are gone through twice
        try:
            references = fitted(customers, Fitting(work.blocks, tables, work.days))
            self._write(customers, replace(work, references=references), out)
        finally:
            customers.unpersist()

    def _write(self, customers: DataFrame, work: Work, out: str) -> None:
        types = spark_types(features_schema(work.catalog, work.horizons))
        customers.mapInArrow(_plain(work.features), types).write.mode("overwrite").parquet(out)

    def _customers(self, block_rows: int) -> DataFrame:
        """Return the typed rows, partitioned by customer and sorted."""
        typed = self.rows.mapInArrow(
            _plain(self.typing.rows), spark_types(wire_schema(self.typing.reading.optional))
        )
        return typed.repartition(self._partitions(block_rows), KEY).sortWithinPartitions(KEY)

    def _partitions(self, block_rows: int) -> int:
        at_once = min(self.session.sparkContext.defaultParallelism, self.overview.rows // _LEAST_ROWS)
        return max(1, at_once, -(-self.overview.rows // block_rows))

    def report(self, noted: Noted) -> tuple[OrdersReport, int]:
        """Return the account of all rows, and how many rows of features there are; DataError if no order is left."""
        account, flags, rows = total(noted)
        require_lines(account)
        mapping = self.typing.reading.mapping
        paths = self.orders.deliveries
        report = build_report(account, paths=paths, mapping=mapping, malformed=0, notes=(), flags=flags)
        return report, rows


def _in_order(orders: SparkOrders) -> tuple[DataFrame, bool]:
    """Return the rows, whole orders together where a value stands on the first row of an order only."""
    from pyspark.sql import functions as F

    source, mapping = orders.source, orders.mapping
    order = source.place_of(mapping.columns.get("order_id"))
    if order is None or not any(source.place_of(name) is not None for name in mapping.order_columns):
        return orders.rows, False
    key = F.when(F.col(f"c{order}").isNull(), F.col("source_row")).otherwise(F.xxhash64(f"c{order}"))
    keyed = orders.rows.withColumn(ORDER_KEY, key)
    return keyed.repartition(ORDER_KEY).sortWithinPartitions(ORDER_KEY, "source_row"), True


def _overview(rows: DataFrame, typing: Typing) -> Overview:
    found = rows.mapInArrow(_plain(typing.overviews), OVERVIEW).collect()
    parts = (Overview.of_dict(json.loads(row["overview"])) for row in found)
    return sum(parts, Overview())


def _refuse_dates(orders: SparkOrders, typing: Typing, overview: Overview) -> None:
    """Raise the DataError that says which dates cannot be read, by an example."""
    place = orders.source.columns.index(orders.mapping.columns["ordered_at"])
    few = orders.rows.select(f"c{place}").dropna().limit(10).toArrow()
    with duckdb.connect() as con:
        con.register(orders.source.table, few)
        require_dates(con, typing.reading, overview)


def _on_disk() -> StorageLevel:
    from pyspark import StorageLevel

    return StorageLevel.DISK_ONLY


def _plain(method: Callable[..., object]) -> Callable[..., object]:
    """Return a method as a function, which is what Spark takes."""

    def task(batches: object) -> object:
        return method(batches)

    return task


def _ship(functions: Iterable[Callable[..., object]]) -> None:
    """Let Spark send functions of modules that workers cannot import along with the task."""
    from pyspark import cloudpickle

    for name in {one.__module__ for one in functions}:
        if not name.startswith("features.") and name in sys.modules:
            cloudpickle.register_pickle_by_value(sys.modules[name])
