"""Numbers as a shop's owner reads them."""

from __future__ import annotations

import math

from contracts.days import to_date
from features.reading.presets import NO_CURRENCY

UNKNOWN = "–"


def percent(share: float, digits: int = 1) -> str:
    """Return `26.4 %`."""
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else UNKNOWN


def of_100(share: float) -> str:
    """Return how many of 100 a share is."""
    if not math.isfinite(share):
        return UNKNOWN
    return "fewer than 1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def span(lower: float, upper: float, digits: int = 1) -> str:
    """Return `25.0 to 27.9 %`."""
    known = math.isfinite(lower) and math.isfinite(upper)
    return f"{100 * lower:.{digits}f} to {100 * upper:.{digits}f} %" if known else UNKNOWN


def number(value: float, digits: int = 0, *, signed: bool = False) -> str:
    """Return a number with thousands apart and a true minus sign."""
    if not math.isfinite(value):
        return UNKNOWN
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if signed and rounded else ''},.{digits}f}".replace("-", "−")


def about(value: float) -> str:
    """Return an amount as sharp as it is of use: three digits."""
    if not math.isfinite(value) or value == 0:
        return number(value)
    sharp = round(value, 2 - math.floor(math.log10(abs(value))))
    return number(sharp, 2 if abs(sharp) < 10 else 0)


def money(value: float, currency: str) -> str:
    """Return an amount with its currency, if it is known."""
    return about(value) if currency == NO_CURRENCY else f"{about(value)} {currency}"


def plural(count: int, what: str) -> str:
    """Return `1 customer` or `5 customers`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def day(value: int) -> str:
    """Return `9 December 2011`."""
    one = to_date(value)
    return f"{one.day} {one:%B %Y}"
