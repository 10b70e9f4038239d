"""The parts of a ranking made by Spark: the orders typed, cleaned and scored on its workers, the parts brought here.

What follows (order, layers, comparison, publication) is the same as on one machine. A part comes here over the
connection to the driver, one partition after the other, so that workers and driver need no common disk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features.cleaning.account import Account
from features.cleaning.report import require_enough
from features.reading.mapping import load_mapping
from repurchase.model_job import require_same_currency
from repurchase.orders_job import OrdersJob
from repurchase.rank_base import Asked, Base, Parts, Progress, judged, require_customers, tally_of
from repurchase.spark_orders import require_own_ids, require_raw

if TYPE_CHECKING:
    from features.spark.job import SparkJob
    from serving.batch.carried import DistantParts
    from serving.batch.checkpoint import Checkpoint, Note
    from serving.batch.history import Forecast
    from serving.batch.stages import Stages


def scored_on_spark(
    job: OrdersJob,
    ask: Callable[[int], Asked],
    run: Checkpoint,
    stages: Stages,
    progress: Progress,
    *,
    model: Path,
    master: str,
) -> tuple[Asked, Base]:
    """Score the customers of orders that Spark can read, bring the parts here, and judge the base.

    ask: what the run is, as of a day. model: the bundle's folder. master: Spark's URL. Raises DataError, ArtifactError;
    DeclarationError for what only the local engine reads.
    """
    from features.spark.failures import spoken
    from features.spark.job import SparkJob
    from features.spark.session import opened_session, without_pandas_warning
    from serving.batch.history import Forecast

    require_raw(job)
    mapping = load_mapping(job.mapping) if job.mapping else None
    with opened_session(master) as session, without_pandas_warning(), spoken(", ".join(job.files)):
        progress("reading orders")
        with stages.stage("reading orders"):
            orders = SparkJob.of(session, job.files, mapping, until=job.as_of, now=job.now)
            asked = ask(orders.last_day if job.as_of is None else job.as_of)
            require_same_currency(asked.bundle, orders.mapping)
            require_own_ids(job, orders)
        progress("scoring customers")
        forecast = Forecast.finished(asked.out / "history", asked.scoring.as_of)
        with stages.stage("scoring customers"):
            notes = _notes(orders, _work(orders, asked, forecast, model), run)
    return asked, judged(_parts(orders, notes, asked), asked, forecast)


def _work(orders: SparkJob, asked: Asked, forecast: Forecast | None, model: Path) -> DistantParts:
    """Return what each worker does, its luggage sent."""
    from campaigns import layers
    from models.carried import files_of
    from serving.batch.carried import DistantParts, Luggage
    from serving.rank import wanted_features

    luggage = Luggage(files_of(model, asked.bundle), forecast)
    catalog = wanted_features(asked.bundle, asked.catalog, layers.FEATURES)
    return DistantParts(orders.sent(luggage), asked.scoring, catalog, asked.options.details)


def _notes(orders: SparkJob, work: DistantParts, run: Checkpoint) -> dict[int, Note]:
    """Have the parts made, and return their notes once their files are here."""
    from features.spark.customers import EachBlock
    from features.spark.job import BLOCK_ROWS, ship, streamed
    from serving.batch.carried import SCHEMA, put_down

    ship(one.function for one in work.catalog)
    each = EachBlock(orders.blocks(BLOCK_ROWS), SCHEMA, work.rows)
    rows = streamed(orders.made(orders.customers(BLOCK_ROWS), each))
    return put_down(rows, scores=run.scores, details=run.details)


def _parts(orders: SparkJob, notes: dict[int, Note], asked: Asked) -> Parts:
    """Return the parts with the account of the orders.

    Their fingerprint is that of the cleaned lines as they were parted: on a cluster of another size the same orders
    have another one.
    """
    require_customers(notes, asked.scoring.as_of)
    tally = tally_of(notes)
    report = orders.report(Account.total(tally.accounts), pa.concat_tables(tally.flags))
    require_enough(report)
    return Parts(notes, report, tally.fingerprint, orders.optional)
