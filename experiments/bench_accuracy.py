"""Hold the default model against every peer and every bar of accuracy, on real orders, out of time.

    python -m experiments.bench_accuracy [--orders FILE] [--map TOML] [--horizon 90 --horizon 30]
        [--origins 5] [--step 30] [--as-of DAY ...] [--carry FROM TO ...] [--check]

Prints what each model reached at each origin, then the bars: asked, reached, met. At an origin every model learns
from the rows known then, which is checked; the outcome is what was known at the end of the horizon. Nothing is sealed:
these are the final figures, and a recipe chosen by them is tuned to them.

--as-of asks at given days, else at the last possible day and `--step` days back. --carry asks a model that was trained
as of FROM on later days. --check ends with code 1 if a bar is missed; what could not be measured is not missed. CDNOW,
from the lifetimes package, is the default.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from contracts.days import parse_day, to_date
from contracts.errors import DataError, RepurchaseError
from contracts.training import TrainingData
from experiments import bench_carry, bench_training
from experiments.backtest import Progress, run
from experiments.backtest_models import Entrant, entrants, left_out
from experiments.backtest_result import DEFAULT, Backtest, Settings
from experiments.bench_bars import Bar, accuracy_bars
from experiments.bench_curve import Dates, Falling, curve_bars
from experiments.bench_tables import bars_table, models_table
from experiments.data_sets import cdnow_file
from experiments.panels import Panels
from experiments.peers.contract import Fitted
from experiments.recipe import Recipe
from features.kernel.history import History
from features.orders import read_orders
from features.reading import mapping as mappings
from models.ensemble import Ensemble

HORIZONS = (90, 30)


@dataclass(frozen=True)
class Source:
    """Where the orders are read from."""

    orders: str
    mapping: mappings.Mapping | None

    def history(self, *, until: int | None = None) -> History:
        """Return the history of the rows up to a day."""
        return History.from_lines(read_orders(self.orders, mapping=self.mapping, until=until).lines)


@dataclass(frozen=True)
class Plan:
    """What is measured. horizons: the first is the main one; notes: what was left out, and why."""

    horizons: tuple[int, ...]
    origins: tuple[int, ...]
    notes: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, print; 1 if a bar is asked for and missed."""
    parser = _arguments()
    asked = parser.parse_args(arguments)
    console, aside = Console(width=170), Console(stderr=True, width=120)  # wide, also in a file
    try:
        source = Source(asked.orders, mappings.load_mapping(asked.map) if asked.map else None)
        found = measure(source, asked, aside.print)
    except RepurchaseError as error:
        parser.error(str(error))
    name = Path(asked.orders).name
    for days in found.backtest.settings.horizons:
        console.print(models_table(name, found.backtest, days))
    console.print(bars_table(name, found.bars))
    for note in found.backtest.settings.notes:
        console.print(note)
    missed = sum(bar.met is False for bar in found.bars)
    console.print(f"{missed} of {len(found.bars)} bars missed" if missed else "no bar missed")
    return 1 if asked.check and missed else 0


@dataclass(frozen=True)
class Measured:
    """What was measured."""

    backtest: Backtest
    bars: tuple[Bar, ...]


def measure(source: Source, asked: argparse.Namespace, progress: Progress) -> Measured:
    """Run the backtest with all peers and measure every bar; DataError if there is nothing to measure."""
    carry = tuple(map(parse_day, asked.carry))
    if carry:
        bench_carry.require_later(carry[0], carry)
    history = source.history()
    last_day = history.last_order_day
    plan = planned(
        history.first_order_day, last_day,
        horizons=tuple(dict.fromkeys(asked.horizon or HORIZONS)),
        as_of=tuple(map(parse_day, asked.as_of)), count=asked.origins, step=asked.step,
    )  # fmt: skip
    panels = Panels.of(history, Recipe(horizons=plan.horizons))
    models: dict[int, Ensemble] = {}
    backtest = run(panels, *_asked_of(panels, plan, models, step=asked.step), progress=progress)
    progress("dates, and the models on later days")
    bars = [*accuracy_bars(backtest), *_curve(panels, models, last_day)]
    if carry:
        bars += bench_carry.carry_bars(panels, carry[0], carry[1:] or carry, last_day=last_day)
    return Measured(backtest, (*bars, *_training(source, panels, sorted(models), progress)))


