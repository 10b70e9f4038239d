"""Put the figures of several backtests and trainings beside each other."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repurchase.orders_job import require_file_target

DEFAULT, ABLATION = "repurchase", "ablation:"
Key = tuple[str, str, str]  # model, horizon in days, metric


@dataclass(frozen=True)
class SideBySide:
    """For each source the figures by (model, horizon, metric); sources are named as asked."""

    sources: tuple[str, ...]
    figures: tuple[dict[Key, float], ...]

    @property
    def keys(self) -> list[Key]:
        """All keys, in the order in which they first occur."""
        return list(dict.fromkeys(key for found in self.figures for key in found))

    @property
    def leaders(self) -> tuple[str, ...]:
        """The default, and of all others but ablations that with the lowest log loss in the last source."""
        losses = {
            model: value
            for (model, horizon, metric), value in self.figures[-1].items()
            if metric == "log_loss" and horizon == self.keys[0][1]
        }
        others = [model for model in losses if model != DEFAULT and not model.startswith(ABLATION)]
        return (DEFAULT, *sorted(others, key=lambda model: losses[model])[:1])

    def row(self, key: Key) -> list[float | None]:
        """Return one key's figure in each source, None where there is none."""
        return [found.get(key) for found in self.figures]


def compare(sources: Sequence[str], *, tracking_uri: str) -> SideBySide:
    """Read the means over origins of each backtest's folder or MLflow run; ArtifactError for an unknown one."""
    names = tuple(dict.fromkeys(sources))
    return SideBySide(names, tuple(_figures(name, tracking_uri) for name in names))


def write(table: SideBySide, path: Path) -> None:
    """Write a CSV file: model, horizon, metric, then a column per source."""
    require_file_target(path)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["model", "horizon", "metric", *table.sources])
        rows.writerows([*key, *table.row(key)] for key in table.keys)


def _figures(source: str, tracking_uri: str) -> dict[Key, float]:
    from experiments.backtest_files import read_leaderboard
    from experiments.leaderboard import MEAN

    if Path(source).exists():
        rows = read_leaderboard(Path(source))
        return {
            (row["model"], row["horizon"], row["metric"]): float(row["value"])
            for row in rows
            if row["origin"] == MEAN and row["value"]
        }
    from experiments import tracking

    return tracking.figures_of(source, tracking_uri=tracking_uri)
