"""The laboratory's commands: backtest, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.shop.files import OtherFiles
from repurchase import show
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

_BACKTEST = (
    "Compare all models and peers out of time, on several past days.\n\n"
    "At each of these days (origins) every model learns what was known at its end, and is measured on the days after "
    "it. Differences to our default model are paired: a bootstrap of customers, the same draw for all models and days."
    "\n\n"
    "Whoever tries many recipes on the same windows tunes to them in the end. So the last finished window is SEALED "
    "where the history is long enough to spare it: the origins end one horizon earlier and nothing of it is looked "
    "at. When all choices are made, run --final once; its figure is the one to publish. MLflow keeps the date on the "
    "experiment, and a second --final on the same orders is told so."
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(
        help=_BACKTEST, epilog="Example: repurchase backtest orders.csv --shop myshop --out backtest"
    )(with_other_tables(backtest))
    app.command(epilog="Example: repurchase compare backtest-a backtest-b --csv side-by-side.csv")(compare)


def backtest(
    files: Files,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="The folder: leaderboard.csv, slices.csv, predictions.parquet, report.html."
        ),
    ],
    origins: Annotated[int, typer.Option(min=1, max=100, help="How many days to forecast from.")] = 5,
    horizon: Horizon = None,
    step: Annotated[int, typer.Option(min=1, max=3650, help="Days between two origins.")] = 30,
    models: Annotated[
        list[str] | None,
        typer.Option(
            help="Names with commas between them, or repeated. Default: all models, peers and ablations."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=20, help="Trainings of each model that has a seed; the first one answers."),
    ] = 3,
    final: Annotated[
        bool, typer.Option("--final", help="Run the sealed window, and it alone. See above.")
    ] = False,
    as_of: AsOf = None,
    shop: Shop = None,
    mapping: Map = None,
    recipe: RecipeFile = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Compare all models and peers out of time, on several past days."""
    from experiments.recipe import Recipe
    from repurchase import backtest_job, show_lab

    settings = Settings.of_environment()
    wanted = (Recipe.read(recipe) if recipe else Recipe()).with_horizons(horizons_of(horizon))
    with show.steps(_steps(origins, models, final)) as progress:
        found = backtest_job.backtest(
            orders_of(files, mapping, as_of, other),
            backtest_job.Asked(origins, step, seeds, _names(models), final),
            recipe=wanted,
            shop=shop_name(shop, settings),
            tracking_uri=settings.tracking_uri,
            out=out,
            progress=progress,
            catalog=catalog_of(own),
        )
    show_lab.backtest(found.result)
    show.out.print(
        f"All of it: {out}/report.html, leaderboard.csv, predictions.parquet; MLflow run {found.run_id}."
    )


def compare(
    sources: Annotated[
        list[str], typer.Argument(metavar="DIR|RUN...", help="Folders of backtests, or run ids of MLflow.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(help="Whose figures. Default: ours and the best of the others. `all`: all."),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the whole table into this file.")] = None,
) -> None:
    """Show the figures of several backtests and trainings side by side."""
    from repurchase import compare_job, show_lab

    settings = Settings.of_environment()
    table = compare_job.compare(tuple(sources), tracking_uri=settings.tracking_uri)
    if csv is not None:
        compare_job.write(table, csv)
    show_lab.side_by_side(table, models=_names(models))
    if csv is not None:
        show.out.print(f"The whole table: {csv}.")


def _names(asked: list[str] | None) -> tuple[str, ...]:
    """Return the asked names, written with commas or one by one, each once."""
    return tuple(
        dict.fromkeys(name.strip() for text in asked or () for name in text.split(",") if name.strip())
    )


def _steps(origins: int, models: list[str] | None, final: bool) -> int:
    from experiments.backtest_models import chosen

    return 4 + (1 if final else origins) * len(chosen(_names(models)))
