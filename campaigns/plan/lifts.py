"""What one contact moves: the share of those who would not have bought that does because of it.

Measured by past tests where there are any (campaigns.results.priors.MEASURED), each drawn towards the offer's stated
assumption m as to a normal distribution with mean m and standard deviation m: an assumption may be wrong by its own
size. Without a test the assumption stands alone, and is said to be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.offers import Offer
from campaigns.plan.customers import Customers
from campaigns.sensitivity import folded
from contracts.training import Floats
from features.kernel.running import Ints

NO_OFFER = "no offer"  # what MEASURED calls a plain message
_SURE = 1.96
_HALVED, _RAISED = 0.5, 1.5
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Lift:
    """One offer's lift. share: (n,) expected; low, high: (n,) 95 % bounds where measured, half and 1.5 x where assumed.

    treated, control: customers in the tests behind it (0: an assumption).
    """

    share: Floats
    low: Floats
    high: Floats
    treated: int
    control: int

    @property
    def measured(self) -> bool:
        """Whether a test of the shop's own stands behind it."""
        return self.treated > 0

    def of(self, some: Ints) -> Lift:
        """Return the lift of some customers."""
        return Lift(self.share[some], self.low[some], self.high[some], self.treated, self.control)


def lifts_of(
    offers: Sequence[Offer], customers: Customers, *, measured: pa.Table | None = None
) -> dict[str, Lift]:
    """Return each offer's lift. measured: campaigns.results.priors.MEASURED, or None."""
    rows = [] if measured is None else measured.to_pylist()
    return {offer.name: _lift(offer, customers, _rows_of(offer, rows)) for offer in offers}


def _rows_of(offer: Offer, rows: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    words = {folded(offer.name), folded(offer.label)} | (
        {folded(NO_OFFER)} if offer.kind == "none" else set()
    )
    mine = [row for row in rows if folded(str(row["offer"])) in words]
    # Rows of all channels together say it once; rows by channel are used where there are no others.
    return [row for row in mine if row["channel"] is None] or mine


def _lift(offer: Offer, customers: Customers, rows: Sequence[Mapping[str, object]]) -> Lift:
    assumed = offer.lift(len(customers), *customers.labels.values()) * customers.taste_of(offer)
    if not rows:
        return Lift(assumed, _HALVED * assumed, _RAISED * assumed, 0, 0)
    share, error = np.full(len(customers), np.nan), np.full(len(customers), np.nan)
    segments = sorted({row["segment"] for row in rows}, key=lambda name: (name is not None, str(name)))
    for segment in segments:
        here = _in_segment(customers, segment)
        share[here], error[here] = _pooled([row for row in rows if row["segment"] == segment])
    tested = np.isfinite(share)
    share, error = _with_assumption(share, error, assumed)
    low = np.where(tested, share - _SURE * error, _HALVED * assumed)
    high = np.where(tested, share + _SURE * error, _RAISED * assumed)
    whole = [row for row in rows if row["segment"] is None] or list(rows)
    counts = (sum(int(str(row[name])) for row in whole) for name in ("treated", "control"))
    return Lift(share, low, high, *counts)


def _pooled(rows: Sequence[Mapping[str, object]]) -> tuple[float, float]:
    """Return the mean and standard error of several measurements of one offer, weighted by precision."""
    effect, error = (
        np.array([float(str(row[name])) for row in rows])
        for name in ("pooled_headroom_effect", "pooled_headroom_error")
    )
    weight = 1.0 / np.maximum(error, _SMALLEST) ** 2
    return float((weight * effect).sum() / weight.sum()), float(1.0 / np.sqrt(weight.sum()))


def _in_segment(customers: Customers, segment: object) -> np.ndarray:
    if segment is None:
        return np.ones(len(customers), dtype=np.bool_)
    return np.logical_or.reduce([labels == segment for labels in customers.labels.values()])


def _with_assumption(share: Floats, error: Floats, assumed: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation where a test and an assumption meet; the assumption alone where no test is."""
    tested = np.isfinite(share)
    precision = np.where(tested, 1.0 / np.maximum(np.where(tested, error, 1.0), _SMALLEST) ** 2, 0.0)
    prior = np.where(assumed > 0, 1.0 / np.maximum(assumed, _SMALLEST) ** 2, 0.0)
    total = precision + prior
    mean = (np.where(tested, share, 0.0) * precision + assumed * prior) / np.where(total > 0, total, 1.0)
    return mean, np.where(total > 0, 1.0 / np.sqrt(np.where(total > 0, total, 1.0)), 0.0)
