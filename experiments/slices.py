"""Groups of customers that are measured apart: one-time buyers, new, lapsed, high value, categories, countries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Floats

Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

NEW_DAYS = 30
# Silent for longer than this many of the customer's own mean gaps, and never before a month is over: whoever ordered
# on two days of one week has not lapsed two weeks later. One-time buyers have no gap.
LAPSED_GAPS = 2.0
LAPSED_AT_LEAST_DAYS = 30
LAPSED_ONE_TIME_DAYS = 180
HIGH_VALUE_SHARE = 0.1
LARGEST_VALUES = 5
FEWEST_CUSTOMERS = 50
FEWEST_BUYERS = 5


@dataclass(frozen=True)
class Slices:
    """The slices that are large enough, by name, and for each of the others why it is not measured."""

    measured: dict[str, Mask]
    left_out: dict[str, str]


def slices(columns: Columns, texts: Mapping[str, Texts] | None = None) -> dict[str, Mask]:
    """Return which customers are in which slice; (n,) each. They overlap, and need not cover everybody.

    columns: features, at least the BTYD summary (frequency, recency, tenure, monetary_value). texts: (n,) texts by
    name (category, country), None or "" where not known; the 5 values with most customers are slices, named
    `country: France`.
    """
    frequency, recency, tenure = (columns[name] for name in ("frequency", "recency", "tenure"))
    one_time = frequency == 0
    found = {
        "one-time buyers": one_time,
        f"new (under {NEW_DAYS} days)": tenure < NEW_DAYS,
        "lapsed": tenure - recency > _longest_silence(frequency, recency),
        f"high value (top {HIGH_VALUE_SHARE:.0%})": _highest(columns["monetary_value"] * (frequency + 1)),
    }
    for name, values in (texts or {}).items():
        found |= {f"{name}: {value}": mask for value, mask in _by_value(values).items()}
    return found


def measurable(found: Mapping[str, Mask], bought: Floats) -> Slices:
    """Tell the slices with at least 50 customers and 5 buyers from the others; bought: (n,) 0 or 1."""
    measured, left_out = {}, {}
    for name, mask in found.items():
        customers, buyers = int(mask.sum()), int((bought[mask] > 0).sum())
        if customers < FEWEST_CUSTOMERS:
            left_out[name] = f"{customers} customers; under {FEWEST_CUSTOMERS} nothing is measured"
        elif buyers < FEWEST_BUYERS:
            left_out[name] = f"{buyers} buyers among {customers}; under {FEWEST_BUYERS} nothing is measured"
        else:
            measured[name] = mask
    return Slices(measured, left_out)


def _longest_silence(frequency: Floats, recency: Floats) -> Floats:
    own = LAPSED_GAPS * recency / np.maximum(frequency, 1.0)
    return np.where(frequency > 0, np.maximum(own, LAPSED_AT_LEAST_DAYS), LAPSED_ONE_TIME_DAYS)


def _highest(amount: Floats) -> Mask:
    """Whoever is not below the last of the best tenth: equals of that one are all inside."""
    if len(amount) == 0:
        return np.zeros(0, dtype=np.bool_)
    inside = max(1, round(HIGH_VALUE_SHARE * len(amount)))
    return np.asarray(amount >= np.partition(amount, -inside)[-inside])


def _by_value(values: Texts) -> dict[str, Mask]:
    known = np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
    names, counts = np.unique(known[known != ""], return_counts=True)
    # Of values with equally many customers the first by name comes first.
    largest = names[np.argsort(-counts, kind="stable")[:LARGEST_VALUES]]
    return {str(name): known == name for name in largest}
