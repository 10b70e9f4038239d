"""The base of a prediction: the BTYD model that does best out of time, or the hiatus rule where none can be fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from contracts.metrics import log_loss
from contracts.training import Columns, Floats, TrainingData, Window
from models.bgnbd import BgNbd
from models.btyd_model import BtydModel
from models.closed_form import GammaGamma
from models.contract import SMALLEST_P, Model, NoFit, logit, sigmoid
from models.gamma_gamma import Spend
from models.level import level_shift
from models.mbgcnbdk import MbgCnbdK
from models.mbgnbd import MbgNbd
from models.paretonbd import ParetoNbd
from models.recency import Recency


class Base(Model, Protocol):
    """A model that answers any horizon in closed form."""

    def p_alive(self, columns: Columns) -> Floats:
        """Return the chance of still being a customer; (n,)."""
        ...

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        ...

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,)."""
        ...

    def along(self, columns: Columns, horizons: Sequence[float]) -> tuple[Floats, Floats]:
        """Return p_order and expected_orders at several horizons; (horizons, n) each."""
        ...


BTYD: tuple[type[BtydModel], ...] = (BgNbd, MbgNbd, MbgCnbdK, ParetoNbd)
# Those that may be the base, the cheaper to ask the earlier. MBG/CNBD-k is MBG/NBD where no regularity shows (k = 1).
_CANDIDATES: tuple[type[BtydModel], ...] = (BgNbd, MbgCnbdK, ParetoNbd)
# A dearer model must be better by so much log loss; the bend makes up for less.
WORTH_IT = 0.0005
LEAST_JUDGED = 1_000  # customers in a window; fewer tell models apart less well than the likelihood does
_BASES: dict[str, type[BtydModel] | type[Recency]] = {
    **{one.name: one for one in BTYD},
    Recency.name: Recency,
}


_NO_SPEND = Spend(GammaGamma(1.0, 2.0, 1.0))  # of a model that is asked for chances alone


def best_base(
    data: TrainingData,
    windows: Sequence[Window] = (),
    *,
    fitted: Mapping[str, BtydModel] = MappingProxyType({}),
) -> tuple[Base, str]:
    """Fit the BTYD models and return the best, or the hiatus rule and why it is not one of them.

    The best has the lowest mean log loss over the windows (by WORTH_IT lower than every cheaper one), each model fitted
    to what was known before them and judged at the level of what happened; without a window of LEAST_JUDGED
    customers the highest likelihood. fitted: models by name that have been fitted to the data already. Raises
    NoFit if not even the hiatus rule can be fitted.
    """
    found: dict[str, BtydModel] = {}
    reasons: list[str] = []
    spend = Spend.fit(data)
    for kind in _CANDIDATES:
        try:
            found[kind.name] = fitted.get(kind.name) or kind.fit(data, spend=spend)
        except NoFit as reason:
            reasons.append(f"{kind.name}: {reason}")
    if not found:
        return Recency.fit(data), "; ".join(reasons)
    large = [one for one in windows if len(one.bought) >= LEAST_JUDGED]
    losses = {name: _losses(type(one), large) for name, one in found.items()}
    judged = {name: float(np.mean(each)) for name, each in losses.items() if each is not None}
    if judged:
        return found[_worth_it(judged)], ""
    return max(found.values(), key=lambda one: one.certificate.log_likelihood), ""


def _worth_it(losses: Mapping[str, float]) -> str:
    """Return the name of the least loss, a later one only if it is better by WORTH_IT."""
    best = next(iter(losses))
    for name, loss in losses.items():
        if loss < losses[best] - WORTH_IT:
            best = name
    return best


def _losses(kind: type[BtydModel], windows: Sequence[Window]) -> list[float] | None:
    """Return the log loss in each window at its own level; None without a window or if the kind fails in one."""
    try:
        return [_loss(kind.fit(one.then, spend=_NO_SPEND), one) for one in windows] or None
    except NoFit:
        return None


def _loss(model: BtydModel, window: Window) -> float:
    z = logit(model.p_order(window.columns, window.then.horizon))
    return log_loss(window.bought, sigmoid(z + level_shift(z, float(window.bought.sum()))))


def orders_along(base: Base, columns: Columns, horizon: float, p: Floats, *, extra: float = 1.0) -> Floats:
    """Return the expected order days in the horizon that go with a chance p of any; (n,), at least p.

    Who orders at all orders as often as the base model says; extra: a factor on the orders after the first.
    """
    return p * (
        1.0 + extra * further_orders(base.p_order(columns, horizon), base.expected_orders(columns, horizon))
    )


def further_orders(p: Floats, orders: Floats) -> Floats:
    """Return the expected order days after the first of whoever orders, from a model's chance and order days."""
    return np.maximum(orders / np.maximum(p, SMALLEST_P) - 1.0, 0.0)


def load_base(name: str, folder: Path) -> Base:
    """Read the base model of this name."""
    return _BASES[name].load(folder)


def fit_like(base: Base, data: TrainingData) -> Base:
    """Fit the same kind of base model to other data."""
    return _BASES[base.name].fit(data)
