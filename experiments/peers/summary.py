"""The summary that BTYD packages fit: at most so many customers, spend from repeat purchases only."""

from __future__ import annotations

import numpy as np

from contracts.training import Columns, Floats

MOST_CUSTOMERS = 50_000
NAMES = ("frequency", "recency", "tenure", "monetary_value", "amount_first")


def repeat_spend(columns: Columns) -> Floats:
    """Return the mean amount per order day without the first one, 0 for one-time buyers; (n,)."""
    x = columns["frequency"]
    total = columns["monetary_value"] * (x + 1.0)
    mean = (total - columns["amount_first"]) / np.maximum(x, 1.0)
    return np.where(x > 0, np.maximum(mean, 0.0), 0.0)


def sampled(columns: Columns) -> dict[str, Floats]:
    """Return the summary of a random MOST_CUSTOMERS customers, or of all if there are fewer."""
    n = len(columns["frequency"])
    rows = np.arange(n)
    if n > MOST_CUSTOMERS:
        rows = np.sort(np.random.default_rng(1).choice(n, MOST_CUSTOMERS, replace=False))
    return {name: columns[name][rows] for name in NAMES}
