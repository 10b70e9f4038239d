"""A published ranking in a table of PostgreSQL, without those whom the suppression list bars."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from serving.outputs.postgres import Upserted
    from serving.store import Store
    from serving.stored.where import Where


def upsert_store(
    url: str,
    store: Store,
    *,
    suppressed: Collection[str],
    where: Where | None = None,
    only: pa.Array | None = None,
    table: str | None = None,
    remove_gone: bool = False,
) -> Upserted:
    """Bring a table up to date with the chosen customers (serving.outputs.postgres.upsert).

    suppressed: ids that are not sent, and whose rows are taken away. where, only: who is chosen; all where nothing is
    said.
    """
    from serving.outputs import tables_of
    from serving.outputs.postgres import TABLE, upsert

    return upsert(
        url,
        tables_of(store, where=where, suppressed=suppressed, only=only),
        horizons=store.horizons,
        table=table or TABLE,
        remove_gone=remove_gone,
        without=suppressed,
    )
