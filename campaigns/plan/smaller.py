"""The same campaign for a sample of its customers, its limits scaled down: for what need not be exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaigns.plan.economics import Economics
from features.kernel.running import Ints
from features.sampling import sampled

MOST = 50_000  # customers


def smaller(whole: Economics) -> tuple[Economics, Ints, float]:
    """Return the campaign of at most MOST customers (by hashed id), their positions, and how many each stands for."""
    some = sampled(whole.customers.ids.to_numpy(zero_copy_only=False), MOST)
    scale = len(whole.customers) / len(some)
    terms = whole.terms

    def less(limit: int | None) -> int | None:
        return None if limit is None else max(int(limit / scale), 1)

    found = Economics(
        whole.customers.of(some),
        replace(
            terms,
            budget=None if terms.budget is None else terms.budget / scale,
            floors={tier: float(np.floor(least / scale)) for tier, least in terms.floors.items()},
        ),
        offers=[
            replace(one, stock=less(one.stock), cap=None if one.cap is None else one.cap / scale)
            for one in whole.offers
        ],
        channels=[replace(one, capacity=less(one.capacity)) for one in whole.channels],
        lifts={name: one.of(some) for name, one in whole.lifts.items()},
    )
    return found, some, scale