def planned(
    first_day: int,
    last_day: int,
    *,
    horizons: tuple[int, ...],
    as_of: tuple[int, ...],
    count: int,
    step: int,
) -> Plan:
    """Choose horizons and origins that the days of a history allow; DataError if none is left.

    A horizon needs twice its days. An origin needs the main horizon behind it and the longest before it.
    """
    if min(horizons) < 1:
        raise DataError(f"--horizon {min(horizons)}: give days above 0.")
    fitting = tuple(h for h in horizons if 2 * h <= last_day - first_day)
    if not fitting:
        raise DataError(
            f"the history spans {last_day - first_day} days ({to_date(first_day)} to {to_date(last_day)}); "
            f"{min(horizons)} days ahead need {2 * min(horizons)}. Give a longer history or a shorter --horizon."
        )
    earliest, newest = first_day + fitting[0], last_day - max(fitting)
    wanted = sorted(set(as_of) or {newest - k * step for k in range(count)})
    origins = tuple(day for day in wanted if earliest <= day <= newest)
    if not origins:
        raise DataError(
            f"no origin lies between {to_date(earliest)} and {to_date(newest)}. Give --as-of days that do."
        )
    notes = [f"{h} days ahead are left out: the history is too short" for h in horizons if h not in fitting]
    notes += [f"{to_date(day)} is left out: no room around it" for day in wanted if day not in origins]
    return Plan(fitting, origins, tuple(notes))


def _asked_of(
    panels: Panels, plan: Plan, models: dict[int, Ensemble], *, step: int
) -> tuple[Settings, list[Entrant]]:
    """Return the settings of the backtest and who takes part; the default's models are put into `models` by day."""

    def fit(entrant: Entrant, data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
        found = entrant.fit(data, recipe, seed)
        if isinstance(found, Ensemble):
            models[data.day] = found
        return found

    there = [one for one in entrants().values() if one.name == DEFAULT or one.kind == "peer"]
    history = panels.history
    settings = Settings(
        origins=plan.origins,
        horizons=plan.horizons,
        step_days=step,
        seeds=1,
        final=True,
        sealed=None,
        kinds={one.name: one.kind for one in there},
        shop="",
        fingerprint="",
        currency="",
        first_day=history.first_order_day,
        last_day=history.last_order_day,
        customers=len(history.customer_ids),
        recipe=panels.recipe.to_dict(),
        versions={},
        notes=(*plan.notes, *(f"{name} is left out: {why}" for name, why in left_out().items())),
    )
    return settings, [replace(one, fit=partial(fit, one)) for one in there]


def _curve(panels: Panels, models: Mapping[int, Ensemble], last_day: int) -> list[Bar]:
    dates = [Dates.of(panels, models[day], day, last_day=last_day) for day in sorted(models)]
    newest = max(models)
    return curve_bars(dates, Falling.of(models[newest], panels.features(newest).columns, newest))


def _training(source: Source, panels: Panels, days: Sequence[int], progress: Progress) -> Iterator[Bar]:
    """Yield what was known at each origin, and the cost of a training at the newest."""
    for day in days:
        progress(f"{to_date(day)} rows known then")
        known = source.history(until=day)
        yield bench_training.known_then_bar(panels, known, day)
    progress(f"{to_date(days[-1])} cost of a training")
    yield bench_training.threads_bar(panels.training_data(days[-1]), panels.recipe)
    yield bench_training.cost_bar(known, days[-1], panels.recipe)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", default=str(cdnow_file()))
    parser.add_argument("--map", help="TOML file that says which column is which")
    parser.add_argument("--horizon", type=int, action="append", help="days; the first is the main one")
    parser.add_argument("--origins", type=int, default=5)
    parser.add_argument("--step", type=int, default=30, help="days between origins")
    parser.add_argument("--as-of", nargs="+", default=[], metavar="DAY")
    parser.add_argument("--carry", nargs="+", default=[], metavar="DAY", help="trained as of, asked on")
    parser.add_argument("--check", action="store_true", help="end with code 1 if a bar is missed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
