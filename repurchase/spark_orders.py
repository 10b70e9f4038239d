"""What Spark cannot do with orders, refused before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.errors import DeclarationError
from features.prepared.partitions import is_prepared
from features.shop.sightings import KEYS
from repurchase.orders_job import OrdersJob

if TYPE_CHECKING:
    from features.spark.job import SparkJob


def require_raw(job: OrdersJob) -> None:
    """Refuse what the local engine has prepared for itself."""
    for name in job.files:
        if is_prepared(name):
            raise DeclarationError(
                f"{name} holds prepared orders, which only the local engine reads. Give Spark the orders themselves, "
                "as Parquet."
            )


def require_own_ids(job: OrdersJob, orders: SparkJob) -> None:
    """Refuse orders whose ids the local engine would merge."""
    keys = [name for name in KEYS if name in orders.frame.optional]
    merges = job.other.merges and orders.mapping.rules.changed.get("identity", True) is not False
    if keys and merges:
        raise DeclarationError(
            "these orders have e-mail addresses or telephone numbers, by which the ids of one person are merged; "
            "--engine spark cannot. Give --no-merges, or use the local engine."
        )
