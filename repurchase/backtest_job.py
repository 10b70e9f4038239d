"""Run a backtest and put everything that came of it into one folder, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.days import to_date, to_day
from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.prepared.process import Tally
from repurchase.orders_job import OrdersJob
from repurchase.replacing import replace_folder, require_replaceable

if TYPE_CHECKING:  # the training room is absent where only the serving group is installed
    from experiments.backtest_models import Entrant
    from experiments.backtest_result import Backtest, Settings
    from experiments.recipe import Recipe

Progress = Callable[[str], None]
_PACKAGES = ("repurchase", "numpy", "scipy", "lightgbm", "lifetimes", "scikit-learn")


@dataclass(frozen=True)
class Asked:
    """What a backtest is to do. origins, seeds: counts; step: days; models: names, none for all."""

    origins: int
    step: int
    seeds: int
    models: tuple[str, ...]
    final: bool


@dataclass(frozen=True)
class Orders:
    """The orders of a backtest: the history of the sampled customers, the last day, and where they came from."""

    history: History
    last_day: int
    fingerprint: str
    currency: str
    report: OrdersReport


@dataclass(frozen=True)
class Backtested:
    """What a backtest brought: the result, its parent run in MLflow and the account of the orders."""

    result: Backtest
    run_id: str
    report: OrdersReport


def backtest(
    job: OrdersJob,
    asked: Asked,
    *,
    recipe: Recipe,
    shop: str,
    tracking_uri: str,
    out: Path,
    progress: Progress,
    catalog: Catalog = CATALOG,
) -> Backtested:
    """Run the backtest, write its files into `out`, and a parent run with nested runs to MLflow."""
    from experiments import tracking
    from experiments.backtest import run
    from experiments.backtest_files import write_files
    from experiments.backtest_models import chosen
    from experiments.panels import Panels

    entrants = chosen(asked.models)
    _require_replaceable(out)
    progress("reading orders")
    orders = _orders(job, recipe.most_customers)
    progress("asking MLflow for the sealed window")
    used = tracking.uses_of_the_seal(orders.fingerprint, shop=shop, tracking_uri=tracking_uri)
    settings = _settings(orders, asked, recipe, shop, entrants, used)
    panels = Panels.of(orders.history, recipe, catalog=catalog)
    result = run(panels, settings, entrants, progress=progress)
    progress("writing the files and the MLflow runs")
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as parent:
        write_files(Path(parent) / "fresh", result, panels.history.names.objects)
        _put(Path(parent) / "fresh", out)  # first: a silent MLflow shall not cost the work
    today = to_date(to_day(job.now)).isoformat()
    run_id = tracking.log_backtest(result, out, tracking_uri=tracking_uri, today=today)
    return Backtested(result, run_id, orders.report)


def _orders(job: OrdersJob, most: int) -> Orders:
    with job.opened() as rows:
        tally = Tally()
        shop = job.shop(rows)
        history, fingerprint = job.sample(shop, tally, most=most)
        return Orders(history, shop.as_of, fingerprint, rows.mapping.currency, job.report(shop, tally))


def _settings(
    orders: Orders, asked: Asked, recipe: Recipe, shop: str, entrants: Sequence[Entrant], used: Sequence[str]
) -> Settings:
    from experiments.backtest_models import left_out
    from experiments.backtest_result import Settings
    from experiments.backtest_windows import windows

    first_day = orders.history.first_order_day
    found = windows(
        first_day, orders.last_day,
        horizons=recipe.horizons, count=asked.origins, step=asked.step, final=asked.final,
    )  # fmt: skip
    absent = () if asked.models else tuple(f"{name} is left out: {why}" for name, why in left_out().items())
    return Settings(
        origins=found.origins,
        horizons=recipe.horizons,
        step_days=asked.step,
        seeds=asked.seeds,
        final=asked.final,
        sealed=found.sealed,
        kinds={one.name: one.kind for one in entrants},
        shop=shop,
        fingerprint=orders.fingerprint,
        currency=orders.currency,
        first_day=first_day,
        last_day=orders.last_day,
        customers=len(orders.history.customer_ids),
        recipe=recipe.to_dict(),
        versions={name: version(name) for name in _PACKAGES},
        notes=(*found.notes, *_of_the_seal(used, final=asked.final), *absent),
    )


def _of_the_seal(used: Sequence[str], *, final: bool) -> tuple[str, ...]:
    """Return what must be said of earlier uses of the sealed window of these orders."""
    if not used:
        return ()
    times = "once" if len(used) == 1 else f"{len(used)} times"
    if final:
        return (
            f"the sealed window of these orders was run {times} before ({', '.join(used)}): a figure chosen among "
            "several runs is too good. Publish the first one",
        )
    return (
        f"the sealed window of these orders was run {times} ({', '.join(used)}): what is tried now has seen it",
    )


def _require_replaceable(out: Path) -> None:
    """Refuse, before any work, a target that holds anything but a backtest or cannot be written."""
    from experiments.backtest_files import is_backtest

    require_replaceable(out, what="backtest", is_ours=is_backtest)


def _put(fresh: Path, out: Path) -> None:
    """Put a finished folder beside `out` in its place; an older one is replaced whole, or stays if that fails."""
    replace_folder(fresh, out, old=fresh.with_name("old"))
