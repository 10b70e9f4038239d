"""Training: orders in, an MLflow run and a registered model out. No printing here; `show` prints."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.declaration import Catalog
from features.prepared.process import Tally
from repurchase.model_cache import put_model, require_model_folder
from repurchase.orders_job import OrdersJob

if TYPE_CHECKING:  # the training room is absent where only the serving group is installed
    from experiments.recipe import Recipe
    from experiments.tracking import Registered
    from experiments.train import Trained

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Tuning:
    """How long to tune: so many trials in all, or seconds, whichever is over first; storage: an SQLite file."""

    trials: int | None
    seconds: float | None
    storage: Path


def train(
    job: OrdersJob,
    *,
    recipe: Recipe,
    shop: str,
    tracking_uri: str,
    out: Path | None,
    progress: Progress,
    catalog: Catalog = CATALOG,
    tuning: Tuning | None = None,
) -> tuple[Trained, Registered, OrdersReport]:
    """Train, write one MLflow run, register the model, and put the bundle into `out` if it is given.

    Training stops with DataError or DeclarationError where a feature, a table or a rule sees the future.
    """
    from experiments import tracking
    from experiments.leakage import gate
    from experiments.train import Source
    from experiments.train import train as train_recipe

    if out is not None:
        require_model_folder(out)
    progress("reading orders")
    with job.opened() as rows:
        tally = Tally()
        orders = job.shop(rows)
        history, fingerprint = job.sample(orders, tally, most=recipe.most_customers)
        report, as_of = job.report(orders, tally), orders.as_of
        source = Source(fingerprint, rows.mapping.currency, rows.mapping.timezone)
        progress("checking that nothing sees the future")
        seed = int(fingerprint[:16], 16)
        leakage = gate(
            rows,
            as_of=as_of,
            now=job.now,
            catalog=catalog,
            seed=seed,
            histories=lambda lines, day: orders.on(day).history(lines),
        )
    tuned = None
    if tuning is not None:
        from experiments.panels import Panels
        from experiments.tuning import tune_before

        panels = Panels.of(history, recipe, catalog=catalog)
        tuned = tune_before(panels, as_of, **vars(tuning), progress=progress)
        recipe = replace(recipe, lightgbm=dict(tuned.parameters)) if tuned else recipe
    progress("asking MLflow for the champion")
    champion = tracking.champion_of(shop=shop, tracking_uri=tracking_uri)
    with tempfile.TemporaryDirectory(prefix="repurchase-") as parent:
        folder = Path(parent) / "bundle"
        trained = train_recipe(
            history,
            as_of=as_of,
            recipe=recipe,
            champion=champion,
            source=source,
            folder=folder,
            progress=progress,
            catalog=catalog,
            leakage=leakage,
        )
        progress("writing the MLflow run")
        extra = {"orders.rows_read": report.read, "orders.rows_kept": report.kept}
        registered = tracking.log_training(
            trained, shop=shop, tracking_uri=tracking_uri, extra=extra, tuned=tuned
        )
        if out is not None:
            put_model(folder, out)
    return trained, registered, report
