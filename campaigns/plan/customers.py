"""What is known of each customer when planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.offers import MESSAGE, Offer
from contracts.training import Floats
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Ints
from models.curve import at_horizon

_LONGEST = 365
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Customers:
    """n customers; (n,) each.

    ids: text. curve: (n, knots) chance of an order within contracts.tables.CURVE_KNOTS days, without a contact.
    basket: expected amount of an order, currency. margin: the profit's share of it. labels: lifecycle, tier, segment;
    for lifts a later one goes before an earlier one. columns: what rules read. may: by channel, who may be contacted.
    levels: (n, 4) which campaigns.lifecycle.LEVELS of offers the stage allows. taste: by kind of offer, what its lift
    is multiplied by. best_week: the week (from 0) in which a contact is best, NaN where none is better. open_weeks:
    (n, weeks) in which they may be contacted, None: in all; waits: why in none (places in campaigns.plan.weeks.WAITS).
    begins: how many days after the scores the campaign begins (its first day less 1). answers: by channel, what a lift
    is multiplied by there (campaigns.plan.gather.answers_of).
    """

    ids: pa.Array
    curve: Floats
    basket: Floats
    margin: Floats
    labels: Mapping[str, NDArray[np.object_]]
    columns: Mapping[str, NDArray[Any]]
    may: Mapping[str, Bools]
    levels: Bools
    taste: Mapping[str, Floats] = field(default_factory=dict)
    best_week: Floats | None = None
    open_weeks: Bools | None = None
    waits: NDArray[np.int8] | None = None
    begins: int = 0
    answers: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, some: Ints) -> Customers:
        """Return the customers at some positions."""
        return Customers(
            self.ids.take(as_arrow(some, pa.int64())),
            self.curve[some],
            self.basket[some],
            self.margin[some],
            {name: values[some] for name, values in self.labels.items()},
            {name: values[some] for name, values in self.columns.items()},
            {name: values[some] for name, values in self.may.items()},
            self.levels[some],
            {name: values[some] for name, values in self.taste.items()},
            None if self.best_week is None else self.best_week[some],
            None if self.open_weeks is None else self.open_weeks[some],
            None if self.waits is None else self.waits[some],
            self.begins,
            {name: values[some] for name, values in self.answers.items()},
        )

    def chance(self, *, after: int, days: int) -> Floats:
        """Return the chance of an order in `days` days that begin after `after` days without one; (n,).

        Days count from the campaign's begin. 0 where an order before that is certain.
        """
        first = self.begins + after
        begin, end = (at_horizon(self.curve, min(day, _LONGEST)) for day in (first, first + days))
        left = np.maximum(1.0 - begin, _SMALLEST)
        return np.clip(1.0 - (1.0 - end) / left, 0.0, 1.0)

    def taste_of(self, offer: Offer) -> Floats:
        """Return what the offer's lift is multiplied by; (n,)."""
        return np.ones(len(self)) if offer.kind == MESSAGE else self.taste.get(offer.kind, np.ones(len(self)))
