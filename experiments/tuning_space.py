"""LightGBM's parameters that may be chosen: what a recipe may say, and what tuning searches.

The search stays inside the scoring budget: two boosters of 120 rounds and 31 leaves at four horizons cost about 42 µs
of CPU per customer. The number of rounds is not searched: every training chooses it on windows of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.errors import DeclarationError, nearest

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Range:
    """One parameter: the numbers that a recipe may give, and the narrower ones that tuning searches, if it does."""

    lowest: float
    highest: float
    search: tuple[float, float] | None
    whole: bool = False
    log: bool = True

    def holds(self, value: Any) -> bool:
        """Tell whether a recipe may give this value."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.lowest <= value <= self.highest

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.lowest:g} to {self.highest:g}"


SPACE: Mapping[str, Range] = {
    "rounds": Range(1, 2_000, None, whole=True),
    "learning_rate": Range(0.001, 1.0, (0.015, 0.2)),
    "num_leaves": Range(2, 255, (4, 31), whole=True),
    "min_data_in_leaf": Range(1, 100_000, (10, 400), whole=True),
    "feature_fraction": Range(0.01, 1.0, (0.1, 1.0), log=False),
    "bagging_fraction": Range(0.01, 1.0, (0.4, 1.0), log=False),
    "lambda_l2": Range(0.0, 10_000.0, (0.1, 300.0)),
}
SEARCHED: Mapping[str, tuple[float, float]] = {name: one.search for name, one in SPACE.items() if one.search}


def checked(values: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Return the values of a recipe's table [lightgbm]; DeclarationError for an unknown key or a wrong value."""
    for key, value in values.items():
        if key not in SPACE:
            raise DeclarationError(
                f"{where}: [lightgbm] has an unknown key '{key}'{nearest(key, SPACE) or '.'} "
                f"Known: {', '.join(SPACE)}."
            )
        if not SPACE[key].holds(value):
            raise DeclarationError(f"{where}: [lightgbm] '{key}' is {value!r}; it must be {SPACE[key]}.")
    return {key: values[key] for key in SPACE if key in values}


def as_toml(parameters: Mapping[str, Any]) -> str:
    """Return the table [lightgbm] as it is written into a recipe."""
    return "\n".join(["[lightgbm]", *(f"{key} = {value!r}" for key, value in parameters.items())]) + "\n"


def seconds_of(text: str) -> float:
    """Return the seconds of a duration such as 90s, 10m or 1h; DeclarationError if it is none."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smh])", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise DeclarationError(
            f"{text!r} is no duration. Write a number above 0 and s, m or h: 90s, 10m, 1h."
        )
    return seconds
