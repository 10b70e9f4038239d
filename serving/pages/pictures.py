"""The pages' pictures: what they show, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from campaigns.preview import Point
from contracts.days import to_date, to_day
from contracts.training import Floats
from pages.chart import REFERENCE, Axis, Chart, Line, Mark, even_axis
from pages.html import Html
from pages.svg import svg
from serving.curve import chance_within
from serving.pages import words
from serving.pages.past import Finished

_WIDE, _NARROW, _USUAL = (900, 290), (360, 260), (460, 290)
_YEAR = 365


def for_both(chart: Chart) -> tuple[Html, Html]:
    """Return a picture for wide screens, and the same one for phones with every other word below it."""
    ticks = chart.x.ticks[::2]
    small = replace(chart, key=f"{chart.key}-narrow", size=_NARROW, x=replace(chart.x, ticks=ticks))
    return svg(chart), svg(small)


def orders_chart(days: Sequence[date], amounts: Sequence[float], *, as_of: date, currency: str) -> Chart:
    """Draw one customer's orders along the time up to the day of the ranking."""
    first, last = to_day(days[0]), to_day(as_of)
    x = np.array([to_day(one) for one in days], dtype=np.float64)
    return Chart(
        "orders",
        "Orders so far",
        f"{words.plural(len(days), 'order day')} from {words.day(days[0])} to {words.day(days[-1])}; "
        f"the largest was {words.money(max(amounts), currency)}.",
        _time_axis(first, last),
        even_axis(words.unit("amount", currency), min(0.0, *amounts), max(*amounts, 1.0)),
        (Line("one order day", x, np.array(amounts), stems=True, dots=True, joined=False),),
        size=_WIDE,
    )


def _time_axis(first: int, last: int) -> Axis:
    """Return an axis of days with about six months or years written at it."""
    room = max(last - first, 30)
    begin, end = last - room * 1.03, last + room * 0.01
    months = [to_date(first).replace(day=1)]
    while to_day(months[-1]) <= last:
        one = months[-1]
        months.append(date(one.year + one.month // 12, one.month % 12 + 1, 1))
    every = max(1, -(-len(months) // 6))
    ticks = [
        (float(to_day(one)), f"{one:%b %Y}")
        for one in months[::every]
        if begin + 0.04 * room <= to_day(one) <= end - 0.03 * room
    ]
    return Axis("", float(begin), float(end), tuple(ticks))


def chance_chart(knots: Sequence[int], chances: Sequence[float]) -> Chart:
    """Draw the chance of an order within so many days."""
    reach = min(_YEAR, knots[-1])
    days = [0, *range(1, reach + 1, 2), reach]
    y = [0.0 if one == 0 else chance_within(one, knots, chances) for one in days]
    said = "; ".join(
        f"{words.percent(chance_within(one, knots, chances))} within {one} days"
        for one in (30, 90, 180, reach)
        if one <= reach
    )
    ticks = tuple((float(one), str(one)) for one in (0, 90, 180, 270, 365) if one <= reach)
    return Chart(
        "chance",
        "Chance of another order within so many days",
        f"The chance of at least one order: {said}.",
        Axis("days from now", 0.0, float(reach), ticks),
        even_axis("chance of an order", 0.0, max(y[-1], 0.02), percent=True),
        (Line("this customer", np.array(days, dtype=np.float64), np.array(y)),),
        size=_USUAL,
    )


def profit_chart(points: Sequence[Point], *, chosen: Point, break_even: int | None, currency: str) -> Chart:
    """Draw the added profit over the number of customers contacted."""
    x = np.array([one.contacted for one in points], dtype=np.float64)
    profit, low, high = (
        np.array([getattr(one, name) for one in points]) for name in ("profit", "profit_low", "profit_high")
    )
    best = points[int(profit.argmax())]
    marks = [Mark(float(chosen.contacted), f"{words.count(chosen.contacted)} contacted")]
    zero = Line("break-even", x[[0, -1]], np.zeros(2), look=REFERENCE)
    loses = f" Beyond {words.count(break_even)} the whole loses money." if break_even is not None else ""
    return Chart(
        "profit",
        "Added profit by the number of customers contacted",
        f"Most is earned with {words.count(best.contacted)} customers: {words.money(best.profit, currency)}.{loses}",
        _until(even_axis("customers contacted, best first", 0.0, max(float(x[-1]), 1.0)), float(x[-1])),
        even_axis(
            words.unit("added profit", currency), min(0.0, float(low.min())), max(0.01, float(high.max()))
        ),
        (Line("expected added profit", x, profit, low, high, band=True), zero),
        size=_WIDE,
        marks=tuple(marks),
    )


def _until(axis: Axis, most: float) -> Axis:
    """Return an axis that ends where the data end."""
    ticks = tuple(tick for tick in axis.ticks if tick[0] <= most)
    return replace(axis, most=max(most, 1.0), ticks=ticks)


def lift_chart(found: Finished) -> Chart:
    """Draw what share of each tenth of an old ranking was expected to buy, and what share did."""
    place = np.arange(1.0, len(found.tenths) + 1.0)
    expected, actual = (_shares(found, name) for name in ("expected_buyers", "buyers"))
    first = found.tenths[0]
    return Chart(
        "lift",
        "Best tenth to last tenth: predicted and actual buyers",
        f"Of the best tenth {words.percent(first.expected_buyers / first.customers)} were predicted to buy and "
        f"{words.percent(first.buyers / first.customers)} did; of all {words.percent(found.buyers / found.customers)}.",
        Axis(
            "tenth of the ranking (1 is best)", 0.5, len(place) + 0.5, tuple((n, f"{n:.0f}") for n in place)
        ),
        even_axis("bought in the window", 0.0, float(max(expected.max(), actual.max(), 0.01)), percent=True),
        (
            Line("did buy", place, actual, dots=True),
            Line("predicted", place, expected, look=1, dots=True),
        ),
        size=_USUAL,
    )


def calibration_chart(found: Finished) -> Chart:
    """Draw actual over predicted shares: on the diagonal a chance means what it says."""
    expected, actual = (_shares(found, name) for name in ("expected_buyers", "buyers"))
    top = float(max(expected.max(), actual.max(), 0.01))
    ends = np.array([0.0, top])
    off = float(np.abs(expected - actual).max())
    return Chart(
        "calibration",
        "Does a chance mean what it says?",
        f"Predicted against actual share of buyers by tenth; the largest difference is {100 * off:.1f} points.",
        even_axis("predicted to buy", 0.0, top, percent=True),
        even_axis("did buy", 0.0, top, percent=True),
        (
            Line("tenths of the ranking", expected, actual, dots=True, joined=False),
            Line("exactly as predicted", ends, ends, look=REFERENCE),
        ),
        size=_USUAL,
    )


def _shares(found: Finished, name: str) -> Floats:
    return np.array([getattr(one, name) / max(one.customers, 1) for one in found.tenths], dtype=np.float64)
