"""What each feature adds to a customer's log odds of an order: the parts that add up to the default model's answer.

The chance of the default model is, on the logit scale, slope * (base + weight * bend) + anchor + level, where the bend
is the mean of what two boosters say: one adds to the base, the other stands in its place. Its difference to a
reference, the mean logit of some customers of the base (rows of features) without the level, is shared out:

base    exact Shapley values over its inputs, all coalitions against every reference row (Shapley 1953; the
        interventional value function of Janzing et al. 2020). BTYD's three inputs are read as two: the orders and
        the time over which they fell (frequency with recency), and the silence since (recency_days); tenure is
        their sum. So every mixture of two customers is a history that there can be: frequency alone cannot be
        exchanged (no repeat order means no time between orders), nor tenure (it is the silence of who ordered once).
bend    LightGBM's exact TreeSHAP (Lundberg et al. 2020, algorithm 2) of the customer less that of the reference
        rows. What the trees make of the base's own answers (p_alive, base_logit) goes to the base's inputs.
level   the season: a reason of its own, the same for everybody.
rest    what is nobody's: the horizon as a feature, and what holds the curve together over the horizons.

They add up to logit P less the reference's logit. Slow (some thousand customers per second and core for a small
booster, some hundred for a large one): on request only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from contracts.errors import ContractError
from contracts.training import Columns, Floats
from models.base import Base
from models.contract import logit
from models.ensemble import Ensemble
from models.lightgbm import LightGbm

_BTYD = ("frequency", "recency", "tenure")
_BTYD_INPUTS = {"frequency": ("frequency", "recency"), "recency_days": ("recency_days",)}
_NOT_FOR_CHANCES = ("monetary_value",)
_FROM_BASE = ("p_alive", "base_logit")
_HORIZON = "horizon_days"
_FEW_ROWS = 500  # one thread is enough for so many
_MOST_PAIRS = 200_000  # of a customer and a reference row, worked on together


@dataclass(frozen=True)
class Contributions:
    """What adds up to n customers' log odds: reference + sum of values + season + rest = logits.

    features: k names; values: (n, k); season: one number for all; rest: (n,); reference: the log odds of the
    reference rows; logits: (n,) of the model's answer.
    """

    features: tuple[str, ...]
    values: Floats
    season: float
    rest: Floats
    reference: float
    logits: Floats


def contributions(
    model: Ensemble, columns: Columns, horizon: float, *, day: int, reference: Columns
) -> Contributions:
    """Return what each feature adds to the log odds of (n,) customers against (m,) reference rows.

    Raises ContractError without a reference row.
    """
    if not reference or not _rows(reference):
        raise ContractError("reasons compare with reference rows, and there are none")
    weight = model.weight if model.lightgbm is not None else 0.0
    by_base = _base_shapley(model.base, columns, reference, horizon)
    names = tuple(dict.fromkeys((*by_base, *(model.lightgbm.features if model.lightgbm else ()))))
    values = np.zeros((_rows(columns), len(names)))
    for name, added in by_base.items():
        values[:, names.index(name)] += model.slope * (1.0 - 0.5 * weight) * added
    if model.lightgbm is not None and weight:
        trees = _tree_values(model.lightgbm, columns, reference, horizon)
        scale = 0.5 * model.slope * weight  # of the mean of two boosters
        _add_trees(values, names, by_base, {name: scale * added for name, added in trees.items()})
    season = model.level.shift(day, horizon)
    usual = float(np.mean(logit(model.predict(reference, horizon, day=day).p))) - season
    logits = logit(model.predict(columns, horizon, day=day).p)
    rest = logits - usual - season - values.sum(axis=1)
    return Contributions(names, values, season, rest, usual, logits)


# ---------------------------------------------------------------- the parts
def _tree_values(model: LightGbm, columns: Columns, reference: Columns, horizon: float) -> dict[str, Floats]:
    """Return what each column adds to the sum of both boosters, against the mean of the reference rows."""
    knots = np.log(np.array(model.horizons, dtype=np.float64))
    names: list[str] = model.order_booster.feature_name()
    total = np.zeros((_rows(columns), len(names)))
    for place, h in enumerate(model.horizons):
        share = float(np.interp(np.log(horizon), knots, np.eye(len(knots))[place]))
        if share:
            ours, theirs = (_tree_shap(model, names, some, h) for some in (columns, reference))
            total = total + share * (ours - theirs.mean(axis=0))
    return dict(zip(names, total.T, strict=True))


def _tree_shap(model: LightGbm, names: list[str], columns: Columns, horizon: float) -> Floats:
    """Return LightGBM's contributions to the raw scores of both boosters; (n, k)."""
    known = {
        **columns,
        "p_alive": model.base.p_alive(columns),
        "base_logit": logit(model.base.p_order(columns, horizon)),
        _HORIZON: np.full(_rows(columns), float(horizon)),
    }
    design = np.column_stack([known[name] for name in names])
    threads = 1 if len(design) < _FEW_ROWS else 0
    found = [
        np.asarray(one.predict(design, pred_contrib=True, num_threads=threads), dtype=np.float64)
        for one in (model.order_booster, model.free_booster)
    ]
    return np.asarray((found[0] + found[1])[:, :-1])  # the last one is the trees' mean


