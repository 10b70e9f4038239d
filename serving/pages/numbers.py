"""Numbers as an address or a form has them."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def number_of(text: str) -> float:
    """Return a number written with a point, such as 12.5; ValueError for all else.

    A comma is refused, never left out: whether 1,234 means a thousand or one and a bit, nobody here can know.
    """
    value = float(text) if _NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(value):
        raise ValueError("not a number written with a point")
    return value
