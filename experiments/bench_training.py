"""What a training costs, whether threads change it, and whether anything that was not yet known gets into it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.days import to_date
from contracts.training import Columns, Outcome, TrainingData
from experiments.bench_bars import Bar
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.train import Source, train
from features.kernel.history import History
from features.reading.presets import NO_CURRENCY
from models.ensemble import Ensemble

MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Seconds:
    """What a call took; cpu: of this process and its children."""

    cpu: float
    wall: float


def cost_bar(known: History, as_of: int, recipe: Recipe) -> Bar:
    """Return what one training costs, from the history known then to the bundle's folder."""
    cpu, begun = _cpu(), time.perf_counter()
    with tempfile.TemporaryDirectory() as parent:
        source = Source(fingerprint="", currency=NO_CURRENCY, timezone="UTC")
        train(
            known, as_of=as_of, recipe=recipe, champion=None, source=source,
            folder=Path(parent) / "bundle", progress=lambda _: None,
        )  # fmt: skip
    spent = Seconds(_cpu() - cpu, time.perf_counter() - begun)
    reached = f"{spent.wall:.0f} s ({spent.cpu:.0f} CPU s; {os.cpu_count()} cores)"
    what = f"one training as of {to_date(as_of)}"
    return Bar(what, f"<= {MOST_SECONDS:.0f} s", reached, spent.wall <= MOST_SECONDS)


def threads_bar(data: TrainingData, recipe: Recipe) -> Bar:
    """Return whether one and two threads write the same bytes."""
    one, two = (_written(Ensemble.fit(data, threads=k, parameters=recipe.lightgbm)) for k in (1, 2))
    other = [name for name in sorted({*one, *two}) if one.get(name) != two.get(name)]
    reached = f"other bytes in {', '.join(other)}" if other else f"the same in {len(one)} files"
    return Bar("a model fitted with 1 and with 2 threads", "the same bytes", reached, not other)


def known_then_bar(panels: Panels, known: History, day: int) -> Bar:
    """Return whether training data and features of a day are those of the rows known then, to the bit.

    panels: over the whole history, from which the backtest learns; known: of the rows up to `day` alone.
    """
    ids = panels.history.customer_ids
    chosen = np.flatnonzero(np.isin(known.customer_ids, ids))
    alone = Panels(
        known.of_customers(chosen), panels.recipe, known.first_order_day, known, catalog=panels.catalog
    )
    ours, theirs = _told(panels, day), _told(alone, day)
    differ = [name for name in sorted({*ours, *theirs}) if not _equal(ours.get(name), theirs.get(name))]
    reached = f"different: {', '.join(differ)}" if differ else f"all {len(ours)} columns equal"
    return Bar(f"what is learnt as of {to_date(day)}", "equal to the rows known then", reached, not differ)


def _told(panels: Panels, day: int) -> dict[str, NDArray[np.generic]]:
    """Return every column that a fit or an answer as of a day reads, by name."""
    data, table = panels.training_data(day), panels.features(day)
    found: dict[str, NDArray[np.generic]] = {
        "customer_id": table.customer_id,
        "cutoff": data.cutoff,
        **_named("now", data.now),
        **_named("asked", table.columns),
        **_named("panel", data.panel),
        **_outcomes("outcome", data.outcomes),
    }
    if data.summaries is not None:
        found |= _named("summary", data.summaries.columns)
        found |= _outcomes("summary outcome", data.summaries.outcomes)
    return found


def _named(where: str, columns: Columns) -> dict[str, NDArray[np.generic]]:
    return {f"{where} {name}": values for name, values in columns.items()}


def _outcomes(where: str, outcomes: Mapping[int, Outcome]) -> dict[str, NDArray[np.generic]]:
    return {
        f"{where} {name} {h}": values for h, one in outcomes.items() for name, values in vars(one).items()
    }


def _equal(ours: NDArray[np.generic] | None, theirs: NDArray[np.generic] | None) -> bool:
    if ours is None or theirs is None:
        return False
    return np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f")


def _written(model: Ensemble) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _cpu() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
