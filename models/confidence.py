"""How sure a score is, in one word and its reason.

What is graded is the value: by the deviation that is expected of it over the value itself ("usually off by": the
standard deviation, not a bound). A small chance of an
order is low by that, since then luck decides, however surely the chance is known. Facts that no deviation shows
cap the grade: one or two orders only, a horizon beyond what was learnt, a season that was never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.training import Floats

Texts = NDArray[np.object_]
Mask = NDArray[np.bool_]

GRADES = ("high", "medium", "low")
# Standard deviation of the value over the expected value: up to here high, up to there medium.
HIGH_UP_TO = 1.25
MEDIUM_UP_TO = 2.5
# On fewer order days the grade is not high; on one it is low.
STEADY_ORDER_DAYS = 3
# Below a year of history no season has been seen twice; a level as uncertain as this is no better.
YEAR_DAYS = 365
UNSURE_LEVEL = 0.25


@dataclass(frozen=True)
class Known:
    """What holds for all customers of one scoring.

    horizon: days that are scored; learnt_until: longest horizon (days) that was learnt from outcomes; history_days:
    from the shop's first order to the day of the score; level_sd: of the log of a total's level at that day.
    """

    horizon: float
    learnt_until: float
    history_days: int
    level_sd: float


def grade(
    expected_value: Floats, variance: Floats, order_days: Floats, *, known: Known
) -> tuple[Texts, Texts]:
    """Return each customer's grade (high, medium, low) and its reason in words; (n,) each.

    expected_value: currency; variance: its variance, currency squared; order_days: of the customer so far.
    """
    deviation = np.full(len(expected_value), np.inf)
    some = expected_value > 0
    deviation[some] = np.sqrt(variance[some]) / expected_value[some]
    rules = list(_rules(deviation, order_days, known))
    first = np.select([mask for mask, _, _ in rules], list(range(len(rules))))
    grades = np.array([word for _, word, _ in rules], dtype=np.object_)
    reasons = np.array([reason for _, _, reason in rules], dtype=np.object_)
    return grades[first], reasons[first]


def _rules(deviation: Floats, order_days: Floats, known: Known) -> Iterator[tuple[Mask, str, str]]:
    """Yield the rules; the first that holds decides."""
    everybody = np.ones(len(deviation), dtype=np.bool_)
    if known.horizon > known.learnt_until:
        learnt = f"beyond the learnt {known.learnt_until:.0f} days" if known.learnt_until else "not learnt"
        yield everybody, "low", f"{learnt}: extrapolated"
    yield order_days <= 1, "low", "one order only"
    yield (
        deviation > MEDIUM_UP_TO,
        "low",
        f"unlikely to order: the value is usually off by over {MEDIUM_UP_TO:.0%}",
    )
    if known.history_days < YEAR_DAYS:
        yield everybody, "medium", "history of the shop is shorter than a year: season unknown"
    if known.level_sd >= UNSURE_LEVEL:
        yield everybody, "medium", f"the shop's level is uncertain: its total varies by {known.level_sd:.0%}"
    yield order_days < STEADY_ORDER_DAYS, "medium", "two orders only"
    yield (
        deviation > HIGH_UP_TO,
        "medium",
        f"the value is usually off by {HIGH_UP_TO:.0%} to {MEDIUM_UP_TO:.0%}",
    )
    yield everybody, "high", f"orders steadily: the value is usually off by {HIGH_UP_TO:.0%} or less"
