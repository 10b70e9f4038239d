"""Which customers of a ranking are meant: one filter for pages, counts, tables and exports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from contracts.days import to_day
from contracts.errors import ContractError

# The columns whose few texts can be chosen from.
CHOICES = ("segment", "tier", "lifecycle", "country", "confidence")
# What bounds may be: percentiles, chances and amounts of money.
PERCENT, SHARE, AMOUNT = (0.0, 100.0), (0.0, 1.0), (-1e15, 1e15)
Bounds = tuple[float | None, float | None]
_PAIRS = (
    ("percentile_min", "percentile_max"),
    ("value_min", "value_max"),
    ("p_min", "p_max"),
    ("last_order_from", "last_order_to"),
)
_LIMITS = tuple(name for pair in _PAIRS[:3] for name in pair)


@dataclass(frozen=True)
class Where:
    """A filter: a customer must meet all that is given; bounds are inclusive.

    segment … confidence: any of these texts (empty: all); a customer without the value meets none of them. value, p:
    expected value and chance within the ranking's main horizon. search: the customer_id begins with it, to the letter.
    """

    segment: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    lifecycle: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    confidence: tuple[str, ...] = ()
    percentile_min: float | None = None
    percentile_max: float | None = None
    value_min: float | None = None
    value_max: float | None = None
    p_min: float | None = None
    p_max: float | None = None
    last_order_from: date | None = None
    last_order_to: date | None = None
    search: str = ""

    def __post_init__(self) -> None:
        for name in CHOICES:
            if not isinstance(getattr(self, name), tuple):
                raise ContractError(f"Where: {name} must be a tuple of texts")
        for name in _LIMITS:
            value = getattr(self, name)
            if value is not None and math.isnan(value):
                raise ContractError(f"Where: {name} is not a number")

    @property
    def is_all(self) -> bool:
        """Whether every customer is meant."""
        return self == Where()

    @property
    def crossed(self) -> tuple[str, str] | None:
        """The names of the first bounds of which the lower lies above the upper, so that nobody meets them."""
        for low, high in _PAIRS:
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                return low, high
        return None

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return the texts that are asked for, by column."""
        return {name: texts for name in CHOICES if (texts := getattr(self, name))}

    def bounds(self, *, horizon: int, as_of: int) -> dict[str, Bounds]:
        """Return the least and the greatest value asked for, by column of the scores."""
        asked: dict[str, Bounds] = {
            "percentile": (self.percentile_min, self.percentile_max),
            f"expected_value_{horizon}d": (self.value_min, self.value_max),
            f"p_repurchase_{horizon}d": (self.p_min, self.p_max),
            "recency_days": (_days_to(self.last_order_to, as_of), _days_to(self.last_order_from, as_of)),
        }
        return {name: bounds for name, bounds in asked.items() if bounds != (None, None)}


def _days_to(day: date | None, as_of: int) -> int | None:
    return None if day is None else as_of - to_day(day)
