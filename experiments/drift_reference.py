"""How the training's customers were spread over each feature and score: what later bases are held against.

Stands in the bundle's manifest as `drift`. For each feature and score: its tenths and the counts in them on the
training's day; `usual`, how far one horizon moves the same by the passing of time alone; `weight`, the feature's share
of the model's importance (the boosters' gain; without boosters all columns alike).

`usual` is how far it had moved in the horizon before that day. Of a shop that had too few customers then it is how far
a horizon in which nobody orders would move it: else the clocks of a young shop, all of whose customers grow older
together, would have drifted within days (CDNOW after 78 days: `tenure` by 2.8 in the 30 days that follow, .25 allowed).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from contracts.stability_metrics import Distribution
from contracts.training import Columns, Floats
from experiments.panels import Panels
from features.sampling import sampled
from models.boosters import Booster
from models.ensemble import Ensemble

MOST_CUSTOMERS = 20_000
FEWEST = 100  # customers one horizon ago, for their difference to tell anything
SCORES = ("p_repurchase", "expected_value")
_DIGITS = 6


def drift_reference(model: Ensemble, panels: Panels, as_of: int) -> dict[str, Any]:
    """Return plain values for the manifest of a bundle that was trained on these panels as of a day."""
    horizon = panels.recipe.horizon
    now = _columns(model, panels, as_of, horizon)
    other = _columns(model, panels, _other_day(panels, as_of, horizon), horizon)
    weights = importances(model)
    names = [one.name for one in panels.available(as_of) if one.name in model.needs]
    return {
        "customers": len(now[SCORES[0]]),
        "horizon": horizon,
        "features": {name: _measured(now[name], other[name], weights.get(name, 0.0)) for name in names},
        "scores": {name: _measured(now[name], other[name], 0.0) for name in SCORES},
    }


def _other_day(panels: Panels, as_of: int, horizon: int) -> int:
    """Return the day beside which the training's tells what time does: a horizon earlier, or later without orders."""
    enough = as_of - horizon >= panels.first_day and len(panels.features(as_of - horizon)) >= FEWEST
    return as_of - horizon if enough else as_of + horizon


def importances(model: Ensemble) -> dict[str, float]:
    """Return each column's share of what the model's parts learn from; they sum up to 1."""
    parts = [_gains(one) for one in _boosters(model)]
    if not any(parts):
        columns = tuple(dict.fromkeys((*model.base.needs, *model.spend.needs)))
        parts = [dict.fromkeys(columns, 1.0)]
    shares: dict[str, float] = {}
    for part in parts:
        for name, gain in part.items():
            shares[name] = shares.get(name, 0.0) + gain / sum(part.values())
    own = {name: share for name, share in shares.items() if name in model.needs}
    return {name: share / sum(own.values()) for name, share in own.items()}


def _boosters(model: Ensemble) -> list[Booster]:
    bent = model.lightgbm
    if bent is None:
        return []
    return [one for one in (bent.order_booster, bent.free_booster, bent.spend_booster) if one is not None]


def _gains(booster: Booster) -> dict[str, float]:
    """Return the gain of each column that the trees split by; a name in a booster's text is LightGBM's spelling."""
    gains = booster.feature_importance(importance_type="gain")
    found = zip(booster.feature_name(), gains.tolist(), strict=True)
    return {name: gain for name, gain in found if gain > 0}


def _columns(model: Ensemble, panels: Panels, day: int, horizon: int) -> Columns:
    """Return the features and scores of at most MOST_CUSTOMERS customers as of a day."""
    table = panels.features(day)
    some = table.take(sampled(table.customer_id, MOST_CUSTOMERS))
    unknown = np.full(len(some), np.nan)
    columns = {name: some.columns.get(name, unknown) for name in model.needs}
    answer = model.predict(columns, horizon, day=day)
    return {**columns, "p_repurchase": answer.p, "expected_value": answer.expected_value}


def _measured(now: Floats, other: Floats, weight: float) -> dict[str, Any]:
    found = Distribution.of(np.asarray(now, dtype=np.float64))
    usual = found.moved(found.bins.counts(np.asarray(other, dtype=np.float64)))
    return {**found.to_dict(), "usual": round(usual, _DIGITS), "weight": round(weight, _DIGITS)}
