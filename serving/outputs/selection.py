"""Which customers an export holds: those asked for, best first, less those on the suppression list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import DeclarationError, nearest
from contracts.tables import scores_schema
from serving.outputs.addresses import Addresses
from serving.stored.where import Where

_SIZE = 20_000
_ID = "customer_id"


class Ranked(Protocol):
    """What an export reads of a store (serving.store.Store)."""

    @property
    def horizon(self) -> int:
        """The horizon that ranks, in days."""

    @property
    def horizons(self) -> tuple[int, ...]:
        """All horizons, in days."""

    def batches(self, where: Where, columns: Sequence[str], size: int) -> Iterator[pa.Table]:
        """Yield the chosen customers by rank, at most `size` at once."""


@dataclass
class Selection:
    """The customers of one export, and how many were left out so far.

    only: these customers and nobody else (None: all). limit: how many at most, counted after all that is left out.
    addresses: adds columns email and phone. reachable: only customers with an address of theirs.
    """

    where: Where
    suppressed: Collection[str] = frozenset()
    only: pa.Array | None = None
    limit: int | None = None
    addresses: Addresses | None = None
    reachable: bool = False
    left_out: dict[str, int] = field(default_factory=lambda: {"suppressed": 0, "unreachable": 0})

    def tables(self, store: Ranked, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the chosen customers by rank; beside the columns always the customer_id."""
        wanted = [_ID, *(name for name in columns if name != _ID)]
        barred = pa.array(sorted(self.suppressed), pa.string())
        left = self.limit
        for batch in store.batches(self.where, wanted, _SIZE):
            if left == 0:
                return
            table = self._kept(batch, barred)
            table = table if left is None else table.slice(0, left)
            left = left if left is None else left - table.num_rows
            if table.num_rows:
                yield table

    def _kept(self, batch: pa.Table, barred: pa.Array) -> pa.Table:
        if self.only is not None:
            batch = batch.filter(pc.is_in(batch[_ID], self.only))
        table = batch.filter(pc.invert(pc.is_in(batch[_ID], barred)))
        self.left_out["suppressed"] += batch.num_rows - table.num_rows
        if self.addresses is None:
            return table
        table = self.addresses.beside(table)
        if not self.reachable:
            return table
        found = table.filter(pc.or_(pc.is_valid(table["email"]), pc.is_valid(table["phone"])))
        self.left_out["unreachable"] += table.num_rows - found.num_rows
        return found


def chosen_schema(store: Ranked, columns: Sequence[str] | None, *, default: Sequence[str]) -> pa.Schema:
    """Return the chosen columns of the scores; DeclarationError for one that there is not, or that is named twice."""
    schema = scores_schema(tuple(store.horizons))
    names = list(default if columns is None else columns)
    for place, name in enumerate(names):
        if name not in schema.names:
            raise DeclarationError(
                f"the ranking has no column '{name}'{nearest(name, schema.names) or '.'} "
                f"Its columns are {', '.join(schema.names)}."
            )
        if name in names[:place]:
            raise DeclarationError(f"the column '{name}' is asked for twice. Name it once.")
    if not names:
        raise DeclarationError("no column is asked for. Name one, or leave the columns out for all of them.")
    return pa.schema([schema.field(name) for name in names])


def usual_columns(store: Ranked) -> tuple[str, ...]:
    """Return the columns that other tools get unless others are asked for; a shop may pay for each of them."""
    main = store.horizon
    return (
        "as_of", "rank", "percentile", f"p_repurchase_{main}d", f"expected_orders_{main}d",
        f"expected_value_{main}d", "clv", "next_order_p50", "tier", "lifecycle", "segment", "confidence", "currency",
        "model_version", "valid_until",
    )  # fmt: skip
