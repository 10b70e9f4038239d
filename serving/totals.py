"""Lifetime values of groups of customers, with intervals that add up.

What customers do is their own: their variances add up, and so do the logarithms of their chances to order nothing. The
level of the season and the trend is shared by all: its deviations add up themselves (models.spread_total). So the
interval of a union of groups follows from its parts, and that of all customers is the same however they are grouped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ArtifactError, ContractError, DeclarationError, nearest
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from features.kernel.buffers import as_numpy, as_rows, in_one
from models.clv import Lifetime, lifetime_knots
from models.contract import LARGEST_P
from models.curve import at_horizon
from models.spread_total import Total

Labels: TypeAlias = pa.Array | pa.ChunkedArray
NO_GROUP = "(none)"
ALL = "all"
_EACH_THEIR_OWN = ("customer_id", "rank")
TOTALS = pa.schema(
    [
        pa.field("group", pa.string(), nullable=False),
        pa.field("customers", pa.int64(), nullable=False),
        pa.field("clv", pa.float64(), nullable=False),  # currency, expected
        pa.field("clv_lower", pa.float64(), nullable=False),
        pa.field("clv_upper", pa.float64(), nullable=False),
        pa.field("clv_share", pa.float64()),  # of all; null where all expect nothing
    ]
)


@dataclass(frozen=True)
class Group:
    """Some customers, how many they are, and the total of their lifetime values."""

    name: str
    customers: int
    total: Total


def totals(scores: pa.Table, manifest: Mapping[str, Any], *, group: Labels, level: float = 0.8) -> pa.Table:
    """Return customers, expected lifetime value, bounds and share of all for each group, all customers last; TOTALS.

    scores: columns as `needed` says. manifest: the store's. group: (n,) each customer's, as text or whole numbers;
    null is NO_GROUP. level: the chance that a total lies between its bounds. Largest first, numbers in their order.
    """
    everyone = group_totals(scores, manifest, group=pa.repeat(pa.scalar(ALL), scores.num_rows))
    rows = [*group_totals(scores, manifest, group=group), *everyone]
    whole = sum(one.total.expected for one in everyone)
    bounds = [one.total.interval(level) for one in rows]
    columns = {
        "group": [one.name for one in rows],
        "customers": [one.customers for one in rows],
        "clv": [one.total.expected for one in rows],
        "clv_lower": [lower for lower, _ in bounds],
        "clv_upper": [upper for _, upper in bounds],
        "clv_share": [one.total.expected / whole if whole > 0 else None for one in rows],
    }
    return pa.table(columns, schema=TOTALS)


def group_totals(scores: pa.Table, manifest: Mapping[str, Any], *, group: Labels) -> list[Group]:
    """Return the groups in the order to show; their totals can be added. See `totals`.

    Sums are exact before their one rounding: the order of the rows changes nothing.
    """
    if len(group) != scores.num_rows:
        raise ContractError(f"{len(group)} groups for {scores.num_rows} customers. Give one for each.")
    terms = _Terms.of(manifest)
    customers = _Customers.of(scores, terms)
    names, code = _encoded(group)
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=len(names)))
    found = [
        Group(name, end - start, customers.total(order[start:end], terms))
        for name, (start, end) in zip(names, pairwise((0, *ends.tolist())), strict=True)
    ]
    numbers = pa.types.is_integer(group.type)
    return sorted(found, key=lambda one: _place(one, numbers=numbers))


def needed(columns: list[str], manifest: Mapping[str, Any]) -> list[str]:
    """Return the columns of the scores that totals are made of; ArtifactError if these scores lack them."""
    chance = f"p_repurchase_{_Terms.of(manifest).days}d"
    wanted = ["clv", "clv_variance", chance if chance in columns else "curve"]
    if not set(wanted) <= set(columns):
        raise _too_old()
    return wanted


def by_column(scores: pa.Table, column: str) -> pa.ChunkedArray:
    """Return each customer's group as a column of the scores has it; DeclarationError if it makes no groups."""
    require_groups(scores.schema, column)
    return scores[column]


