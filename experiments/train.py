"""Train a recipe as of a day: judge it on the last finished window, then fit it on everything and ship it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from contracts.days import to_date
from contracts.errors import DataError
from contracts.training import Prediction, TrainingData
from experiments.champion import Champion, Decision, decide
from experiments.drift_reference import drift_reference
from experiments.evaluate import Evaluation, evaluate
from experiments.leakage import LeakageReport
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.kernel.reference import References
from features.own import own_features
from models.base import BTYD
from models.btyd_model import BtydModel
from models.bundle import write_bundle
from models.clv import Margins
from models.contract import Model, NoFit
from models.ensemble import Ensemble
from models.gamma_gamma import Spend
from models.persistence import Persistence
from models.recency import Recency

Progress = Callable[[str], None]
LEAST_CUSTOMERS_TO_JUDGE = 20
_PACKAGES = ("repurchase", "numpy", "scipy", "lightgbm", "lifetimes", "scikit-learn")


@dataclass(frozen=True)
class Source:
    """Where the orders came from, for the manifest: no paths, no times."""

    fingerprint: str
    currency: str
    timezone: str


@dataclass(frozen=True)
class Trained:
    """What a training brought."""

    folder: Path
    version: str
    model: Ensemble
    manifest: Mapping[str, Any]
    evaluation: Evaluation | None
    decision: Decision
    not_fitted: Mapping[str, str]


def train(
    history: History,
    *,
    as_of: int,
    recipe: Recipe,
    champion: Champion | None,
    source: Source,
    folder: Path,
    progress: Progress,
    catalog: Catalog = CATALOG,
    leakage: LeakageReport | None = None,
) -> Trained:
    """Train on what is known at the end of `as_of` and write a bundle into `folder`.

    champion: the present champion, if the shop has one; its recipe is refitted beside the new one. A training as
    of an earlier day than the champion's never takes its place.
    catalog: the features to learn from. leakage: what the gate found, for the manifest.
    Raises DataError if the history is shorter than the main horizon, or nothing at all can be learnt.
    """
    _require_span(history, as_of, recipe)
    panels = Panels.of(history, recipe, catalog=catalog)
    progress("judging the recipe on the last finished window")
    evaluation, not_fitted = judge(panels, as_of - recipe.horizon)
    decision = _decide(panels, champion, evaluation, as_of, progress)
    progress("fitting on everything up to the as-of day")
    data = panels.training_data(as_of)
    try:
        model = fit_recipe(data, recipe)
    except NoFit as reason:
        raise DataError(f"there is too little to learn from: {reason}. Give a longer history.") from None
    references = _references_of(model, panels, as_of)
    manifest = {
        **_manifest(model, data, panels, source, evaluation, as_of),
        "references": {name: to_date(one.day).isoformat() for name, one in references.tables.items()},
        "leakage": leakage.to_dict() if leakage else None,
        "drift": drift_reference(model, panels, as_of),
    }
    sample = _spread_rows(panels.features(as_of).columns)
    version = write_bundle(folder, model, manifest=manifest, sample=sample, references=references.to_plain())
    return Trained(folder, version, model, manifest, evaluation, decision, not_fitted)


def fit_recipe(
    data: TrainingData, recipe: Recipe, *, fitted: Mapping[str, BtydModel] = MappingProxyType({})
) -> Ensemble:
    """Fit the recipe's model; every kind is shipped as an ensemble, with the parts it has.

    fitted: BTYD models by name that have been fitted to the data already.
    """
    if recipe.model == "ensemble":
        return Ensemble.fit(data, parameters=recipe.lightgbm, fitted=fitted)
    if recipe.model == "lightgbm":
        return Ensemble.fit(data, calibration=False, parameters=recipe.lightgbm)
    base = {one.name: one for one in BTYD}[recipe.model].fit(data)
    return Ensemble.of_base(base, data, why=f"the recipe asks for {recipe.model}")


def judge(panels: Panels, origin: int) -> tuple[Evaluation | None, dict[str, str]]:
    """Fit every model as of `origin` and measure the window after it; None if there is too little history.

    Also returns why a model could not be fitted, by name.
    """
    if origin < panels.first_day:
        return None, {"all": "the history holds no window to judge on"}
    data = panels.training_data(origin)
    if len(data.now["frequency"]) < LEAST_CUSTOMERS_TO_JUDGE:
        return None, {"all": f"fewer than {LEAST_CUSTOMERS_TO_JUDGE} customers at the origin"}
    models, not_fitted = fit_all(data, panels.recipe)
    horizon = panels.recipe.horizon
    if "ensemble" not in models:
        return None, not_fitted
    columns = panels.features(origin).columns
    outcome = panels.outcome(origin, horizon)
    return evaluate(models, columns, outcome, origin=origin, horizon=horizon), not_fitted


def fit_all(data: TrainingData, recipe: Recipe) -> tuple[dict[str, Model], dict[str, str]]:
    """Fit every model; return those that could be fitted, and why the others could not, by name."""
    models: dict[str, Model] = {}
    not_fitted: dict[str, str] = {}
    baselines: tuple[type[Model], ...] = (Recency, Persistence)
    for baseline in baselines:
        try:
            models[baseline.name] = baseline.fit(data)
        except NoFit as reason:
            not_fitted[baseline.name] = str(reason)
    fitted: dict[str, BtydModel] = {}
    spend = Spend.fit(data)
    for kind in BTYD:
        try:
            fitted[kind.name] = kind.fit(data, spend=spend)
        except NoFit as reason:
            not_fitted[kind.name] = str(reason)
    models |= fitted
    try:
        ensemble = fit_recipe(data, recipe, fitted=fitted)
    except NoFit as reason:
        not_fitted["ensemble"] = str(reason)
        return models, not_fitted
    if ensemble.lightgbm is not None:
        models["lightgbm"] = ensemble.lightgbm
    else:
        not_fitted["lightgbm"] = ensemble.why_simpler
    return {**models, "ensemble": ensemble}, not_fitted


def _decide(
    panels: Panels,
    champion: Champion | None,
    evaluation: Evaluation | None,
    as_of: int,
    progress: Progress,
) -> Decision:
    if champion is not None and as_of < champion.as_of:
        return Decision(False, f"the champion was trained on later orders, as of {to_date(champion.as_of)}")
    if champion is None:
        return decide(evaluation, "ensemble", None)
    opponent = _champion_prediction(panels, champion.recipe, evaluation, progress)
    return decide(evaluation, "ensemble", opponent)


def _champion_prediction(
    challenger: Panels, champion: Recipe, evaluation: Evaluation | None, progress: Progress
) -> Prediction | None:
    """Refit the champion's recipe on the same rows and ask it for the same customers and horizon."""
    if evaluation is None:
        return None
    recipe = champion.on_rows_of(challenger.recipe)
    if recipe == challenger.recipe:
        return evaluation.predictions["ensemble"]
    panels = Panels.of(challenger.population, recipe, catalog=challenger.catalog)
    try:
        model = fit_recipe(panels.training_data(evaluation.origin), panels.recipe)
    except NoFit as reason:
        progress(f"the champion's recipe cannot be fitted to these orders ({reason}); it is no opponent")
        return None
    return model.predict(
        panels.features(evaluation.origin).columns, evaluation.horizon, day=evaluation.origin
    )


