"""Who is in which segment on a day: features by partitions, scores of a ranking, people without an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.rfm import RfmGroups, rfm_groups
from campaigns.segment_columns import BASE, GROUP, ranked_texts, text_of_ranks
from campaigns.segments import Memberships, Segment, columns_needed, members
from contracts.days import parse_day, to_date
from contracts.errors import DataError
from features.cleaning.account import Account
from features.cleaning.report import refuse_nobody
from features.kernel.buffers import as_arrow, filled
from features.kernel.declaration import Catalog, FeatureTable
from features.kernel.reference import NONE, References
from features.prepared.process import Tally
from features.references import fit_over
from features.shop.shop import Shop
from repurchase.orders_job import OrdersJob
from repurchase.rankings import read_ranking

VALUE = "expected_value_90d"
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Known:
    """The customers of one day: ids (n,) ascending, columns (n,) each; people without an order have no values."""

    day: int
    ids: pa.Array
    columns: Columns
    rfm: RfmGroups
    memberships: Memberships


@dataclass(frozen=True)
class Wanted:
    """What is read for all days."""

    segments: Mapping[str, Segment]
    path: Path | None
    catalog: Catalog

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((*columns_needed(self.segments), *BASE))

    @property
    def features(self) -> Catalog:
        """The features that are read, and the ranks behind texts that are read."""
        texts = ranked_texts(self.catalog)
        own = {one.name for one in self.catalog}
        names = (self.columns & own) | {texts[name].name for name in self.columns if name in texts}
        return self.catalog.pick(sorted(names))


def read_scores(ranking: Path, wanted: Wanted, as_of: int, currency: str) -> pa.Table:
    """Return the columns of the ranking that are read and are no features."""
    features = {one.name for one in wanted.catalog} | set(ranked_texts(wanted.catalog)) | {GROUP}

    def chosen(schema: pa.Schema, _: Mapping[str, Any]) -> set[str]:
        return {"customer_id"} | (((wanted.columns | {VALUE}) & set(schema.names)) - features)

    table, manifest = read_ranking(ranking, chosen)
    if parse_day(manifest["as_of"]) != as_of:
        raise DataError(
            f"{ranking}: the ranking is as of {manifest['as_of']}, the segments as of {to_date(as_of)}. "
            f"Give --as-of {manifest['as_of']}, or rank again."
        )
    if manifest["currency"] != currency:
        raise DataError(
            f"{ranking}: the ranking is in {manifest['currency']}, the orders are in {currency}. "
            "Set `currency` in the mapping, or rank these orders."
        )
    return table


def known_on(job: OrdersJob, shop: Shop, wanted: Wanted, scores: pa.Table | None, tally: Tally) -> Known:
    """Return who is in which segment, as known at the end of the shop's day."""
    day = shop.as_of
    references = _references(job, shop, wanted, day)
    table, own_ids = _features(job, shop, wanted, references, tally)
    if not len(table):
        refuse_nobody(Account.total(tally.accounts), day, later="day")
    order, ids = _sorted_ids(table)
    columns: Columns = {name: values[order] for name, values in table.columns.items()}
    for name, one in ranked_texts(wanted.catalog).items():
        if name in wanted.columns and one.name in columns:
            columns[name] = text_of_ranks(columns[one.name], references.at(one.needs_reference[0], day))
    columns |= {} if scores is None else _aligned(scores, ids)
    everyone = pa.concat_arrays([ids, _prospects(shop, own_ids, ids, day)])
    whole = {name: _longer(values, len(everyone)) for name, values in columns.items()}
    rfm = rfm_groups({name: whole[name] for name in BASE}, path=wanted.path)
    columns[GROUP] = rfm.names[: len(ids)]
    # A rule is asked about those who have ordered: of all others it knows nothing.
    found = [
        replace(one, inside=_longer(one.inside, len(everyone)))
        for one in members(wanted.segments, columns).found
    ]
    groups = members({}, whole, rfm=rfm).found
    return Known(day, everyone, whole, rfm, Memberships((*groups, *found)))


def _features(
    job: OrdersJob, shop: Shop, wanted: Wanted, references: References, tally: Tally
) -> tuple[FeatureTable, pa.Array]:
    """Return the features of all customers, partition below partition, and the own ids that have order lines."""
    catalog, day = wanted.features.available(shop.optional, references), shop.as_of

    def work(_: int, lines: pa.Table) -> tuple[FeatureTable, pa.Array]:
        history = shop.history(lines, days=(day,))
        found = catalog.available(history.optional, references).compute(history, day, references=references)
        for one in catalog:
            found.columns.setdefault(one.name, np.full(len(found), np.nan))
        table = FeatureTable(
            found.names, found.customers, found.cutoff, {one.name: found.columns[one.name] for one in catalog}
        )
        return table, pc.unique(lines["customer_id"]).cast(pa.string())

    parts = [made for _, made in job.process(shop, work, tally)]
    return FeatureTable.stack([table for table, _ in parts]), pa.concat_arrays([ids for _, ids in parts])


def _references(job: OrdersJob, shop: Shop, wanted: Wanted, day: int) -> References:
    """Fit the reference tables that are read, in a pass of its own over all partitions."""
    if not any(one.needs_reference and shop.optional.issuperset(one.needs) for one in wanted.features):
        return NONE
    made = job.process(shop, lambda _, lines: shop.history(lines, days=(day,)), Tally())
    return fit_over((history for _, history in made), [day], wanted.features)[day]


def _sorted_ids(table: FeatureTable) -> tuple[NDArray[np.int64], pa.Array]:
    ids = table.names.ids.take(as_arrow(table.customers.astype(np.int64), pa.int64())).cast(pa.string())
    order = pc.sort_indices(ids)
    return filled(order.cast(pa.int64()), np.int64(0)), ids.take(order)


def _aligned(scores: pa.Table, ids: pa.Array) -> Columns:
    """Return the scores of these customers; unknown where somebody has none."""
    place = pc.index_in(ids, value_set=scores["customer_id"].combine_chunks())
    columns: Columns = {}
    for name in scores.column_names:
        if name != "customer_id":
            values = scores[name].combine_chunks().take(place)
            text = pa.types.is_string(values.type)
            columns[name] = (
                np.array(values.to_pylist(), dtype=object)
                if text
                else filled(values.cast(pa.float64()), np.float64(np.nan))
            )
    return columns


def _prospects(shop: Shop, own_ids: pa.Array, people: pa.Array, day: int) -> pa.Array:
    """Return the people of the customers table, as known on the day, who are not in the orders under any id."""
    if shop.customers is None:
        return pa.array([], pa.string())
    table = shop.customers.table
    known = filled(table["known_day"].combine_chunks(), np.int32(np.iinfo(np.int32).min)) <= day
    ids = pc.unique(
        table["customer_id"].combine_chunks().cast(pa.string()).filter(as_arrow(known, pa.bool_()))
    )
    ids = ids.filter(pc.invert(pc.is_in(ids, value_set=pa.concat_arrays([own_ids, people]))))
    if shop.identity is None:
        return ids.sort()
    person = shop.identity.person
    ordered = {person[one] for one in own_ids.to_pylist() if one in person}
    firsts = {person.get(one, one): one for one in sorted(ids.to_pylist(), reverse=True)}
    return pa.array(sorted(one for group, one in firsts.items() if group not in ordered), pa.string())


def _longer(values: NDArray[Any], rows: int) -> NDArray[Any]:
    """Return a column with empty values for people without an order."""
    empty = {"b": False, "O": None}.get(values.dtype.kind, np.nan)
    return np.concatenate([values, np.full(rows - len(values), empty, dtype=values.dtype)])