def _add_trees(
    values: Floats, names: tuple[str, ...], by_base: Mapping[str, Floats], trees: Mapping[str, Floats]
) -> None:
    """Add the trees' contributions to (n, k) values; those of the base's answers to the base's inputs."""
    shares = _shares(np.column_stack(list(by_base.values())))
    for name, added in trees.items():
        if name in _FROM_BASE:
            for place, one in enumerate(by_base):
                values[:, names.index(one)] += shares[:, place] * added
        elif name != _HORIZON:
            values[:, names.index(name)] += added


def _shares(parts: Floats) -> Floats:
    """Return how a change of the base's answer is shared over its inputs; rows add up to 1.

    By the parts of the base (n, k) themselves where they pull together; where they cancel out, by their sizes.
    """
    size = np.abs(parts).sum(axis=1, keepdims=True)
    safe = np.where(size > 0, size, 1.0)
    net = parts.sum(axis=1, keepdims=True) / safe
    shared = net * parts / safe + (1.0 - net * net) * np.abs(parts) / safe
    return np.where(size > 0, shared, 1.0 / parts.shape[1])


# ---------------------------------------------------------------- the base's Shapley values
def _base_shapley(base: Base, columns: Columns, reference: Columns, horizon: float) -> dict[str, Floats]:
    """Return what each input of the base adds to its log odds against the mean of the reference rows; (n,) each."""
    ours, theirs = (base_inputs(base, some) for some in (columns, reference))
    n, m = (_rows(next(iter(some.values()))) for some in (ours, theirs))
    step = max(1, _MOST_PAIRS // m)
    parts = [
        _shapley(base, {name: _some(one, at, at + step) for name, one in ours.items()}, theirs, horizon)
        for at in range(0, max(n, 1), step)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in ours}


def base_inputs(base: Base, columns: Columns) -> dict[str, Columns]:
    """Return the inputs of the base that can be exchanged one without the other, each with its columns."""
    reads = [name for name in base.needs if name not in _NOT_FOR_CHANCES]
    if not set(_BTYD) <= set(reads):
        return {name: {name: columns[name]} for name in reads}
    known = {**columns, "recency_days": columns["tenure"] - columns["recency"]}
    rest = {name: (name,) for name in reads if name not in (*_BTYD, "recency_days")}
    return {name: {one: known[one] for one in parts} for name, parts in {**_BTYD_INPUTS, **rest}.items()}


def _shapley(
    base: Base, ours: Mapping[str, Columns], theirs: Mapping[str, Columns], horizon: float
) -> dict[str, Floats]:
    names = tuple(ours)
    worth = {
        frozenset(some): _worth(base, ours, theirs, frozenset(some), horizon)
        for size in range(len(names) + 1)
        for some in combinations(names, size)
    }
    added = {name: np.zeros_like(worth[frozenset()]) for name in names}
    for some, value in worth.items():
        weight = factorial(len(some)) * factorial(len(names) - len(some) - 1) if len(some) < len(names) else 0
        for name in set(names) - some:
            added[name] += weight / factorial(len(names)) * (worth[some | {name}] - value)
    return added


def _worth(
    base: Base,
    ours: Mapping[str, Columns],
    theirs: Mapping[str, Columns],
    own: frozenset[str],
    horizon: float,
) -> Floats:
    """Return the base's mean log odds with some inputs the customers' own and the others of each reference row."""
    n, m = (_rows(next(iter(some.values()))) for some in (ours, theirs))
    mixed: dict[str, Floats] = {}
    for name, columns in ours.items():
        whose = columns if name in own else theirs[name]
        mixed |= {one: np.repeat(v, m) if name in own else np.tile(v, n) for one, v in whose.items()}
    if "recency" in mixed and "recency_days" in mixed:
        mixed["tenure"] = mixed["recency"] + mixed["recency_days"]
    return np.asarray(logit(base.p_order(mixed, horizon)).reshape(n, m).mean(axis=1))


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _some(columns: Columns, start: int, end: int) -> Columns:
    return {name: values[start:end] for name, values in columns.items()}
