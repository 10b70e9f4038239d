"""The command that makes models: train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.shop.files import OtherFiles
from repurchase import show, train_job
from repurchase.options import (
    AsOf,
    Files,
    Horizon,
    Map,
    Own,
    RecipeFile,
    Shop,
    catalog_of,
    horizons_of,
    orders_of,
    shop_name,
    with_other_tables,
)
from repurchase.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: repurchase train orders.csv --shop myshop --horizon 90 --out model")(
        with_other_tables(train)
    )


def train(
    files: Files,
    as_of: AsOf = None,
    horizon: Horizon = None,
    shop: Shop = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Put the model bundle into this folder as well.")
    ] = None,
    mapping: Map = None,
    recipe: RecipeFile = None,
    tune: Annotated[
        str | None,
        typer.Option(
            "--tune", metavar="10m", help="Tune LightGBM for so long: 90s, 10m, 1h. A killed run goes on."
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=2, help="Tune LightGBM until there are so many trials.")
    ] = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Train and compare models, write one MLflow run, register the model."""
    from experiments.recipe import Recipe

    settings = Settings.of_environment()
    wanted = (Recipe.read(recipe) if recipe else Recipe()).with_horizons(horizons_of(horizon))
    catalog = catalog_of(own)
    tuning = _tuning(tune, trials, settings)
    with show.steps(6 + (1 + (tuning.trials or 30) if tuning else 0)) as progress:
        trained, registered, report = train_job.train(
            orders_of(files, mapping, as_of, other),
            recipe=wanted,
            shop=shop_name(shop, settings),
            tracking_uri=settings.tracking_uri,
            out=out,
            progress=progress,
            catalog=catalog,
            tuning=tuning,
        )
    show.refused(report.refused, report.read)
    show.training(trained)
    became = "is now" if trained.decision.promoted else "did not become"
    show.out.print(
        f"Version {registered.version} of {registered.name} {became} @champion: {trained.decision.reason}."
    )
    if out is not None:
        note = "" if trained.decision.promoted else ", though it is not the champion"
        show.out.print(f"The bundle {trained.version} is in {out}{note}.")


def _tuning(tune: str | None, trials: int | None, settings: Settings) -> train_job.Tuning | None:
    """Return how long to tune, if at all; the trials are kept beside MLflow's file, else where the command runs."""
    from experiments.tuning_space import seconds_of

    if tune is None and trials is None:
        return None
    file = settings.tracking_uri.removeprefix("sqlite:///")
    beside = Path(file).parent if file != settings.tracking_uri else Path()
    return train_job.Tuning(trials, None if tune is None else seconds_of(tune), beside / "tuning.db")
