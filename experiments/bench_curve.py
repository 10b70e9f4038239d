"""Whether the curve h -> P(order within h) of every customer is one curve, and whether its dates come true.

Dates are read off the curve without any condition: the u-quantile is the day by which the customer orders with chance
u, and it counts where it falls inside the observed days after the origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.date_metrics import pinball_loss, quantile_coverage
from contracts.tables import CURVE_KNOTS
from contracts.training import Columns, Floats
from experiments.bench_bars import Bar
from experiments.panels import Panels
from features.kernel.past import Past
from features.shop.histories import PeopleHistory
from models.curve import at_horizon
from models.ensemble import Ensemble

SHARES = (0.1, 0.25, 0.5)
COVERAGE_WITHIN = 0.03
LEAST_COVERED = 300
LONGEST = 400  # days; the last knots lie before it
CALLS = 8
ROUNDING = 1e-12  # less is no fall
_AT_ONCE = 5_000  # customers


@dataclass(frozen=True)
class Dates:
    """What was said at one origin and what came; (n,) each, days after the origin, inf where there is none.

    quantiles: by share. rule: last order + mean gap. window: the observed days.
    """

    quantiles: Mapping[float, Floats]
    rule: Floats
    order_day: Floats
    window: int

    @staticmethod
    def of(panels: Panels, model: Ensemble, day: int, *, last_day: int) -> Dates:
        """Ask a model that was trained as of `day`, and look until `last_day`, at most as far as the last knot."""
        window = min(last_day - day, CURVE_KNOTS[-1])
        columns = panels.features(day).columns
        curve = model.curve(columns, day=day)
        return Dates(
            quantile_days(curve, SHARES, window=window),
            last_order_and_gap(columns),
            next_order_day(panels, day, window=window),
            window,
        )


def curve_bars(dates: Sequence[Dates], falling: Falling) -> list[Bar]:
    """Return the bars of the curve. dates: one for each origin; falling: at the newest."""
    return [_never_falls(falling), *map(_covered, [dates] * len(SHARES), SHARES), *_pinball(dates)]


def quantile_days(curve: Floats, shares: Sequence[float], *, window: int) -> dict[float, Floats]:
    """Return for each share u the day by which the chance is u, linear inside a day; inf beyond the window."""
    found = {u: np.full(len(curve), np.inf) for u in shares}
    before = np.zeros(len(curve))
    for h in range(1, window + 1):
        p = at_horizon(curve, h)
        for u, days in found.items():
            here = (before < u) & (p >= u)
            days[here] = h - 1 + (u - before[here]) / (p[here] - before[here])
        before = p
    return found


def last_order_and_gap(columns: Columns) -> Floats:
    """Return the day of the next order by the plain rule; (n,), at least 1.

    Last order day plus the customer's mean gap between order days, for one-time buyers the base's; tomorrow if that
    day has passed.
    """
    gaps, between = columns["frequency"], columns["recency"]
    usual = float(between.sum()) / max(float(gaps.sum()), 1.0)
    gap = np.where(gaps > 0, between / np.maximum(gaps, 1.0), usual)
    return np.maximum(gap - columns["recency_days"], 1.0)


def next_order_day(panels: Panels, day: int, *, window: int) -> Floats:
    """Return the days from `day` to the next order day, as known at the end of the window; inf without one; (n,)."""
    customers, end = panels.features(day).customers, day + window
    if isinstance(panels.history, PeopleHistory):
        customers = panels.history.standing(customers, end)
    later = Past(panels.history, end, customers=customers)
    waited = np.zeros(len(customers))
    for h in range(1, window + 1):
        waited += later.count_days(days=h, before=window - h) == 0
    return np.where(waited < window, waited + 1.0, np.inf)


@dataclass(frozen=True)
class Falling:
    """How many customers' curves fall somewhere, asked at once and in several calls; and how many differ.

    deepest: the largest fall from one day to the next; one within ROUNDING is not counted.
    """

    customers: int
    at_once: int
    in_calls: int
    unequal: int
    deepest: float

    @staticmethod
    def of(model: Ensemble, columns: Columns, day: int) -> Falling:
        """Ask for every h = 1 ... LONGEST at once, and in CALLS calls whose horizons interleave."""
        n = len(columns["recency_days"])
        at_once, in_calls, unequal, deepest = 0, 0, 0, 0.0
        for start in range(0, n, _AT_ONCE):
            some = {name: values[start : start + _AT_ONCE] for name, values in columns.items()}
            whole, parts = _asked(model, some, day, calls=1), _asked(model, some, day, calls=CALLS)
            falls = [np.maximum(-np.diff(p, axis=1).min(axis=1), 0.0) for p in (whole, parts)]
            at_once += int((falls[0] > ROUNDING).sum())
            in_calls += int((falls[1] > ROUNDING).sum())
            unequal += int((np.abs(whole - parts) > ROUNDING).any(axis=1).sum())
            deepest = max(deepest, *(float(one.max()) for one in falls))
        return Falling(n, at_once, in_calls, unequal, deepest)


def _asked(model: Ensemble, columns: Columns, day: int, *, calls: int) -> Floats:
    """Return P(order within h) for h = 1 ... LONGEST; (n, LONGEST)."""
    found: dict[float, Floats] = {}
    for first in range(1, calls + 1):
        answer = model.answer(columns, range(first, LONGEST + 1, calls), day=day)
        found |= {h: one.p for h, one in answer.at.items()}
    return np.column_stack([found[h] for h in sorted(found)])


def _never_falls(falling: Falling) -> Bar:
    reached = (
        f"{falling.at_once} in one call, {falling.in_calls} in {CALLS} calls, {falling.unequal} unequal, "
        f"of {falling.customers:,} customers; deepest {falling.deepest:.0e}"
    )
    met = falling.at_once == falling.in_calls == falling.unequal == 0
    return Bar(f"curves that fall, h = 1 to {LONGEST}", "0", reached, met)


def _covered(dates: Sequence[Dates], u: float) -> Bar:
    """Return whether the share that has ordered by its u-quantile is u, over all origins."""
    each = [quantile_coverage(one.quantiles[u], one.order_day, window=one.window) for one in dates]
    customers = sum(one.customers for one in each)
    what, asked = f"ordered by the {u:.0%} quantile", f"{u:.3g} ± {COVERAGE_WITHIN}"
    if customers < LEAST_COVERED:
        why = f"{customers} customers have it inside the window; {LEAST_COVERED} are needed"
        return Bar.unmeasured(what, asked, why)
    share = sum(one.share * one.customers for one in each if one.customers) / customers
    by_origin = " ".join(f"{one.share:.3f}" for one in each)
    reached = f"{share:.3f} of {customers:,} ({by_origin})"
    return Bar(what, asked, reached, abs(share - u) <= COVERAGE_WITHIN)


def _pinball(dates: Sequence[Dates]) -> Iterator[Bar]:
    for u in SHARES:
        own, theirs = (
            float(np.mean([pinball_loss(one, day.order_day, u=u, window=day.window) for one, day in said]))
            for said in (
                [(day.quantiles[u], day) for day in dates],
                [(day.rule, day) for day in dates],
            )
        )
        reached = f"{own:.2f} against {theirs:.2f} days"
        yield Bar(
            f"pinball loss of the {u:.0%} quantile", "below last order + mean gap", reached, own < theirs
        )
