"""Lifecycle stages by each customer's own rhythm, trend and chance of being alive, and the policy of each stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.declarations import read_declarations
from campaigns.rules import Rule
from contracts.errors import DeclarationError, nearest
from contracts.training import Floats

NAMES = ("new", "growing", "mature", "declining", "churning", "lost")
COLUMNS = ("silence", "trend", "order_days", "p_alive", "p_year")
CONTACTS = ("regular", "limited", "events", "none")
LEVELS = ("none", "small", "medium", "large")
_PRIOR_GAPS = 1.0  # the shop's usual gap counts as one gap of the customer's own
_FEWEST_GAPS = 10  # customers with a gap, below which the shop has no usual one
_USUAL_DAYS = 90.0  # the gap of a shop that has none yet


@dataclass(frozen=True)
class Stage:
    """One stage: its rule over COLUMNS, and what may be done for its customers."""

    name: str
    label: str
    says: str
    when: str
    contact: str
    discount: str
    inactive: str
    advice: str
    offers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for value, known, key in (
            (self.name, NAMES, "stage"),
            (self.contact, CONTACTS, "contact"),
            (self.discount, LEVELS, "discount"),
            (self.inactive, LEVELS, "inactive"),
        ):
            if value not in known:
                raise DeclarationError(
                    f"{key} is '{value}'{nearest(value, known) or '.'} Known: {', '.join(known)}."
                )
        self.rule.check(COLUMNS)

    @cached_property
    def rule(self) -> Rule:
        """Who is in this stage, as long as no earlier stage holds."""
        return Rule.parse(self.when, where=f"stage {self.name}")


@dataclass(frozen=True)
class Rhythm:
    """The shop's usual gap between two order days (gap_days), and how many customers had one (customers)."""

    gap_days: float
    customers: int

    @staticmethod
    def of(gap_mean: Floats) -> Rhythm:
        """Find the usual gap: the median of the customers' mean gaps (days, NaN where there is none)."""
        gaps = gap_mean[np.isfinite(gap_mean)]
        usual = float(np.median(gaps)) if len(gaps) >= _FEWEST_GAPS else _USUAL_DAYS
        return Rhythm(max(usual, 1.0), len(gaps))

    def own_gap(self, gap_mean: Floats, frequency: Floats) -> Floats:
        """Return each customer's gap in days, drawn towards the shop's where there are few; (n,)."""
        gaps = np.nan_to_num(frequency)
        own = np.where(gaps > 0, np.nan_to_num(gap_mean), 0.0)
        return np.asarray((own * gaps + self.gap_days * _PRIOR_GAPS) / (gaps + _PRIOR_GAPS))


def read_stages(path: Path | None = None) -> dict[str, Stage]:
    """Return the stages in the order in which they are asked; a shop's file ([stages.NAME]) replaces single ones."""
    stages = read_declarations(Stage, section="stages", default="lifecycle.toml", path=path)
    if set(stages) != set(NAMES):
        missing = ", ".join(name for name in NAMES if name not in stages)
        raise DeclarationError(f"{path}: the stages {missing} are switched off; all six are needed.")
    return stages


def stage_columns(columns: Mapping[str, Any], rhythm: Rhythm) -> dict[str, Floats]:
    """Return the columns that stage rules read; (n,) each.

    columns: frequency (order days - 1), recency_days, gap_mean and gap_recent_trend (features; NaN where unknown),
    p_alive and p_year (chance of an order within 365 days).
    """
    frequency = np.asarray(columns["frequency"], dtype=np.float64)
    trend = np.asarray(columns["gap_recent_trend"], dtype=np.float64)
    return {
        "silence": np.asarray(columns["recency_days"]) / rhythm.own_gap(columns["gap_mean"], frequency),
        "trend": np.where(np.isfinite(trend), trend, 1.0),
        "order_days": frequency + 1.0,
        "p_alive": np.asarray(columns["p_alive"], dtype=np.float64),
        "p_year": np.asarray(columns["p_year"], dtype=np.float64),
    }


def stage_of(columns: Mapping[str, Floats], stages: Mapping[str, Stage]) -> NDArray[np.object_]:
    """Return each customer's stage: the first whose rule holds; (n,). Raises DeclarationError if none does.

    columns: as `stage_columns`.
    """
    found = np.full(len(columns["order_days"]), None, dtype=object)
    for name, stage in stages.items():
        found[(found == None) & stage.rule.holds(columns)] = name  # noqa: E711 (elementwise)
    left = np.flatnonzero(found == None)  # noqa: E711
    if len(left):
        shown = ", ".join(f"{name} = {values[left[0]]:g}" for name, values in columns.items())
        raise DeclarationError(
            f"no lifecycle stage holds for {len(left):,} customers (the first: {shown}). Let the last stage hold for "
            "all."
        )
    return found
