"""Labels of customers: region, age band, device, and what they spend compared with those who came when they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.sales import Sales
from campaigns.screening.reachability import Reach, aligned
from campaigns.screening.settings import Settings
from features.kernel.buffers import as_arrow, filled, in_one, is_valid
from features.kernel.running import Bools, Floats, Ints

UNKNOWN = "unknown"
AGE_BANDS = ("under 18", "18-24", "25-34", "35-44", "45-54", "55-64", "65 and over")
_AGES = (18, 25, 35, 45, 55, 65)
CONSUMPTION = ("low", "medium", "high")
_YEAR = 365.2425


@dataclass(frozen=True)
class Labels:
    """Texts per customer ('unknown' where nothing is known), and the shrunk share of the cohort that spent less."""

    region: pa.Array
    age_band: pa.Array
    device: pa.Array
    consumption: pa.Array
    spend_percentile: Floats


def labels_of(base: Base, reach: Reach, *, settings: Settings | None = None) -> Labels:
    """Return the labels of the customers of a base."""
    limits = (settings or Settings.ours()).limits
    percentile = spend_percentile(base.sales, weight=limits["cohort_weight"])
    band = (percentile >= 100 * limits["low_share"]).astype(np.int8) + (
        percentile >= 100 * limits["high_share"]
    )
    return Labels(
        region_of(base, reach),
        _chosen(AGE_BANDS, _age_bands(base)),
        pc.fill_null(_attribute(base, "device"), UNKNOWN),
        _chosen(CONSUMPTION, band.astype(np.int64)),
        percentile,
    )


def region_of(base: Base, reach: Reach) -> pa.Array:
    """Return the region as the customers table says it, else the country of most orders, else that of the number."""
    found = _attribute(base, "region")
    if "country" in base.sales.optional:
        found = pc.coalesce(found, _main_country(base.sales))
    number = reach.region.values.cast(pa.string())
    codes = reach.region.codes.astype(np.int64)
    by_number = number.take(as_arrow(np.maximum(codes, 0), pa.int64(), valid=codes >= 0))
    return pc.fill_null(pc.coalesce(found, by_number), UNKNOWN)


def spend_percentile(sales: Sales, *, weight: float) -> Floats:
    """Return the share of customers that spent less, 0 to 100 (ties half); (n,).

    Compared are the customers whose first order was in the same month, since whoever came earlier has had more time;
    a small month is shrunk: (n·own + k·all) / (n + k), where `weight` k is what all customers count. Returns are taken
    off.
    """
    returns = sales.returns
    spent = np.bincount(sales.customer, sales.amount, len(sales))
    spent += np.bincount(returns.customer, returns.amount, len(sales))
    month = sales.first_day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    everyone = np.zeros(len(sales), dtype=np.int64)
    own, size = _below(month, spent)
    every, _ = _below(everyone, spent)
    return 100.0 * (size * own + weight * every) / (size + weight)


def _below(group: Ints, values: NDArray[Any]) -> tuple[Floats, Ints]:
    """Return the share of each row's group below its value (ties half, itself included), and the group's size; (n,)."""
    rank = np.lexsort((values, group))
    g, v = group[rank], values[rank]
    new_group = np.append(True, np.diff(g) != 0)[: len(g)]
    new_value = new_group | np.append(True, np.diff(v) != 0)[: len(v)]
    starts, ties = np.flatnonzero(new_group), np.flatnonzero(new_value)
    size = np.diff(np.append(starts, len(g)))[np.cumsum(new_group) - 1]
    begin = starts[np.cumsum(new_group) - 1]
    first = ties[np.cumsum(new_value) - 1]
    end = np.append(ties, len(g))[np.cumsum(new_value)]
    share, sizes = np.empty(len(g)), np.empty(len(g), dtype=np.int64)
    share[rank] = ((first + end) / 2.0 - begin) / size
    sizes[rank] = size
    return share, sizes


def _attribute(base: Base, name: str) -> pa.Array:
    if base.customers is None:
        return pa.nulls(len(base.sales), pa.string())
    return aligned(base.customers, name, base.sales.ids).cast(pa.string())


def _main_country(sales: Sales) -> pa.Array:
    """Return the country of most of a customer's lines, of equals the first by name; null where none is known."""
    country = sales.text("country")
    name_rank = np.argsort(np.argsort(np.array([str(one) for one in country.texts], dtype=object)))
    known = country.codes >= 0
    span = len(country.values) + 1
    keys = (
        sales.customer[known] * span + name_rank[country.codes[known]]
        if known.any()
        else np.empty(0, np.int64)
    )
    pairs, counts = np.unique(keys.astype(np.int64), return_counts=True)
    rank = np.lexsort((-pairs, counts))
    place = np.full(len(sales), -1)
    by_name = np.argsort(name_rank)
    place[pairs[rank] // span] = by_name[pairs[rank] % span]
    return country.values.cast(pa.string()).take(as_arrow(np.maximum(place, 0), pa.int64(), valid=place >= 0))


def _age_bands(base: Base) -> Ints:
    """Return places in AGE_BANDS on the as-of day, -1 where the age is not known; (n,)."""
    customers, ids = base.customers, base.sales.ids
    if customers is None:
        return np.full(len(ids), -1)
    age = filled(aligned(customers, "age", ids), np.float64(np.nan))
    told = filled(aligned(customers, "known_day", ids), np.int32(base.as_of))
    age = age + np.maximum(base.as_of - told.astype(np.float64), 0.0) / _YEAR
    born = in_one(aligned(customers, "birth_date", ids)).cast(pa.int32())
    age = np.where(is_valid(born), _years_between(filled(born, np.int32(0)), base.as_of), age)
    known: Bools = np.isfinite(age)
    return np.where(known, np.searchsorted(_AGES, np.where(known, age, 0.0), side="right"), -1)


def _years_between(born: NDArray[np.int32], day: int) -> Floats:
    """Return the birthdays up to the end of a day; (n,)."""
    first, last = (_calendar(days) for days in (born.astype(np.int64), np.array([day])))
    return (last[0] - first[0] - (last[1] < first[1])).astype(np.float64)


def _calendar(days: Ints) -> tuple[Ints, Ints]:
    """Return years, and month and day as one number that rises through the year."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64)
    return year, (months.astype(np.int64) - 12 * year) * 32 + (dates - months).astype(np.int64)


def _chosen(words: tuple[str, ...], place: Ints) -> pa.Array:
    """Return the word at each place, 'unknown' for -1."""
    listed = pa.array([UNKNOWN, *words], pa.string())
    return listed.take(as_arrow(place.astype(np.int64) + 1, pa.int64()))
