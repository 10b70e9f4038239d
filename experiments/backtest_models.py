"""Who takes part in a backtest: every model of ours, every peer, and ours with one part taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.errors import DeclarationError, nearest
from contracts.training import TrainingData
from experiments.backtest_result import DEFAULT
from experiments.peers import pymc_marketing
from experiments.peers.contract import Fitted
from experiments.peers.historic_spend import HistoricSpend
from experiments.peers.lifetimes_btyd import LifetimesBgNbd, LifetimesMbgNbd, LifetimesParetoNbd
from experiments.peers.lightgbm_plain import RFM, PlainLightGbm
from experiments.peers.pymc_marketing import PymcBgNbd
from experiments.peers.rfm_logistic import RfmLogistic
from experiments.recipe import Recipe
from experiments.train import fit_recipe
from models.base import BTYD
from models.ensemble import Ensemble
from models.lightgbm import LightGbm
from models.persistence import Persistence
from models.recency import Recency

Fit = Callable[[TrainingData, Recipe, int], Fitted]
# The rules that shops use today; the gate asks that the best of them is beaten.
BASELINES = (Recency.name, Persistence.name)


@dataclass(frozen=True)
class Entrant:
    """One model in a backtest. fit: (data, recipe, seed); seeded: whether the seed changes anything.

    wide: it learns as peers do: from all features of today's customers, and from no horizon beyond the asked ones.
    """

    name: str
    kind: str
    fit: Fit
    seeded: bool = False
    wide: bool = False

    @staticmethod
    def of(kind: str, model: Any) -> Entrant:
        """Return a model without a seed, under its own name."""
        return Entrant(model.name, kind, lambda data, recipe, seed: model.fit(data), wide=kind == "peer")


def _answer(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
    if recipe.model != Ensemble.name:
        return fit_recipe(data, recipe)
    return Ensemble.fit(data, seed=seed, parameters=recipe.lightgbm)


def _lightgbm(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
    return LightGbm.fit(data, seed=seed, parameters=recipe.lightgbm)


def _without(part: str) -> Fit:
    def fit(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
        return Ensemble.fit(data, seed=seed, season=part != "season", calibration=part != "calibration")

    return fit


OURS = (
    Entrant(DEFAULT, "ours", _answer, seeded=True),
    Entrant("lightgbm", "ours", _lightgbm, seeded=True),
    *(Entrant.of("ours", model) for model in BTYD),
)
PEERS = (
    *(
        Entrant.of("peer", model)
        for model in (
            Recency, Persistence, HistoricSpend, RfmLogistic, LifetimesBgNbd, LifetimesMbgNbd, LifetimesParetoNbd,
        )
    ),
    Entrant(
        "lightgbm_rfm",
        "peer",
        lambda data, recipe, seed: PlainLightGbm.fit(data, features=RFM, seed=seed),
        seeded=True,
        wide=True,
    ),
)  # fmt: skip
ABLATIONS = (
    Entrant(
        "ablation:no_btyd",
        "ablation",
        lambda data, recipe, seed: PlainLightGbm.fit(data, seed=seed),
        wide=True,
    ),
    *(Entrant(f"ablation:no_{part}", "ablation", _without(part)) for part in ("season", "calibration")),
)
_EXTRA = (Entrant.of("peer", PymcBgNbd),)


def entrants() -> dict[str, Entrant]:
    """Return all that can take part here, by name, the default first."""
    more = _EXTRA if pymc_marketing.installed() else ()
    return {one.name: one for one in (*OURS, *PEERS, *more, *ABLATIONS)}


def left_out() -> Mapping[str, str]:
    """Return the models that cannot take part here, and why."""
    if pymc_marketing.installed():
        return {}
    return {one.name: "pymc-marketing is not installed (extra `peers`)" for one in _EXTRA}


def chosen(names: Sequence[str]) -> tuple[Entrant, ...]:
    """Return the named ones (all if none is named), the default always first; DeclarationError for an unknown name."""
    known = entrants()
    for name in names:
        if name in left_out():
            raise DeclarationError(f"--models {name}: {left_out()[name]}.")
        if name not in known:
            raise DeclarationError(
                f"--models {name}: there is no such model{nearest(name, known) or '.'} Known: {', '.join(known)}."
            )
    return tuple(one for one in known.values() if not names or one.name in {DEFAULT, *names})
