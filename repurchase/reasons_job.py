"""Why some customers' chances are what they are: their features and those of a sample of the base to compare with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from contracts.days import to_date
from contracts.errors import DataError
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, FeatureTable
from features.prepared.process import Tally
from features.sampling import sampled
from features.shop.shop import Shop
from repurchase.model_job import open_bundle, require_same_currency
from repurchase.orders_job import OrdersJob

if TYPE_CHECKING:
    from models.bundle import Bundle
    from serving.answering.reasons import Explained

# Customers of the base to compare with, by hashed id: the same in any order of rows, nearly the same tomorrow. Two
# such samples agree on the direction of 99 % of the three largest reasons; the 16 golden rows of the bundle, which
# hold its best customer, and one such sample on 95 %.
REFERENCE_CUSTOMERS = 256


@dataclass(frozen=True)
class Answered:
    """The reasons of the asked customers, in the order asked; what the model would like to know and the orders lack."""

    customers: list[Explained]
    as_of: int
    horizon: int
    bundle: Bundle
    absent: list[str]


def reasons(
    job: OrdersJob,
    ids: Sequence[str],
    *,
    model: str,
    horizon: int | None,
    top: int,
    tracking_uri: str,
    catalog: Catalog = CATALOG,
) -> Answered:
    """Return the top reasons of each asked customer as of the day; DataError if one of them is not known then."""
    from serving.answering.reasons import explained
    from serving.rank import absent_columns, require_features

    bundle = open_bundle(model, tracking_uri=tracking_uri)
    require_features(bundle, catalog)
    horizon = int(bundle.manifest["horizon"]) if horizon is None else horizon
    asked = list(dict.fromkeys(ids))
    with job.opened() as rows:
        require_same_currency(bundle, rows.mapping)
        shop = job.shop(rows)
        table = _features_of(job, shop, bundle, set(asked), catalog)
        absent = absent_columns(bundle, shop.optional, catalog=catalog)
    names = table.customer_id
    places = {str(name): place for place, name in enumerate(names)}
    for one in asked:
        if one not in places:
            raise _unknown(one, shop)
    others = sampled(names, REFERENCE_CUSTOMERS)
    customers = explained(
        table.take(np.array([places[one] for one in asked])),
        bundle,
        as_of=shop.as_of,
        horizon=horizon,
        reference=table.take(others).columns,
        catalog=catalog,
        top=top,
    )
    return Answered(customers, shop.as_of, horizon, bundle, absent)


def _features_of(
    job: OrdersJob, shop: Shop, bundle: Bundle, asked: Collection[str], catalog: Catalog
) -> FeatureTable:
    """Return the features of the asked customers and of at most REFERENCE_CUSTOMERS others of each partition."""
    from serving.rank import features_for

    def work(_: int, lines: pa.Table) -> FeatureTable:
        history = shop.history(lines, days=(shop.as_of,))
        wanted = [place for place, name in enumerate(history.customer_ids) if name in asked]
        positions = np.union1d(sampled(history.customer_ids, REFERENCE_CUSTOMERS), wanted).astype(np.int64)
        return features_for(bundle, history.of_customers(positions), shop.as_of, catalog=catalog)

    return FeatureTable.stack([table for _, table in job.process(shop, work, Tally())])


def _unknown(one: str, shop: Shop) -> DataError:
    if shop.identity is not None and one in shop.identity.person:
        return DataError(
            f"customer '{one}' is one person with other ids. `repurchase identity` says which id stands for them; or "
            "give --no-merges."
        )
    return DataError(
        f"no customer '{one}' has an order up to {to_date(shop.as_of)}. Write the id as it stands in the orders, or "
        "give a later --as-of."
    )
