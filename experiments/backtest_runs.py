"""What MLflow keeps of a backtest: names, parameters and metrics, as plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.days import to_date
from experiments.backtest_result import DEFAULT, Backtest, Settings
from models.ensemble import Ensemble

Figure = tuple[str, str, str]  # model, horizon in days, metric
_OTHER_HORIZON = re.compile(r"_(\d+)d$")
# Trainings call the default by its file's name.
_SAME = {Ensemble.name: DEFAULT}


@dataclass(frozen=True)
class Run:
    """One nested run: a model at an origin."""

    name: str
    parameters: dict[str, Any]
    metrics: dict[str, float]


def parent_name(settings: Settings) -> str:
    """Return the parent run's name: `backtest 1997-09-03 to 1998-01-01`, or `backtest final 1998-04-01`."""
    first, last = (to_date(day).isoformat() for day in (settings.origins[0], settings.origins[-1]))
    days = first if first == last else f"{first} to {last}"
    return f"backtest final {days}" if settings.final else f"backtest {days}"


def parameters(settings: Settings) -> dict[str, Any]:
    """Return what was asked, and of which orders."""
    recipe = {f"recipe.{key}": value for key, value in settings.recipe.items()}
    return {
        **recipe,
        "origins": ",".join(to_date(day).isoformat() for day in settings.origins),
        "horizons": ",".join(map(str, settings.horizons)),
        "step_days": settings.step_days,
        "seeds": settings.seeds,
        "final": settings.final,
        "models": ",".join(settings.kinds),
        "data_fingerprint": settings.fingerprint,
        "customers": settings.customers,
        "currency": settings.currency,
        "as_of": to_date(settings.last_day).isoformat(),
    }


def tags(backtest: Backtest) -> dict[str, str]:
    """Return the gate's verdict."""
    return {
        "kind": "backtest",
        "gate": "passed" if backtest.verdict.passed else "not passed",
        "gate_reason": backtest.verdict.reason,
    }


def means(backtest: Backtest) -> dict[str, float]:
    """Return the metrics over all origins as `<model>.<metric>`, those of other than the main horizon with `_30d`."""
    main = backtest.settings.horizon
    return {
        f"{row.model}.{row.metric}{'' if row.horizon == main else f'_{row.horizon}d'}": row.value
        for row in backtest.rows
        if row.origin is None and math.isfinite(row.value)
    }


def nested(backtest: Backtest) -> Iterator[Run]:
    """Yield one run for each origin and model that could be fitted there."""
    settings = backtest.settings
    metrics: dict[tuple[int, str], dict[str, float]] = {}
    for row in backtest.rows:
        if row.origin is not None and math.isfinite(row.value):
            tail = "" if row.horizon == settings.horizon else f"_{row.horizon}d"
            metrics.setdefault((row.origin, row.model), {})[f"{row.metric}{tail}"] = row.value
    for (day, model), found in metrics.items():
        origin = to_date(day).isoformat()
        seconds = {"fit_cpu_seconds": backtest.fit_seconds[model][day]}
        asked = {"model": model, "kind": settings.kinds[model], "origin": origin, "horizon": settings.horizon}
        yield Run(f"backtest {origin} {model}", asked, {**found, **seconds})


def figures(metrics: Mapping[str, float], parameters: Mapping[str, str]) -> dict[Figure, float]:
    """Read a run's metrics back, a training's as well as a backtest's; others than `<model>.<metric>` are left out."""
    main = parameters.get("horizons") or parameters.get("recipe.horizons", "")
    horizon = main.strip("[] ").split(",")[0]
    found = {}
    for name, value in metrics.items():
        model, dot, metric = name.partition(".")
        tail = _OTHER_HORIZON.search(metric)
        if dot:
            days, bare = (tail.group(1), metric[: tail.start()]) if tail else (horizon, metric)
            found[_SAME.get(model, model), days, bare] = value
    return found
