"""Orders that Spark can read, opened and counted, and the rows that workers make of each block of their customers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from contracts.errors import DataError
from features.cleaning.account import Account
from features.cleaning.clean import Frame
from features.cleaning.report import OrdersReport, build_report, require_lines
from features.prepared.ingest import frame_of, require_dates
from features.prepared.overview import Overview
from features.reading.mapping import Mapping
from features.spark.conventions import settled
from features.spark.customers import Blocks, EachBlock
from features.spark.orders import SparkOrders, is_pattern, open_orders
from features.spark.typing import KEY, ORDER_KEY, OVERVIEW, Typing, spark_types, wire_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BLOCK_ROWS = 500_000
_LEAST_ROWS = 20_000  # smaller tasks cost more than they save


@dataclass(frozen=True)
class SparkJob:
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
    ) -> SparkJob:
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
        return SparkJob(session, orders, rows, typing, overview, frame)

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

    @property
    def mapping(self) -> Mapping:
        """The mapping, its conventions settled."""
        return self.typing.reading.mapping

    @property
    def optional(self) -> frozenset[str]:
        """The optional columns of the order lines."""
        return frozenset(self.frame.line_columns)

    def blocks(self, rows: int) -> Blocks:
        """Return how a worker cleans about so many rows at a time."""
        return Blocks(self.frame, self.typing.reading.optional, rows)

    def sent(self, value: Any) -> Any:
        """Send a value to every worker once; a worker finds it in `.value` of what is returned."""
        return self.session.sparkContext.broadcast(value)

    def made(self, customers: DataFrame, each: EachBlock) -> DataFrame:
        """Return the rows that workers make of each block of these customers. Nothing is done before they are asked."""
        return customers.mapInArrow(_plain(each.rows), spark_types(each.schema))

    def customers(self, block_rows: int) -> DataFrame:
        """Return the typed rows, partitioned by customer and sorted."""
        typed = self.rows.mapInArrow(
            _plain(self.typing.rows), spark_types(wire_schema(self.typing.reading.optional))
        )
        return typed.repartition(self._partitions(block_rows), KEY).sortWithinPartitions(KEY)

    def _partitions(self, block_rows: int) -> int:
        at_once = min(self.session.sparkContext.defaultParallelism, self.overview.rows // _LEAST_ROWS)
        return max(1, at_once, -(-self.overview.rows // block_rows))

    def report(self, account: Account, flags: pa.Table) -> OrdersReport:
        """Return the account of all rows; DataError if no order is left. flags: see features.cleaning.flags."""
        require_lines(account)
        paths = self.orders.deliveries
        return build_report(account, paths=paths, mapping=self.mapping, malformed=0, notes=(), flags=flags)


def ship(functions: Iterable[Callable[..., object]]) -> None:
    """Let Spark send functions of modules that workers cannot import along with the task."""
    from pyspark import cloudpickle

    for name in {one.__module__ for one in functions}:
        if not name.startswith("features.") and name in sys.modules:
            cloudpickle.register_pickle_by_value(sys.modules[name])


@contextmanager
def on_disk(rows: DataFrame) -> Iterator[DataFrame]:
    """Keep rows on the workers' disks, once they are made, so that they are made once."""
    from pyspark import StorageLevel

    rows.persist(StorageLevel.DISK_ONLY)
    try:
        yield rows
    finally:
        rows.unpersist()


def streamed(rows: DataFrame) -> Iterator[Any]:
    """Make all rows at once on the workers, then yield them in their order: memory holds those of one partition."""
    with on_disk(rows):
        rows.count()
        yield from rows.toLocalIterator()


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


def _plain(method: Callable[..., object]) -> Callable[..., object]:
    """Return a method as a function, which is what Spark takes."""

    def task(batches: object) -> object:
        return method(batches)

    return task
