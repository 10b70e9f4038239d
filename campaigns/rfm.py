"""RFM groups: recency, frequency and money as scores of 1 to 5 within the base, and the groups that shops know.

Each score is the fifth of the base that a customer belongs to, 5 the best (Hughes, Strategic Database Marketing, 1994).
Equal values have equal scores. The groups are declared in TOML as cells of the 5 × 5 × 5 cube; FM is the mean of the
frequency and the money score, halves rounded up. Two groups lie outside the cube: one of customers without any order,
and those with `within_days`, which take their cells while the first order day is younger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.declarations import read_declarations
from contracts.errors import ContractError, DeclarationError
from contracts.training import Columns, Floats

Scores = NDArray[np.int8]
Texts = NDArray[np.object_]
FILE = "segments.toml"
SECTION = "rfm"
QUANTILES = (0.2, 0.4, 0.6, 0.8)
_CUBE = np.indices((5, 5, 5), dtype=np.int8) + np.int8(1)  # recency, frequency and money score of each cell
_PART = re.compile(r"(FM|R|F|M)([1-5])(?:-([1-5]))?", re.IGNORECASE)
_RANGES = {"R": _CUBE[0], "F": _CUBE[1], "M": _CUBE[2], "FM": (_CUBE[1] + _CUBE[2] + 1) // 2}


@dataclass(frozen=True)
class RfmGroup:
    """One group. cells: parts of the cube, each as "R4-5 FM3"; what is not named is anything.

    within_days: it takes its cells before all others, from those whose first order day lies in the last so many days.
    without_order: the group of those who have not ordered yet; it has no cells.
    """

    name: str
    label: str
    says: str
    cells: tuple[str, ...] = ()
    within_days: int | None = None
    without_order: bool = False

    def __post_init__(self) -> None:
        if self.without_order == bool(self.cells):
            raise DeclarationError(
                f"the group has {len(self.cells)} cells and without_order = {str(self.without_order).lower()}. "
                "Give it cells, or without_order = true."
            )
        if self.within_days is not None and self.within_days < 1:
            raise DeclarationError(f"within_days is {self.within_days}. Write 1 or more.")
        self.inside()

    def inside(self) -> NDArray[np.bool_]:
        """Return its cells; (5, 5, 5) by recency, frequency and money score, each less one."""
        return np.logical_or.reduce([_cells(text) for text in self.cells], initial=False) & np.ones(
            (5, 5, 5), dtype=np.bool_
        )


@dataclass(frozen=True)
class Thresholds:
    """The values that four fifths of the base are apart by: of recency (days), order days less one, and spend."""

    recency_days: tuple[float, ...]
    frequency: tuple[float, ...]
    spend: tuple[float, ...]

    @staticmethod
    def of(columns: Columns) -> Thresholds:
        """Find them in a base; those without an order do not count."""
        recency, frequency, spend = _measures(columns)
        ordered = ~np.isnan(recency)
        return Thresholds(*(_quantiles(values[ordered]) for values in (recency, frequency, spend)))

    def scores(self, columns: Columns) -> tuple[Scores, Scores, Scores]:
        """Return the recency, frequency and money score of each customer, 0 where there is no order; (n,) each.

        A value scores one for each threshold that it exceeds. One that is several thresholds at once, being so common,
        is in their middle; but order days count from below, so that a single order stays the lowest.
        """
        recency, frequency, spend = _measures(columns)
        ordered = ~np.isnan(recency)
        found = (
            5 - _passed(recency, self.recency_days),
            1 + np.searchsorted(self.frequency, frequency, side="left"),
            1 + _passed(spend, self.spend),
        )
        r, f, m = (np.where(ordered, score, 0).astype(np.int8) for score in found)
        return r, f, m


@dataclass(frozen=True)
class RfmGroups:
    """The groups of n customers. names, recency, frequency, money: (n,); scores of 1 to 5, 0 without an order."""

    names: Texts
    recency: Scores
    frequency: Scores
    money: Scores
    thresholds: Thresholds
    groups: Mapping[str, RfmGroup]


def read_groups(path: Path | None = None) -> dict[str, RfmGroup]:
    """Read the groups, ours and those of the shop's file; DeclarationError if the cube is not covered exactly once."""
    groups = read_declarations(RfmGroup, section=SECTION, default=FILE, path=path)
    where = FILE if path is None else str(path)
    free = [one.name for one in groups.values() if one.without_order]
    if len(free) != 1:
        raise DeclarationError(
            f"{where}, [{SECTION}]: {len(free)} groups have without_order = true ({', '.join(free) or 'none'}). "
            "Exactly one group holds the customers who have not ordered yet."
        )
    _require_once(
        {one.name: one for one in groups.values() if one.within_days is None}, where, everywhere=True
    )
    _require_once({one.name: one for one in groups.values() if one.within_days}, where, everywhere=False)
    return groups


