"""Why a customer's chance is what it is: the largest of the contributions to its log odds, by ideas.

Many features are variants of one idea (orders in 30, 60, 90 days): a reason is the sum over a group of features, and
names the most telling one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Floats
from models.contract import sigmoid
from models.contributions import Contributions, contributions
from models.ensemble import Ensemble

SEASON = "season"
STRONG, SOME = 0.25, 0.1  # shares of all that is added and taken away
Direction = Literal["raises", "lowers"]
Strength = Literal["strong", "some", "slight"]


@dataclass(frozen=True)
class Reason:
    """One reason for a customer's chance.

    group: the idea; feature: the most telling feature of it ("" for the season), with the customer's value (NaN:
    unknown). contribution: of the whole group, in log odds; points: percentage points by which the chance would be
    smaller without it. strength: by the group's share of everything that is added and taken away.
    """

    group: str
    feature: str
    value: float
    contribution: float
    points: float
    direction: Direction
    strength: Strength


def reasons_for(
    model: Ensemble,
    columns: Columns,
    horizon: float,
    *,
    day: int,
    reference: Columns,
    groups: Mapping[str, str] | None = None,
    shown: Collection[str] | None = None,
    top: int = 5,
) -> list[list[Reason]]:
    """Return each customer's `top` reasons, the largest first; fewer where fewer contribute.

    day, horizon: as for `Ensemble.predict`. reference: feature columns of the customers to compare with. groups:
    feature -> idea; a feature without one stands for itself. shown: features that may stand for their group, if it
    has any; None for all.
    """
    found = contributions(model, columns, horizon, day=day, reference=reference)
    return reasons_of(found, columns, groups=groups, shown=shown, top=top)


def reasons_of(
    found: Contributions,
    columns: Columns,
    *,
    groups: Mapping[str, str] | None = None,
    shown: Collection[str] | None = None,
    top: int = 5,
) -> list[list[Reason]]:
    """Return each customer's reasons from contributions, as `reasons_for` does."""
    groups_of = _places(found.features, groups or {})
    names, sums = (*groups_of, SEASON), _sums(found, groups_of)
    places = (*groups_of.values(), np.empty(0, dtype=np.int64))
    told = []
    for row, z in enumerate(found.logits):
        size = np.abs(sums[row])
        best = [one for one in np.argsort(-size, kind="stable")[:top] if size[one]]
        reasons = []
        for one in best:
            added = float(sums[row, one])
            feature, value = _most_telling(found, columns, row, places[one], np.sign(added), shown)
            reasons.append(_reason(names[one], feature, value, added, float(z), size[one] / size.sum()))
        told.append(reasons)
    return told


# ---------------------------------------------------------------- groups
def _places(features: tuple[str, ...], groups: Mapping[str, str]) -> dict[str, NDArray[np.int64]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(features):
        places.setdefault(groups.get(name, name), []).append(place)
    return {group: np.array(found) for group, found in places.items()}


def _sums(found: Contributions, groups: Mapping[str, NDArray[np.int64]]) -> Floats:
    """Return what each group adds, and last what the season does; (n, groups + 1)."""
    by_group = [found.values[:, places].sum(axis=1) for places in groups.values()]
    return np.column_stack([*by_group, np.full(len(found.logits), found.season)])


def _most_telling(
    found: Contributions,
    columns: Columns,
    row: int,
    places: NDArray[np.int64],
    sign: float,
    shown: Collection[str] | None,
) -> tuple[str, float]:
    """Return the feature that speaks most for its group's direction, and its value; an unknown one counts half."""
    can = [place for place in places if shown is None or found.features[place] in shown]
    best, most = ("", float("nan")), -np.inf
    for place in can or places:
        name, weight = found.features[place], sign * found.values[row, place]
        value = _value(columns, name, row)
        weight = weight / 2 if np.isnan(value) and weight > 0 else weight
        if weight > most:
            best, most = (name, value), weight
    return best


def _reason(group: str, feature: str, value: float, added: float, z: float, share: float) -> Reason:
    points = 100.0 * float(sigmoid(np.array(z)) - sigmoid(np.array(z - added)))
    strength: Strength = "strong" if share >= STRONG else "some" if share >= SOME else "slight"
    return Reason(group, feature, value, added, points, "raises" if added > 0 else "lowers", strength)


def _value(columns: Columns, name: str, row: int) -> float:
    if name == "recency_days" and name not in columns:  # BTYD alone reads no more than its summary
        return float(columns["tenure"][row] - columns["recency"][row])
    return float(columns[name][row])