def require_groups(schema: pa.Schema, column: str) -> None:
    """Raise DeclarationError if a column of the scores is not there, or is neither text nor whole numbers."""
    known = [
        field.name
        for field in schema
        if (pa.types.is_string(field.type) or pa.types.is_integer(field.type))
        and field.name not in _EACH_THEIR_OWN
    ]
    if column not in known:
        what = "makes no groups" if column in schema.names else "is not there"
        raise DeclarationError(
            f"the scores' column '{column}' {what}{nearest(column, known) or '.'} Known: {', '.join(known)}."
        )


def by_customer(scores: pa.Table, groups: pa.Table) -> pa.Array:
    """Return each scored customer's group from a table with customer_id (unique) and group; null if not there."""
    place = pc.index_in(in_one(scores["customer_id"]), in_one(groups["customer_id"]))
    return in_one(groups["group"]).take(place)


def without_score(scores: pa.Table, groups: pa.Table) -> pa.ChunkedArray:
    """Return the ids of the table that are not among the scored customers."""
    scored = pc.is_in(groups["customer_id"], in_one(scores["customer_id"]))
    return groups["customer_id"].filter(pc.invert(scored))


@dataclass(frozen=True)
class _Terms:
    """Over how many days; contact_cost: discounted, currency per customer; level_sd: of the log of the level."""

    days: int
    contact_cost: float
    level_sd: float

    @staticmethod
    def of(manifest: Mapping[str, Any]) -> _Terms:
        terms = manifest.get("clv", {})
        if "level_sd" not in terms:
            raise _too_old()
        knots = lifetime_knots(terms["days"])
        nobody = Lifetime.of(
            [np.zeros(1) for _ in knots],
            knots,
            margin=1.0,
            discount_rate=terms["discount_rate"],
            contact_cost_per_year=terms.get("contact_cost", 0.0),
        )
        return _Terms(terms["days"], nobody.contact_cost, terms["level_sd"])


@dataclass(frozen=True)
class _Customers:
    """What of each customer adds up; (n,) each. mean: before the contacts' cost, currency."""

    mean: Floats
    variance: Floats
    log_nobody: Floats

    @staticmethod
    def of(scores: pa.Table, terms: _Terms) -> _Customers:
        mean = np.maximum(as_numpy(scores["clv"]) + terms.contact_cost, 0.0)
        log_nobody = np.log1p(-np.minimum(_chance(scores, terms.days), LARGEST_P))
        return _Customers(mean, as_numpy(scores["clv_variance"]), log_nobody)

    def total(self, rows: np.ndarray[Any, np.dtype[np.intp]], terms: _Terms) -> Total:
        mean = fsum(self.mean[rows])
        return Total(
            mean,
            fsum(self.variance[rows]),
            terms.level_sd * mean,
            0.0 - terms.contact_cost * len(rows),
            fsum(self.log_nobody[rows]),
        )


def _chance(scores: pa.Table, days: int) -> Floats:
    """Return each customer's chance to order within `days`; beyond the curve, which is less, that at its end."""
    name = f"p_repurchase_{days}d"
    if name in scores.column_names:
        return as_numpy(scores[name])
    curve = as_rows(scores["curve"], width=len(CURVE_KNOTS))
    return at_horizon(curve, min(days, CURVE_KNOTS[-1]))


def _encoded(group: Labels) -> tuple[list[str], np.ndarray[Any, np.dtype[np.intp]]]:
    """Return the groups' names, and each customer's place among them; (n,)."""
    named = pc.fill_null(in_one(group).cast(pa.string()), NO_GROUP).dictionary_encode()
    return named.dictionary.to_pylist(), as_numpy(named.indices).astype(np.intp)


def _place(one: Group, *, numbers: bool) -> tuple[bool, float, str]:
    if one.name == NO_GROUP:
        return True, 0.0, ""
    return False, float(one.name) if numbers else -one.total.expected, one.name


def _too_old() -> ArtifactError:
    return ArtifactError(
        "this ranking was published by an older version and says nothing of how sure its lifetime values are. "
        "Run `repurchase rank` again."
    )
