"""Groups of customers, measured apart over all origins: the rows of slices.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns
from experiments.answers import Answers
from experiments.backtest_result import DEFAULT, Texts
from experiments.bootstrap import Compared, compare
from experiments.slices import measurable, slices
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints

DRAWS = 200
_FIGURES = ("value", "lower", "upper", "difference", "difference_lower", "difference_upper", "origins")


def slice_rows(
    answers: Sequence[Answers],
    columns: Mapping[int, Columns],
    texts: Mapping[int, Texts],
    models: Sequence[str],
) -> tuple[dict[str, Any], ...]:
    """Return each group's metrics for these models, over the origins at which the group is large enough.

    Keys: slice, customers and buyers (sums over these origins), model, metric, value, lower, upper, difference (paired
    to the default, positive where it is better) with its interval, origins. None is what is not known.
    """
    parts: dict[str, list[Answers]] = {}
    for one in answers:
        some = replace(
            one, predictions={name: one.predictions[name] for name in models if name in one.predictions}
        )
        found = measurable(slices(columns[one.origin], texts[one.origin]), one.outcome.bought)
        for name, mask in found.measured.items():
            parts.setdefault(name, []).append(some.take(mask))
    rows: list[dict[str, Any]] = []
    for name, group in parts.items():
        counts = {
            "slice": name,
            "customers": sum(len(one.customers) for one in group),
            "buyers": int(sum((one.outcome.bought > 0).sum() for one in group)),
        }
        rows += [
            {**counts, **_plain(row)}
            for row in compare(group, default=DEFAULT, draws=DRAWS)
            if row.origin is None
        ]
    return tuple(rows)


def texts_at(history: History, customers: Ints, day: int) -> dict[str, NDArray[np.object_]]:
    """Return each customer's commonest category and last country at the end of a day, where the history has them.

    customers: (n,) positions in the history, all of whom have ordered by then. None is what is not known.
    """
    past = Past(history, day, customers=customers)
    codes = {"category": past.mode, "country": past.last_code}
    found = {}
    for name, code_of in codes.items():
        if name in history.optional:
            by_code = np.array([*past.text(name).texts, None], dtype=np.object_)  # code -1 is the last one
            found[name] = by_code[code_of(name)]
    return found


def _plain(row: Compared) -> dict[str, Any]:
    figures = {name: getattr(row, name) for name in _FIGURES}
    known = {name: None if np.isnan(value) else value for name, value in figures.items()}
    return {"model": row.model, "metric": row.metric, **known}
