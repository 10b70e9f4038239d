"""The texts that a filter may choose from: those that scores are documented to take, and those that a ranking holds.

A documented text that nobody has today is a filter that nobody meets, not a mistake: jobs run every night. Countries
stand in the orders as the shop writes them, so none is known to be wrong, unless it is one of the ranking's in other
letters' case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from campaigns import lifecycle, tiers
from campaigns.rfm import read_groups
from models.confidence import GRADES


def unknown_choice(
    name: str, texts: Sequence[str], there: Mapping[str, Sequence[str]]
) -> tuple[str, list[str]] | None:
    """Return the first of some texts that cannot be meant, with all that can be, or None.

    name: one of serving.stored.where.CHOICES. there: the texts that the ranking holds, Store.values().
    """
    held = there.get(name, ())
    for text in texts:
        if text not in held and not _may_be(name, text, held):
            return text, [*_documented(name), *(one for one in held if one not in _documented(name))]
    return None


def _may_be(name: str, text: str, held: Sequence[str]) -> bool:
    if name == "country":
        return text.strip().casefold() not in {one.casefold() for one in held}
    return text in _documented(name)


@cache
def _documented(name: str) -> tuple[str, ...]:
    """Return the texts that a column of the scores takes; none for country."""
    if name == "segment":
        return tuple(read_groups())
    return {"tier": tiers.NAMES, "lifecycle": lifecycle.NAMES, "confidence": GRADES}.get(name, ())