def _require_span(history: History, as_of: int, recipe: Recipe) -> None:
    first = history.first_order_day
    if as_of - first < recipe.horizon:
        raise DataError(
            f"the history spans {max(as_of - first, 0)} days ({to_date(first)} to {to_date(as_of)}); the horizon is "
            f"{recipe.horizon} days. Give a longer history or a shorter --horizon."
        )


def _manifest(
    model: Ensemble,
    data: TrainingData,
    panels: Panels,
    source: Source,
    evaluation: Evaluation | None,
    as_of: int,
) -> dict[str, Any]:
    recipe = panels.recipe
    wanted = [one for one in panels.available(as_of) if one.name in model.needs]
    files = own_features(panels.catalog)
    return {
        "model": model.name,
        "parts": model.parts,
        "why_simpler": model.why_simpler,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "features": {one.name: one.source_hash for one in wanted},
        "own_features": {one.name: files[one.name] for one in wanted if one.name in files},
        "horizon": recipe.horizon,
        "horizons": list(recipe.all_horizons),
        "learnt_until_days": model.learnt_until or data.span_days,
        "as_of": to_date(as_of).isoformat(),
        "first_day": to_date(panels.first_day).isoformat(),
        "cutoffs": [to_date(int(day)).isoformat() for day in np.unique(data.cutoff)],
        "data_fingerprint": source.fingerprint,
        "customers": len(panels.history.customer_ids),
        "currency": source.currency,
        "timezone": source.timezone,
        "clv": {
            "days": recipe.clv_days,
            "margin": recipe.margin,
            "discount_rate": recipe.discount_rate,
            "contact_cost": recipe.contact_cost,
            "margins": _margins(panels, as_of),
        },
        "recipe": recipe.to_dict(),
        "backtest": _backtest(evaluation),
    }


def _margins(panels: Panels, as_of: int) -> dict[str, float] | None:
    """Return what the cost of the goods tells of the margin; None where the recipe says it or no cost is known."""
    columns = panels.features(as_of).columns
    if panels.recipe.margin != Recipe().margin or "margin_share" not in columns:
        return None
    try:
        return dict(vars(Margins.fit(columns)))
    except NoFit:
        return None


def _references_of(model: Ensemble, panels: Panels, day: int) -> References:
    """Return the reference tables that the model's features read, as known at the end of a day."""
    read = {name for one in panels.available(day) if one.name in model.needs for name in one.needs_reference}
    tables = panels.references(day).tables
    return References({name: tables[name] for name in sorted(read)})


def _backtest(evaluation: Evaluation | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    return {
        "origin": to_date(evaluation.origin).isoformat(),
        "horizon": evaluation.horizon,
        "customers": evaluation.customers,
        "metrics": {name: dict(found) for name, found in evaluation.metrics.items()},
    }


def _spread_rows(columns: Mapping[str, np.ndarray], rows: int = 16) -> dict[str, np.ndarray]:
    """Return a few customers spread over the base by their recency and frequency."""
    order = np.lexsort((columns["recency_days"], columns["frequency"]))
    some = order[np.linspace(0, len(order) - 1, min(rows, len(order))).astype(np.int64)]
    return {name: values[some] for name, values in columns.items()}
