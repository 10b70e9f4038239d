"""Whether a base still looks like the customers that the model learnt from, by a stated rule.

The bundle holds how each feature and score was spread over its tenths among the training's customers, and how far one
horizon moves that by the passing of time alone (experiments.drift_reference: as it had moved in the last one, or, where
the shop was too young then, as a horizon without any order would move it). What has moved by .25 or more (population
stability index), and by more than twice what time does, has drifted. A base is flagged if

1. a score drifted, or
2. features drifted that together have more than a tenth of the model's importance, or
3. a feature that the training's customers had is unknown for everybody, or
4. the base has less than half of the customers of the previous ranking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.stability_metrics import Distribution
from contracts.training import Columns
from features.kernel.running import Ints

RULE = (
    "flagged if the stability index of a score is at least .25, or that of features with more than a tenth of the "
    "importance, in both cases more than twice what one horizon moves it by the passing of time alone; or a feature is "
    "gone; or the base has halved since the previous ranking"
)
MOST_MOVED = 0.25
MOST_WEIGHT = 0.1
TIMES_USUAL = 2.0
LEAST_SHARE = 0.5
Counts = dict[str, list[int]]


@dataclass(frozen=True)
class Measured:
    """One feature or score as the training's customers had it.

    usual: its index over one horizon of time alone; weight: its share of the model's importance.
    """

    before: Distribution
    usual: float
    weight: float

    @property
    def limit(self) -> float:
        """The index from which on it has drifted."""
        return max(MOST_MOVED, TIMES_USUAL * self.usual)

    @staticmethod
    def of_dict(plain: Mapping[str, Any]) -> Measured:
        """Read plain values."""
        return Measured(Distribution.of_dict(plain), float(plain["usual"]), float(plain["weight"]))


@dataclass(frozen=True)
class Reference:
    """What drift is measured against. scores: by name, the column of the scores table that holds it now."""

    customers: int
    measured: Mapping[str, Measured]
    scores: Mapping[str, str]

    @staticmethod
    def of_manifest(manifest: Mapping[str, Any]) -> Reference | None:
        """Read the bundle's manifest; None for a bundle that was trained before there was a reference."""
        plain = manifest.get("drift")
        if not plain:
            return None
        measured = {
            name: Measured.of_dict(one)
            for kind in ("features", "scores")
            for name, one in plain[kind].items()
        }
        columns = {name: f"{name}_{plain['horizon']}d" for name in plain["scores"]}
        return Reference(int(plain["customers"]), measured, columns)

    def counts(self, columns: Columns) -> Counts:
        """Return how many of some customers lie in each bin of each feature and score; they add up over parts."""
        return {
            name: one.before.bins.counts(np.asarray(columns[name], dtype=np.float64)).tolist()
            for name, one in self.measured.items()
        }


@dataclass(frozen=True)
class Drift:
    """How a base compares with the reference; reasons: why it is flagged, as sentences."""

    reasons: tuple[str, ...]
    indexes: Mapping[str, float]
    unknown: Mapping[str, float]
    reference: Reference | None
    customers: int
    previous: int | None
    absent: tuple[str, ...]

    @property
    def flagged(self) -> bool:
        """Whether the base no longer looks like the training data."""
        return bool(self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the report."""
        base = {
            "flagged": self.flagged,
            "reasons": list(self.reasons),
            "rule": RULE,
            "customers": self.customers,
            "customers_before": self.previous,
            "absent_columns": list(self.absent),
        }
        if self.reference is None:
            return {**base, "known": False, "why": "the model's bundle holds no reference: train it again"}
        names, measured = self.reference.scores, self.reference.measured
        shown = {
            name: {
                "index": round(self.indexes[name], 4),
                "limit": round(one.limit, 4),
                "importance": round(one.weight, 4),
                "unknown_share": round(self.unknown[name], 4),
                "unknown_share_before": round(one.before.unknown_share, 4),
            }
            for name, one in measured.items()
        }
        features = [name for name in measured if name not in names]
        return {
            **base,
            "known": True,
            "reference_customers": self.reference.customers,
            "unknown_share": round(float(np.mean([self.unknown[name] for name in features] or [0.0])), 4),
            "scores": {name: shown[name] for name in names},
            "features": {name: shown[name] for name in features},
        }


def measure(
    reference: Reference | None,
    counts: Iterable[Counts],
    *,
    customers: int,
    previous: int | None,
    absent: Sequence[str],
) -> Drift:
    """Compare a base with the reference.

    counts: of each part; customers: of the base; previous: of the previous ranking, None if there is none; absent:
    columns that the model knows and the orders lack.
    """
    if reference is None:
        reasons = tuple(_shrunk(customers, previous))
        return Drift(reasons, {}, {}, None, customers, previous, tuple(absent))
    sums = _added(counts, reference)
    indexes = {name: one.before.moved(sums[name]) for name, one in reference.measured.items()}
    unknown = {name: float(found[-1] / max(found.sum(), 1)) for name, found in sums.items()}
    reasons = (*_reasons(reference, indexes, unknown), *_shrunk(customers, previous))
    return Drift(tuple(reasons), indexes, unknown, reference, customers, previous, tuple(absent))


def _added(counts: Iterable[Counts], reference: Reference) -> dict[str, Ints]:
    sums = {name: np.zeros(len(one.before.bins), dtype=np.int64) for name, one in reference.measured.items()}
    for part in counts:
        for name, found in part.items():
            sums[name] += np.array(found, dtype=np.int64)
    return sums


def _reasons(
    reference: Reference, indexes: Mapping[str, float], unknown: Mapping[str, float]
) -> Iterator[str]:
    measured = reference.measured
    moved = [name for name, one in measured.items() if indexes[name] >= one.limit]
    for name in moved:
        if name in reference.scores:
            yield (
                f"the scores are spread otherwise than in training: the index of {name} is {indexes[name]:.2f}, "
                f"and {measured[name].limit:.2f} is the limit"
            )
    features = sorted((name for name in moved if name not in reference.scores), key=lambda n: -indexes[n])
    weight = sum(measured[name].weight for name in features)
    if weight > MOST_WEIGHT:
        yield f"features with {weight:.0%} of the importance have moved: {_some(features)}"
    gone = [name for name, one in measured.items() if unknown[name] == 1.0 > one.before.unknown_share]
    if gone:
        yield f"features that the training had are unknown for everybody: {_some(gone)}"


def _shrunk(customers: int, previous: int | None) -> Iterator[str]:
    if previous is not None and customers < LEAST_SHARE * previous:
        yield f"{customers:,} customers are fewer than half of the {previous:,} of the previous ranking"


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
