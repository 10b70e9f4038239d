"""What a backtest brought, for the leaderboard, the report, MLflow and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns

if TYPE_CHECKING:
    from experiments.answers import Answers
    from experiments.bootstrap import Compared
    from experiments.leaderboard import Row

Texts = Mapping[str, NDArray[np.object_]]
DEFAULT = "repurchase"
KINDS = ("ours", "peer", "ablation")


@dataclass(frozen=True)
class Settings:
    """What was asked, and of which orders.

    origins: days, oldest first; a model knows what was known at the end of its origin. horizons: days, the first is
    the main one. seeds: trainings of each model that has a seed; the first one answers. final: the sealed window
    alone was run. sealed: first and last day of the window that no origin's outcome reaches into, None if the
    history could not spare one. kinds: for each model ours, peer or ablation. notes: what a reader must know.
    """

    origins: tuple[int, ...]
    horizons: tuple[int, ...]
    step_days: int
    seeds: int
    final: bool
    sealed: tuple[int, int] | None
    kinds: Mapping[str, str]
    shop: str
    fingerprint: str
    currency: str
    first_day: int
    last_day: int
    customers: int
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    default: str = DEFAULT

    @property
    def horizon(self) -> int:
        """The main horizon in days."""
        return self.horizons[0]


@dataclass(frozen=True)
class Weekly:
    """Order days after one origin, of the customers known at it, in stretches of a week (the last may be shorter).

    ends: (w,) days after the origin at which each stretch ends; actual: (w,) order days in it, as known at the end of
    the horizon; expected: for each model (w,).
    """

    origin: int
    ends: tuple[int, ...]
    actual: tuple[float, ...]
    expected: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Verdict:
    """Whether the default passed the gate: the best baseline is beaten with certainty, and no peer beats it."""

    passed: bool
    reason: str
    baseline: str | None
    better_peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backtest:
    """Answers, comparisons and costs of all models at all origins.

    answers: for each horizon (days, the main one first) one Answers per origin, oldest first; only models that
    could be fitted at an origin stand in its predictions. compared: for each horizon what `bootstrap.compare` found.
    rows: the leaderboard. slices: rows of slices.csv. columns and texts: for each origin what slices are made of:
    (n,) values in the order of the answers' customers. weekly: one per origin, main horizon, for the default
    and the best peer. fit_seconds: CPU seconds by model and origin, first seed. not_fitted: reasons by model and
    origin. best_peer: the peer with the lowest mean log loss at the main horizon.
    """

    settings: Settings
    answers: Mapping[int, tuple[Answers, ...]]
    compared: Mapping[int, tuple[Compared, ...]]
    rows: tuple[Row, ...]
    slices: tuple[Mapping[str, Any], ...]
    columns: Mapping[int, Columns]
    texts: Mapping[int, Texts]
    weekly: tuple[Weekly, ...]
    fit_seconds: Mapping[str, Mapping[int, float]]
    not_fitted: Mapping[str, Mapping[int, str]]
    best_peer: str | None
    verdict: Verdict