def rfm_groups(
    columns: Columns, *, path: Path | None = None, thresholds: Thresholds | None = None
) -> RfmGroups:
    """Return each customer's group, and the thresholds that were used.

    columns: recency_days (NaN: no order yet), frequency (order days less one), monetary_value (mean amount per order
    day) or spend, and, where it is known, tenure_days or tenure (days since the first order day); (n,) each.
    thresholds: of another base or day; None finds them in this one. Raises DeclarationError, ContractError.
    """
    groups = read_groups(path)
    used = Thresholds.of(columns) if thresholds is None else thresholds
    r, f, m = used.scores(columns)
    at = np.array(list(groups), dtype=object)
    number = {name: place for place, name in enumerate(groups)}
    cube, young = _cube(groups, number), _young(columns)
    place = cube[r - 1, f - 1, m - 1]
    for name, one in groups.items():
        if one.within_days is not None:
            # A window of d days before D is D-d+1 … D.
            place[(young < one.within_days) & one.inside()[r - 1, f - 1, m - 1]] = number[name]
    place[r == 0] = next(number[one.name] for one in groups.values() if one.without_order)
    return RfmGroups(at[place], r, f, m, used, groups)


def segment_of(scores: Mapping[str, NDArray[Any]], *, path: Path | None = None) -> Texts:
    """Return the RFM group of each customer, for the column `segment` of the scores; (n,)."""
    return rfm_groups(scores, path=path).names


def _measures(columns: Mapping[str, NDArray[Any]]) -> tuple[Floats, Floats, Floats]:
    """Return recency in days, order days less one, and the amount of all order days."""
    missing = [name for name in ("recency_days", "frequency") if name not in columns]
    missing += [] if "monetary_value" in columns or "spend" in columns else ["monetary_value"]
    if missing:
        raise ContractError(f"RFM groups need the columns {', '.join(missing)}. Give them for each customer.")
    recency = np.asarray(columns["recency_days"], dtype=np.float64)
    frequency = np.asarray(columns["frequency"], dtype=np.float64)
    if "monetary_value" in columns:
        spend = np.asarray(columns["monetary_value"], dtype=np.float64) * (frequency + 1.0)
    else:
        spend = np.asarray(columns["spend"], dtype=np.float64)
    spend = np.round(
        spend, 4
    )  # a mean times a count is not always the same number as the sum; equal sums must tie
    if np.isnan(frequency + spend)[~np.isnan(recency)].any():
        raise ContractError(
            "a customer with an order has no frequency or no money. Give both, or no recency_days."
        )
    return recency, frequency, spend


def _young(columns: Mapping[str, NDArray[Any]]) -> Floats:
    """Return the days since the first order day; without that column only those with one order day are known."""
    for name in ("tenure_days", "tenure"):
        if name in columns:
            return np.asarray(columns[name], dtype=np.float64)
    recency, frequency, _ = _measures(columns)
    return np.where(frequency == 0.0, recency, np.nan)


def _quantiles(values: Floats) -> tuple[float, ...]:
    if not len(values):
        return (np.nan,) * len(QUANTILES)
    return tuple(float(one) for one in np.quantile(values, QUANTILES))


def _passed(values: Floats, thresholds: tuple[float, ...]) -> NDArray[np.int64]:
    """Return how many thresholds each value exceeds; a value that is several of them exceeds the half of these."""
    below, upto = (np.searchsorted(thresholds, values, side=side) for side in ("left", "right"))
    return (below + upto) // 2


def _cube(groups: Mapping[str, RfmGroup], number: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the group of each cell; (5, 5, 5)."""
    cube = np.full((5, 5, 5), -1)
    for name, one in groups.items():
        if one.within_days is None:
            cube[one.inside()] = number[name]
    return cube


def _cells(text: str) -> NDArray[np.bool_]:
    """Return the cells of one text such as "R4-5 FM3"; DeclarationError if it is none."""
    inside = np.ones((5, 5, 5), dtype=np.bool_)
    parts = text.split()
    for part in parts:
        found = _PART.fullmatch(part)
        if found is None or (found[3] and found[3] < found[2]):
            raise DeclarationError(f"the cell '{text}' cannot be read at '{part}'. Write it as R4-5 FM3.")
        score = _RANGES[found[1].upper()]
        inside &= (score >= int(found[2])) & (score <= int(found[3] or found[2]))
    if not parts or not inside.any():
        raise DeclarationError(f"the cell '{text}' holds nobody. Write it as R4-5 FM3.")
    return inside


def _require_once(groups: Mapping[str, RfmGroup], where: str, *, everywhere: bool) -> None:
    """Raise DeclarationError if two groups share a cell, or a cell has none."""
    held = {name: one.inside() for name, one in groups.items()}
    count = np.sum(list(held.values()), axis=0) if held else np.zeros((5, 5, 5))
    twice, nowhere = np.argwhere(count > 1), np.argwhere(count == 0)
    if len(twice):
        shown = [
            f"{_words(cell)} ({', '.join(n for n, one in held.items() if one[tuple(cell)])})"
            for cell in twice
        ]
        raise DeclarationError(
            f"{where}, [{SECTION}]: {len(twice)} cells are in several groups: {_some(shown)}. "
            "Take them out of all but one."
        )
    if everywhere and len(nowhere):
        raise DeclarationError(
            f"{where}, [{SECTION}]: {len(nowhere)} cells are in no group: {_some([_words(one) for one in nowhere])}. "
            "Add them to the cells of one."
        )


def _words(cell: NDArray[np.int64]) -> str:
    r, f, m = (int(one) + 1 for one in cell)
    return f"R{r} F{f} M{m}"


def _some(words: list[str], most: int = 5) -> str:
    return "; ".join(words[:most]) + (f"; and {len(words) - most} more" if len(words) > most else "")
