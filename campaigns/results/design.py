"""Covariates as numbers: one column for each number, one for each label but the first, one for what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from campaigns.results.trial import Values
from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

MOST_LABELS = 20  # rarer ones count as one


@dataclass(frozen=True)
class Design:
    """names: (k,) what each column is; x: (n, k), without gaps; of: (k,) the covariate each column belongs to."""

    names: tuple[str, ...]
    of: tuple[str, ...]
    x: Floats

    def standardised(self) -> Design:
        """Return the columns that vary, with mean 0 and standard deviation 1."""
        mean, spread = self.x.mean(axis=0), self.x.std(axis=0)
        varies = np.flatnonzero(spread > 1e-12 * np.maximum(1.0, np.abs(mean)))
        x = (self.x[:, varies] - mean[varies]) / spread[varies]
        return Design(tuple(self.names[i] for i in varies), tuple(self.of[i] for i in varies), x)


def design(covariates: Mapping[str, Values], n: int, *, ranks: bool = False) -> Design:
    """Return the covariates of n customers as columns. ranks: numbers by their rank, so that no few of them decide.

    What is unknown has the mean, and a column of its own that says so.
    """
    names: list[str] = []
    of: list[str] = []
    columns: list[Floats] = []
    for name, values in covariates.items():
        found = (
            _of_labels(name, values) if isinstance(values, Text) else _of_numbers(name, values, ranks=ranks)
        )
        for told, column in found.items():
            names.append(told)
            of.append(name)
            columns.append(column)
    x = np.column_stack(columns) if columns else np.empty((n, 0))
    return Design(tuple(names), tuple(of), x)


def _of_numbers(name: str, values: Floats, *, ranks: bool) -> dict[str, Floats]:
    unknown = ~np.isfinite(values)
    if unknown.all():
        return {}
    filled = values
    if ranks:
        filled = np.full(len(values), np.nan)
        filled[~unknown] = _ranks(values[~unknown])
    if not unknown.any():
        return {name: filled}
    filled = np.where(unknown, filled[~unknown].mean(), filled)
    return {name: filled, f"{name} unknown": unknown.astype(np.float64)}


def _ranks(values: Floats) -> Floats:
    """Return the rank of each value; equal ones share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[place]


def _of_labels(name: str, labels: Text) -> dict[str, Floats]:
    counts = np.bincount(labels.codes + 1, minlength=len(labels.values) + 1)
    common: Ints = np.argsort(-counts, kind="stable")[: MOST_LABELS + 1]
    texts = ["unknown", *(str(one) for one in labels.texts)]
    chosen = [int(code) for code in common[1:] if counts[code]]
    return {f"{name} {texts[code]}": (labels.codes + 1 == code).astype(np.float64) for code in chosen}
