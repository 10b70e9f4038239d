"""Order days by week after an origin: what happened, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from experiments.backtest_result import Weekly
from experiments.panels import Panels
from experiments.peers.contract import Fitted
from features.kernel.past import Past
from features.shop.histories import PeopleHistory

WEEK = 7


def weekly(panels: Panels, day: int, horizon: int, models: Mapping[str, Fitted]) -> Weekly:
    """Return the order days of the customers known at `day` in each week of the horizon; the last may be shorter."""
    ends = tuple(sorted({*range(WEEK, horizon, WEEK), horizon}))
    table, end = panels.features(day), day + horizon
    customers = table.customers
    if isinstance(panels.history, PeopleHistory):
        customers = panels.history.standing(customers, end)
    later = Past(panels.history, end, customers=customers)
    actual = [
        later.count_days(days=stop - start, before=horizon - stop) for start, stop in pairwise((0, *ends))
    ]
    expected = {}
    for name, model in models.items():
        until = [model.predict(table.columns, stop, day=day).expected_orders.sum() for stop in ends]
        expected[name] = tuple(map(float, np.diff(until, prepend=0.0)))
    return Weekly(day, ends, tuple(float(week.sum()) for week in actual), expected)
