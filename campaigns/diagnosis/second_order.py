"""How soon the second order comes: all customers, those of the last 12 months, and those won in a season."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from campaigns.diagnosis.first_orders import WITHIN, FirstOrders, Newcomers
from campaigns.diagnosis.seasons import Season
from campaigns.diagnosis.shares import LEAST
from campaigns.diagnosis.survival import Curve, curve
from contracts.days import to_date
from features.kernel.running import Bools

DAYS = (7, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180)
SOON = 45
ALL, NEW, OTHER = "all", "new", "rest_of_year"


@dataclass(frozen=True)
class SecondOrder:
    """How soon the second order day came after the first one, for some customers.

    label: who they are, in words. begin, end: the days that their first orders are taken from.
    """

    name: str
    label: str
    begin: int
    end: int
    curve: Curve


def second_orders(
    firsts: FirstOrders, new: Newcomers, seasons: Mapping[str, Season]
) -> tuple[SecondOrder, ...]:
    """Return the curves of everybody, of the new customers, and of each season beside the rest of the year.

    For the seasons the first 90 days of the orders are left out if enough customers remain: whoever was a customer
    before them looks new there, and would make the season in which the orders begin look loyal.
    """
    begin, as_of = int(firsts.first.min()), firsts.as_of
    everyone = np.ones(len(firsts.first), dtype=np.bool_)
    found = [_curve(firsts, everyone, ALL, "all customers", (begin, as_of))]
    if 0 < len(new.rows) < len(everyone):
        recent = np.zeros(len(everyone), dtype=np.bool_)
        recent[new.rows] = True
        words = f"new customers, {to_date(new.begin)} to {to_date(new.end)}"
        found.append(_curve(firsts, recent, NEW, words, (new.begin, new.end)))
    return (*found, *_of_seasons(firsts, seasons))


def _of_seasons(firsts: FirstOrders, seasons: Mapping[str, Season]) -> list[SecondOrder]:
    inside = {name: season.holds(firsts.first) for name, season in seasons.items()}
    begin, settled = int(firsts.first.min()), firsts.first >= firsts.first.min() + WITHIN
    if any((rows & settled).sum() >= LEAST for rows in inside.values()):
        begin += WITHIN
        inside = {name: rows & settled for name, rows in inside.items()}
    span = (begin, firsts.as_of)
    some = {name: rows for name, rows in inside.items() if rows.any()}
    if not some:
        return []
    found = [
        _curve(firsts, rows, name, f"first order in {seasons[name].label}", span)
        for name, rows in some.items()
    ]
    rest = (firsts.first >= begin) & ~np.any(list(some.values()), axis=0)
    if rest.any():
        found.append(_curve(firsts, rest, OTHER, "first order in the rest of the year", span))
    return found


def _curve(firsts: FirstOrders, rows: Bools, name: str, label: str, span: tuple[int, int]) -> SecondOrder:
    return SecondOrder(name, label, *span, curve(firsts.wait[rows], firsts.seen[rows], DAYS))
