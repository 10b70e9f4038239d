"""What the commands do: each wires the rooms for one job. No printing here; `show` prints."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contracts.days import to_date
from contracts.errors import ArtifactError, DataError
from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.declaration import Catalog
from features.prepared.parts import write_part
from features.prepared.process import Tally
from features.shop.shop import Shop
from repurchase.orders_job import OrdersJob
from repurchase.replacing import require_replaceable, written_whole

if TYPE_CHECKING:  # the training room is absent where only the serving group is installed
    from campaigns.layers import Layers
    from experiments.recipe import Recipe
    from experiments.tracking import Registered
    from experiments.train import Trained
    from features.reading.mapping import Mapping
    from models.bundle import Bundle
    from serving.rank import Scoring

Progress = Callable[[str], None]
MODELS_SCHEME = "models:/"


@dataclass(frozen=True)
class Tuning:
    """How long to tune: so many trials in all, or seconds, whichever is over first; storage: an SQLite file."""

    trials: int | None
    seconds: float | None
    storage: Path


@dataclass(frozen=True)
class Ranked:
    """What a ranking brought."""

    scores: pa.Table
    report: OrdersReport
    as_of: int
    folder: Path
    absent: list[str]
    bundle: Bundle
    layers: Layers


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
        _require_replaceable(out)
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
            _put(folder, out)
    return trained, registered, report


def rank(
    job: OrdersJob,
    *,
    model: str,
    horizons: tuple[int, ...],
    by: str,
    out: Path,
    tracking_uri: str,
    progress: Progress,
    catalog: Catalog = CATALOG,
) -> Ranked:
    """Score every customer as of the day and publish the store into `out`."""
    from serving.rank import Scoring, absent_columns, require_features
    from serving.store import check_target, publish

    check_target(out)
    progress("verifying the model")
    bundle = open_bundle(model, tracking_uri=tracking_uri)
    require_features(bundle, catalog)
    progress("reading orders")
    main, wanted = _horizons(bundle, horizons)
    with job.opened() as rows:
        require_same_currency(bundle, rows.mapping)
        shop, tally = job.shop(rows), Tally(fingerprinted=True)
        as_of = shop.as_of
        scoring = Scoring(as_of, wanted, main, by, job.now)
        progress("scoring customers")
        scores, found = scored(job, shop, bundle, scoring, tally, catalog)
        report = job.report(shop, tally)
        absent = absent_columns(bundle, shop.optional, catalog=catalog)
    progress("publishing the store")
    terms = bundle.manifest["clv"]
    details: dict[str, Any] = {
        "ranked_by": f"{'expected_value' if by == 'value' else 'p_repurchase'}_{main}d",
        "data_fingerprint": shop.fingerprint(tally.fingerprint),
        "model_as_of": bundle.manifest["as_of"],
        "layers": found.to_dict(),
        "clv": {**terms, "level_sd": bundle.model.spread.level_sd(terms["days"])},
    }
    publish(scores, out, manifest=details)
    return Ranked(scores, report, as_of, out, absent, bundle, found)


def backfill(
    job: OrdersJob,
    *,
    days: Sequence[int],
    model: str,
    horizons: tuple[int, ...],
    out: Path,
    tracking_uri: str,
    catalog: Catalog = CATALOG,
) -> dict[Path, int]:
    """Write the scores as known on each of these days to `out`/DAY.parquet; return how many each holds."""
    from serving.rank import Scoring, require_features

    bundle = open_bundle(model, tracking_uri=tracking_uri)
    require_features(bundle, catalog)
    main, wanted = _horizons(bundle, horizons)
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    with job.opened() as rows:
        require_same_currency(bundle, rows.mapping)
        shop = job.shop(rows)
        for day in days:
            scoring = Scoring(day, wanted, main, "value", job.now)
            scores, _ = scored(replace(job, as_of=day), shop.on(day), bundle, scoring, Tally(), catalog)
            path = out / f"{to_date(day)}.parquet"
            write_part(path, [scores])
            written[path] = scores.num_rows
    return written


def _horizons(bundle: Bundle, asked: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the horizon that ranks, and all that are answered: the bundle's and the asked ones."""
    main = asked[0] if asked else int(bundle.manifest["horizon"])
    return main, tuple(sorted({*bundle.manifest["horizons"], *asked}))


def scored(
    job: OrdersJob, shop: Shop, bundle: Bundle, scoring: Scoring, tally: Tally, catalog: Catalog
) -> tuple[pa.Table, Layers]:
    """Return the scores of all partitions' customers, best first, with their layers, and how these were found."""
    from campaigns import layers
    from repurchase.rankings import margin_of
    from serving.rank import ranked, score_customers

    def work(_: int, lines: pa.Table) -> pa.Table:
        history = shop.history(lines, days=(scoring.as_of,))
        return score_customers(history, bundle, scoring, catalog=catalog, beside=layers.FEATURES)

    scores = ranked([part for _, part in job.process(shop, work, tally)], scoring)
    if not scores.num_rows:
        raise DataError(f"no customer has an order up to {to_date(scoring.as_of)}. Give a later --as-of.")
    terms = bundle.manifest["clv"]
    return layers.layered(
        scores,
        horizon=scoring.rank_horizon,
        margin=margin_of(bundle.manifest),
        contact_cost=terms.get("contact_cost", 0.0),
    )


def open_bundle(model: str, *, tracking_uri: str) -> Bundle:
    """Load a bundle folder or a registered model (`models:/…`); ArtifactError if it is not there or damaged."""
    from models.bundle import load_bundle

    if not model.startswith(MODELS_SCHEME):
        return load_bundle(Path(model))
    try:
        from experiments import tracking
    except ImportError:
        raise ArtifactError(
            f"{model}: MLflow is not installed here (the serving group has none). Give a bundle folder instead."
        ) from None
    return load_bundle(tracking.bundle_folder(model, tracking_uri=tracking_uri))


def require_same_currency(bundle: Bundle, mapping: Mapping) -> None:
    """Raise DataError if the orders are not in the model's currency."""
    if bundle.manifest["currency"] != mapping.currency:
        raise DataError(
            f"the orders are in {mapping.currency}, the model was trained in {bundle.manifest['currency']}. "
            "Set `currency` in the mapping, or train a model on these orders."
        )


def _require_replaceable(out: Path) -> None:
    """Refuse, before any work, a target that holds anything but a bundle or cannot be written."""
    require_replaceable(out, what="model bundle", is_ours=_is_bundle)


def _is_bundle(folder: Path) -> bool:
    plain = all(item.is_file() and not item.is_symlink() for item in folder.iterdir())
    return plain and (folder / "manifest.json").is_file() and (folder / "ensemble.json").is_file()


def _put(folder: Path, out: Path) -> None:
    """Put a finished bundle in its place; an older bundle there is replaced whole, or stays if that fails."""
    with written_whole(out) as fresh:
        shutil.copytree(folder, fresh, dirs_exist_ok=True)
