"""What a customer is expected to bring, in words that say what the mean of few buyers and many others hides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.plan.terms import ASSUMED_MARGIN
from serving.pages import words

_FEW = 0.2  # with a smaller chance, 8 of 10 bring nothing, and an interval of 8 of 10 tells nothing
_TELLS = 0.005  # of 100, less than one half


@dataclass(frozen=True)
class Worth:
    """A customer's value within some days. p: chance of an order in them; lower, upper: 8 of 10 lie between."""

    p: float
    expected: float
    lower: float
    upper: float

    @property
    def mostly_nothing(self) -> bool:
        """Whether the usual outcome is no order at all; where the mean lies above the interval, its end is the mean."""
        return self.p < _FEW or (self.p < 0.5 and self.upper <= self.expected * (1 + 1e-9))

    @property
    def by_buyer(self) -> float | None:
        """What those bring who order, each on average; None where nearly all order, or hardly anybody."""
        return self.expected / self.p if _TELLS <= self.p < 1 - _TELLS else None

    def range_words(self, currency: str) -> str:
        """Return what 8 of 10 bring, or that most bring nothing, as sentences."""
        nothing = f"{words.about_of_100(1 - self.p)} of 100"
        if self.mostly_nothing:
            each = "" if self.by_buyer is None else f" Those who do bring about {self._each(currency)} each."
            return f"Most such customers bring nothing: {nothing} do not order.{each}"
        lower, upper = words.money(self.lower, currency), words.money(self.upper, currency)
        some = f"; {nothing} bring nothing" if self.lower <= 0 and self.p < 0.95 else ""
        return f"8 of 10 such customers bring between {lower} and {upper}{some}."

    def _each(self, currency: str) -> str:
        return words.money(self.by_buyer or 0.0, currency)


def terms_words(terms: Mapping[str, Any]) -> str:
    """Return what a lifetime value counts: the terms of a model's card or a ranking's manifest."""
    if terms.get("margins"):
        margin = "at the customer's own margin"
    else:
        margin = f"at a margin of {words.percent(terms['margin'])}"
        if terms["margin"] == 1:
            assumed = words.percent(ASSUMED_MARGIN)
            margin += f" (revenue, not profit; “How many to contact” and plans assume {assumed} where none is given)"
    return (
        f"over {terms['days']} days, {margin}, discounted by {words.percent(terms['discount_rate'])} a year"
    )
