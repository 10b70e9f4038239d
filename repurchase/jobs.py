"""What the commands do: each wires the rooms for one job. No printing here; `show` prints."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contracts.days import to_date, to_day
from contracts.errors import ArtifactError, DataError
from features.kernel.history import History
from features.orders import Orders, read_orders, require_enough
from features.reading.mapping import load_mapping

if TYPE_CHECKING:  # the training room is absent where only the serving group is installed
    from experiments.recipe import Recipe
    from experiments.tracking import Registered
    from experiments.train import Trained
    from models.bundle import Bundle

Progress = Callable[[str], None]
MODELS_SCHEME = "models:/"


@dataclass(frozen=True)
class OrdersJob:
    """Order files, their mapping, the as-of day (None: the last order day) and the current time."""

    files: tuple[str, ...]
    mapping: Path | None
    as_of: int | None
    now: datetime

    def read(self) -> Orders:
        """Read and clean what was known at the end of the as-of day; DataError for a day in the future."""
        today = to_day(self.now)
        if self.as_of is not None and self.as_of > today + 1:
            raise DataError(f"--as-of {to_date(self.as_of)} lies in the future (today is {to_date(today)}).")
        mapping = load_mapping(self.mapping) if self.mapping else None
        return read_orders(self.files, mapping=mapping, until=self.as_of, now=self.now)

    def day(self, orders: Orders) -> int:
        """Return the as-of day: as asked, else the last valid order day."""
        return orders.last_day if self.as_of is None else self.as_of

    def history(self) -> tuple[Orders, History, int]:
        """Return the orders, their history and the as-of day; DataError if there is too little."""
        orders = self.read()
        require_enough(orders)
        return orders, History.from_lines(orders.lines), self.day(orders)


@dataclass(frozen=True)
class Ranked:
    """What a ranking brought."""

    scores: pa.Table
    orders: Orders
    as_of: int
    folder: Path
    absent: list[str]
    bundle: Bundle


def write_features(job: OrdersJob, *, horizons: tuple[int, ...], cutoffs: int, out: Path) -> pa.Table:
    """Write the panel of features (and outcomes, if cutoffs are asked for) to a Parquet file."""
    import pyarrow.parquet as pq

    from features.panel import build_panel, cutoff_days

    require_file_target(out)
    _, history, as_of = job.history()
    days = [as_of]
    asked: tuple[int, ...] = ()
    if cutoffs:
        first = history.first_order_day
        days = cutoff_days(as_of, horizon=max(horizons), count=cutoffs, first_day=first)
        asked = horizons
        if not days:
            raise DataError(
                f"no cutoff {max(horizons)} days before {to_date(as_of)} lies inside the history, which begins on "
                f"{to_date(first)}. Give a shorter --horizon."
            )
    table = build_panel(history, days, horizons=asked, observed_until=as_of).to_arrow()
    aside = out.with_name(out.name + ".part")
    pq.write_table(table, aside)
    aside.replace(out)
    return table


def require_file_target(out: Path) -> None:
    """Refuse a folder as the file to write, and make the folder around it."""
    if out.is_dir():
        raise ArtifactError(f"{out} is a folder. Give a file, for example {out / 'table.parquet'}.")
    out.parent.mkdir(parents=True, exist_ok=True)


def train(
    job: OrdersJob, *, recipe: Recipe, shop: str, tracking_uri: str, out: Path | None, progress: Progress
) -> tuple[Trained, Registered, Orders]:
    """Train, write one MLflow run, register the model, and put the bundle into `out` if it is given."""
    from experiments import tracking
    from experiments.train import Source
    from experiments.train import train as train_recipe

    if out is not None:
        _require_replaceable(out)
    progress("reading orders")
    orders, history, as_of = job.history()
    progress("asking MLflow for the champion")
    champion = tracking.champion_of(shop=shop, tracking_uri=tracking_uri)
    source = Source(orders.report.fingerprint, orders.currency, orders.timezone)
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
        )
        progress("writing the MLflow run")
        extra = {"orders.rows_read": orders.report.read, "orders.rows_kept": orders.report.kept}
        registered = tracking.log_training(trained, shop=shop, tracking_uri=tracking_uri, extra=extra)
        if out is not None:
            _put(folder, out)
    return trained, registered, orders


def rank(
    job: OrdersJob,
    *,
    model: str,
    horizons: tuple[int, ...],
    by: str,
    out: Path,
    tracking_uri: str,
    progress: Progress,
) -> Ranked:
    """Score every customer as of the day and publish the store into `out`."""
    from serving.rank import Scoring, absent_columns, score_history
    from serving.store import check_target, publish

    check_target(out)
    progress("verifying the model")
    bundle = open_bundle(model, tracking_uri=tracking_uri)
    progress("reading orders")
    orders, history, as_of = job.history()
    _require_same_currency(bundle, orders)
    progress("scoring customers")
    main = horizons[0] if horizons else int(bundle.manifest["horizon"])
    wanted = tuple(sorted({*bundle.manifest["horizons"], *horizons}))
    scores = score_history(history, bundle, Scoring(as_of, wanted, main, by, job.now))
    if not scores.num_rows:
        raise DataError(f"no customer has an order up to {to_date(as_of)}. Give a later --as-of.")
    progress("publishing the store")
    report = orders.report
    details: dict[str, Any] = {
        "ranked_by": f"{'expected_value' if by == 'value' else 'p_repurchase'}_{main}d",
        "data_fingerprint": report.fingerprint,
        "model_as_of": bundle.manifest["as_of"],
        "clv": bundle.manifest["clv"],
    }
    publish(scores, out, manifest=details)
    return Ranked(scores, orders, as_of, out, absent_columns(bundle, history), bundle)


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


def _require_same_currency(bundle: Bundle, orders: Orders) -> None:
    if bundle.manifest["currency"] != orders.currency:
        raise DataError(
            f"the orders are in {orders.currency}, the model was trained in {bundle.manifest['currency']}. "
            "Set `currency` in the mapping, or train a model on these orders."
        )


def _require_replaceable(out: Path) -> None:
    """Refuse, before any work, a target that holds anything but a bundle or cannot be written."""
    if out.is_symlink() or out.is_file() or (out.is_dir() and any(out.iterdir()) and not _is_bundle(out)):
        raise ArtifactError(f"{out} holds something that is no model bundle. Give a new folder as --out.")
    if out.resolve() == Path.cwd() or out.is_mount():
        raise ArtifactError(f"{out} cannot be replaced as a whole. Give a folder inside it as --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent):
        pass  # it can be written


def _is_bundle(folder: Path) -> bool:
    plain = all(item.is_file() and not item.is_symlink() for item in folder.iterdir())
    return plain and (folder / "manifest.json").is_file() and (folder / "ensemble.json").is_file()


def _put(folder: Path, out: Path) -> None:
    """Put a finished bundle in its place; an older bundle there is replaced whole, or stays if that fails."""
    fresh, old = (out.with_name(f".{out.name}.{which}") for which in ("fresh", "old"))
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(folder, fresh)
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
