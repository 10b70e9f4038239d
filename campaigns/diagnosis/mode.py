"""What kind of shop it is: does it live from new customers, from those who come back, or from both?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from campaigns.diagnosis.repurchase_rate import Rates
from campaigns.diagnosis.shares import LEAST, Share

Name = Literal["too_few", "acquisition", "hybrid", "loyalty"]
# The 90-day repurchase rate from which on a shop is of this kind.
BORDERS: tuple[tuple[float, Name], ...] = ((0.01, "acquisition"), (0.15, "hybrid"), (0.30, "loyalty"))
_WORDS = {"too_few": "too few to say", "acquisition": "acquisition", "hybrid": "hybrid", "loyalty": "loyalty"}


@dataclass(frozen=True)
class Mode:
    """The kind of shop; doubts: why it could as well be another one, in sentences (none: it is stable)."""

    name: Name
    doubts: tuple[str, ...]

    @property
    def stable(self) -> bool:
        """Whether all figures agree on it."""
        return not self.doubts

    @property
    def words(self) -> str:
        """The name in words."""
        return _WORDS[self.name]


def kind_of(rate: float) -> Name:
    """Return the kind of shop that a 90-day repurchase rate stands for."""
    found: Name = "too_few"
    for border, name in BORDERS:
        if rate >= border:
            found = name
    return found


def mode_of(rates: Rates) -> Mode:
    """Return the kind of shop by its 90-day repurchase rate, and what speaks against it."""
    share = rates.second
    if not share.enough:
        who = {0: "no new customer has", 1: "only 1 new customer has"}.get(
            share.of, f"only {share.of:,} new customers have"
        )
        doubt = f"{who} been watched for {rates.new.within} days; {LEAST} are needed"
        return Mode("too_few", (doubt,))
    name = kind_of(share.value)
    return Mode(name, (*_of_interval(share), *_of_others(rates, name)))


def _of_interval(share: Share) -> tuple[str, ...]:
    low, high = kind_of(share.lower), kind_of(share.upper)
    if low == high:
        return ()
    ends = f"{100 * share.lower:.1f} to {100 * share.upper:.1f} %"
    return (f"the interval of the rate ({ends}) reaches from {_kind(low)} to {_kind(high)}",)


def _of_others(rates: Rates, name: Name) -> tuple[str, ...]:
    told = []
    for what, share in list(rates.shares.items())[1:]:
        other = kind_of(share.value) if share.enough and math.isfinite(share.value) else name
        if other != name:
            told.append(f"the {what} ({100 * share.value:.1f} %) would say {_kind(other)}")
    return tuple(told)


def _kind(name: Name) -> str:
    return "'too few to say'" if name == "too_few" else _WORDS[name]
