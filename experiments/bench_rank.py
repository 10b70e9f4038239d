"""Measure the nightly ranking on a generated shop: from raw order lines to the published store, stage by stage.

    python -m experiments.bench_rank [--lines 10_000_000] [--large] [--folder bench]

The shop is that of bench_features; a model is trained on it first (not counted). `repurchase rank` then runs in a
process of its own and is measured with all its children (bench_cost). With --large 100 million lines as well, by the
same model; that needs some 40 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.errors import ArtifactError
from experiments.bench_cost import Cost, measure
from experiments.bench_features import LARGE_LINES, Bench


@dataclass(frozen=True)
class Bar:
    """What a ranking of so many lines may take on two idle cores: wall seconds and GiB."""

    wall: float
    peak: float


LINES = 10_000_000
BARS = {LINES: Bar(90.0, 3.0), LARGE_LINES: Bar(900.0, 4.0)}


@dataclass(frozen=True)
class Ranking:
    """One measured ranking. report: its report.json."""

    lines: int
    cost: Cost
    report: dict[str, Any]

    @property
    def publishing(self) -> float:
        """The seconds that no stage of the report holds: start, opening the model, publishing."""
        return self.cost.wall - sum(stage["seconds"] for stage in self.report["stages"])


def main() -> None:
    """Read the arguments, rank, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--large", action="store_true", help="100 million lines as well.")
    parser.add_argument(
        "--folder", type=Path, help="Keep the generated shops, the model and the rankings here."
    )
    asked = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="repurchase-bench-") as aside:
        folder = asked.folder or Path(aside)
        for found in rankings(folder, asked.lines, console, large=asked.large):
            console.print(as_table(found))
            for line in findings(found):
                console.print(line)


def rankings(folder: Path, lines: int, console: Console, *, large: bool) -> Iterator[Ranking]:
    """Train on the shop of `lines`, then yield its ranking, and the large shop's."""
    model = trained(folder, lines, console)
    for size in (lines, LARGE_LINES) if large else (lines,):
        yield ranked(folder, size, model, console)


def trained(folder: Path, lines: int, console: Console) -> Path:
    """Return the model of a shop, trained at first use."""
    orders, model = Bench(folder, lines, 1, console).world(lines), folder / f"model-{lines}"
    if not (model / "manifest.json").is_file():
        console.print(f"training on {lines:,} lines …")
        words = ("train", str(orders), "--shop", "bench", "--out", str(model))
        _run(words, folder)
    return model


def ranked(folder: Path, lines: int, model: Path, console: Console) -> Ranking:
    """Rank a shop into a new folder, and measure it."""
    orders, out = Bench(folder, lines, 1, console).world(lines), folder / f"ranking-{lines}"
    shutil.rmtree(out, ignore_errors=True)
    console.print(f"ranking {lines:,} lines …")
    cost = _run(("rank", str(orders), "--model", str(model), "--out", str(out)), folder)
    return Ranking(lines, cost, json.loads((out / "report.json").read_text(encoding="utf-8")))


def as_table(found: Ranking) -> Table:
    """Return the stages as a table for the terminal."""
    customers, report = found.report["customers"], found.report
    title = f"{found.lines:,} lines, {customers:,} customers, {report['parts']['count']} partitions"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in ("stage", "seconds", "CPU s", "customers / s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in report["stages"]:
        rate = f"{stage['customers_per_second']:,}"
        table.add_row(stage["stage"], f"{stage['seconds']:.1f}", f"{stage['cpu_seconds']:.1f}", rate)
    table.add_row(
        "start and publishing",
        f"{found.publishing:.1f}",
        f"{found.cost.cpu - sum(stage['cpu_seconds'] for stage in report['stages']):.1f}",
        f"{customers / max(found.publishing, 1e-9):,.0f}",
    )
    rate = f"{customers / found.cost.wall:,.0f}"
    table.add_row("all", f"{found.cost.wall:.1f}", f"{found.cost.cpu:.1f}", rate, style="bold")
    return table


def findings(found: Ranking) -> Iterator[str]:
    """Yield what the partitions' own threads spent, the peak of memory, and whether the bars are met."""
    parts = ", ".join(
        f"{name} {seconds:.1f} s" for name, seconds in found.report["scoring_cpu_seconds"].items()
    )
    yield f"Inside scoring, CPU of the two threads: {parts}; the rest is cleaning, and LightGBM's other threads."
    yield f"Peak memory of the process tree: {found.cost.peak:.2f} GiB."
    bar = BARS.get(found.lines)
    if bar is not None:
        wall = (
            "met"
            if found.cost.wall <= bar.wall
            else f"MISSED (CPU {found.cost.cpu:.0f} s: was the machine idle?)"
        )
        peak = "met" if found.cost.peak <= bar.peak else "MISSED"
        yield f"At most {bar.wall:.0f} s: {wall}. At most {bar.peak:.0f} GiB: {peak}."


def _run(words: tuple[str, ...], folder: Path) -> Cost:
    """Run our command line, with MLflow's file in the folder; ArtifactError if it fails."""
    tracking = f"REPURCHASE_TRACKING_URI=sqlite:///{(folder / 'mlflow.db').resolve()}"
    cost = measure(["env", tracking, sys.executable, "-m", "repurchase.cli", *words])
    if cost.code:
        raise ArtifactError(f"`repurchase {words[0]}` failed: {cost.said}")
    return cost


if __name__ == "__main__":
    main()
