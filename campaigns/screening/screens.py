"""Screens: which combination of labels and scores counts as potential, in layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.rules import Rule
from campaigns.screening.settings import Screen, Settings
from contracts.tables import DEFAULT_HORIZONS, PER_HORIZON, scores_schema
from features.kernel.running import Bools, Ints

_SCORES = frozenset(scores_schema(DEFAULT_HORIZONS).names) - {"customer_id"}
_PER_HORIZON = re.compile(rf"(?:{'|'.join(PER_HORIZON)})_\d+d")


@dataclass(frozen=True)
class Ready:
    """Screens whose rules are read, in the order of their layers. skipped: screen -> the score columns it needs."""

    screens: tuple[tuple[Screen, Rule], ...]
    skipped: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Layer:
    """One screen. fits: customers for whom its rule holds; taken: those of them that no earlier screen took."""

    screen: Screen
    fits: int
    taken: int


@dataclass(frozen=True)
class Layered:
    """layers: in their order. first: (n,) the place in `layers` of each customer's screen, -1 for none."""

    layers: tuple[Layer, ...]
    first: Ints
    fitting: NDArray[np.bool_]  # (layers, n)


def ready(settings: Settings, *, labels: Collection[str], scores: Collection[str] | None) -> Ready:
    """Read the rules of all screens; DeclarationError for one that asks for a column that does not exist.

    labels, scores: the columns there are (scores None: no ranking is given, and screens that need one are skipped).
    """
    found, skipped = [], {}
    for screen in settings.screens:
        rule = Rule.parse(screen.rule, where=f"{settings.source}, [screen.{screen.name}]")
        lacking = [] if scores is not None else sorted(filter(_is_score, rule.columns - set(labels)))
        if lacking:
            skipped[screen.name] = tuple(lacking)
            rule.check({*labels, *lacking})
            continue
        rule.check({*labels, *(scores or ())})
        found.append((screen, rule))
    return Ready(tuple(found), skipped)


def layered(screens: Ready, column: Callable[[str], NDArray[Any]], count: int) -> Layered:
    """Put each of `count` customers into the first screen whose rule holds. column: (n,) values by name."""
    names = frozenset[str]().union(*(rule.columns for _, rule in screens.screens))
    columns = {name: column(name) for name in sorted(names)}
    holds = [_holds(rule, columns, count) for _, rule in screens.screens]
    fitting = np.stack(holds) if holds else np.zeros((0, count), dtype=np.bool_)
    first = np.where(fitting.any(axis=0), fitting.argmax(axis=0), -1) if len(holds) else np.full(count, -1)
    layers = tuple(
        Layer(screen, int(fitting[i].sum()), int((first == i).sum()))
        for i, (screen, _) in enumerate(screens.screens)
    )
    return Layered(layers, first.astype(np.int64), fitting)


def _holds(rule: Rule, columns: dict[str, NDArray[Any]], count: int) -> Bools:
    if not rule.columns:  # true or false for everybody
        return rule.holds({"": np.zeros(count)})
    return rule.holds(columns)


def _is_score(name: str) -> bool:
    return name in _SCORES or _PER_HORIZON.fullmatch(name) is not None
