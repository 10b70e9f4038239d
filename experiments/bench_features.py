"""Measure the features against DuckDB SQL and pandas on a generated shop: the same answers, then CPU, time, memory.

    python -m experiments.bench_features [--lines 10_000_000] [--cutoffs 12] [--large] [--out bench.csv]

Each way runs in a process of its own and is measured with all its children (bench_cost). All begin with the raw lines
of a shop: `prepare` finds which sale a return undoes and sorts, the peers' in SQL, ours by `repurchase prepare`; from
there all three answer the same 26 features. `ours, raw` does both in one command. --large adds 100 million lines at one
cutoff, and the slope against the first shop.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.days import to_day
from contracts.errors import ArtifactError
from experiments.bench_cost import measure
from experiments.bench_peers import FEATURES, differences

LAST_DAY = date(2025, 6, 30)
HORIZON, STEP = 90, 30
LARGE_LINES = 100_000_000
EQUAL = 1e-9


@dataclass(frozen=True)
class Row:
    """One measured way. cpu and wall in seconds, peak in GiB; ok is false if the process failed."""

    way: str
    lines: int
    cutoffs: int
    features: str
    cpu: float
    wall: float
    peak: float
    ok: bool = True


def main() -> None:
    """Read the arguments, run every way, print the table and write the CSV file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--cutoffs", type=int, default=12)
    parser.add_argument(
        "--large", action="store_true", help="100 million lines as well; needs some 20 GB of disk."
    )
    parser.add_argument("--folder", type=Path, help="Keep the generated shops and results here.")
    parser.add_argument("--out", type=Path, default=Path("bench.csv"))
    asked = parser.parse_args()
    console = Console(width=130)
    with tempfile.TemporaryDirectory(prefix="repurchase-bench-") as aside:
        bench = Bench(asked.folder or Path(aside), asked.lines, asked.cutoffs, console)
        rows = list(bench.run(large=asked.large))
    write_csv(asked.out, rows)
    console.print(as_table(rows))
    for line in findings(rows):
        console.print(line)
    console.print(f"{asked.out} holds this table.")


@dataclass(frozen=True)
class Bench:
    """One run: where its files lie, how many lines and cutoffs it has."""

    folder: Path
    lines: int
    cutoffs: int
    console: Console

    def run(self, *, large: bool) -> Iterator[Row]:
        """Yield every way's row, in the order of the table; compare the answers on the way."""
        self.folder.mkdir(parents=True, exist_ok=True)
        orders, lines = self.world(self.lines), self.folder / f"prepared-{self.lines}.parquet"
        days = ",".join(map(str, cutoff_days(self.cutoffs)))
        yield self.peer("group-by", orders, cutoffs=1, features="2")
        yield self.peer("prepare", orders, cutoffs=0, features="0", out=lines)
        for way in ("duckdb", "pandas"):
            yield self.peer(way, lines, cutoffs=self.cutoffs, features=str(len(FEATURES)), days=days)
        prepared = self.folder / f"ours-prepared-{self.lines}"
        yield self.row("ours, prepare", prepare_command(orders, prepared), prepared, self.lines, 0, "0")
        yield self.ours("ours", prepared, cutoffs=self.cutoffs, pick=FEATURES)
        self.compare("duckdb", ("pandas", "ours"))
        yield self.ours("ours, raw", orders, cutoffs=self.cutoffs, pick=FEATURES)
        yield self.ours("ours, all", orders, cutoffs=self.cutoffs)
        yield self.ours("ours, all", orders, cutoffs=1)
        if large:
            yield self.ours("ours, all", self.world(LARGE_LINES), cutoffs=1, lines=LARGE_LINES)

    def world(self, lines: int) -> Path:
        """Return the orders of a generated shop, generated at first use."""
        folder = self.folder / f"world-{lines}"
        if not (folder / "orders.parquet").exists():
            self.console.print(f"generating {lines:,} lines …")
            cost = measure(peer_command("generate", folder, folder, days=str(lines)))
            if cost.code:
                raise ArtifactError(f"{folder}: the shop cannot be generated ({cost.said}).")
        return folder / "orders.parquet"

    def peer(
        self, way: str, source: Path, *, cutoffs: int, features: str, days: str = "", out: Path | None = None
    ) -> Row:
        """Measure one of the peers' ways."""
        target = out or self.result(way)
        command = peer_command(way, source, target, days=days)
        return self.row(way, command, target, self.lines, cutoffs, features)

    def ours(
        self, way: str, orders: Path, *, cutoffs: int, pick: Sequence[str] = (), lines: int | None = None
    ) -> Row:
        """Measure our command line."""
        lines = lines or self.lines
        out = self.result(way if pick else f"{way}-{lines}-{cutoffs}")
        measured = self.row(
            way, our_command(orders, out, cutoffs, pick), out, lines, cutoffs, str(len(pick) or "all")
        )
        return replace(measured, features=str(count_features(out))) if measured.ok else measured

    def row(
        self, way: str, command: Sequence[str], out: Path, lines: int, cutoffs: int, features: str
    ) -> Row:
        """Measure one command, beginning with nothing; what fails is said and stays in the table."""
        if out.is_dir():
            shutil.rmtree(out)
        out.unlink(missing_ok=True)
        self.console.print(f"{way}: {lines:,} lines, {cutoffs} cutoffs, {features} features …")
        cost = measure(command)
        if cost.code:
            self.console.print(f"  it failed with code {cost.code}: {cost.said}", style="red", markup=False)
        return Row(way, lines, cutoffs, features, cost.cpu, cost.wall, cost.peak, cost.code == 0)

    def result(self, way: str) -> Path:
        """Return where a way puts its answers."""
        return self.folder / f"result-{way.replace(', ', '-')}"

    def compare(self, one: str, others: Iterable[str]) -> None:
        """Say how far the answers are apart, on one customer in a hundred."""
        for other in others:
            if not (self.result(one).exists() and self.result(other).exists()):
                self.console.print(
                    f"{one} and {other} cannot be compared: an answer is missing.", style="red"
                )
                continue
            found = differences(self.result(one), self.result(other), sample=100)
            rows = int(found.pop("rows"))
            name, worst = max(found.items(), key=lambda item: item[1])
            verdict = "equal" if worst <= EQUAL else "NOT EQUAL"
            self.console.print(
                f"{one} and {other}: {verdict} on {rows:,} rows (largest difference {worst:.1e}, {name})"
            )


# ---------------------------------------------------------------- the commands
def cutoff_days(count: int) -> list[int]:
    """Return the days that `repurchase features --cutoffs` takes, oldest first."""
    return [to_day(LAST_DAY) - HORIZON - STEP * k for k in reversed(range(count))]


def peer_command(way: str, source: Path, out: Path, *, days: str = "") -> list[str]:
    """Return the command of one of the peers' ways."""
    return [sys.executable, "-m", "experiments.bench_peers", way, str(source), str(out), "--cutoffs", days]


def prepare_command(orders: Path, out: Path) -> list[str]:
    """Return our command that prepares the lines."""
    return [sys.executable, "-m", "repurchase.cli", "prepare", str(orders), "--out", str(out)]


def our_command(orders: Path, out: Path, cutoffs: int, pick: Sequence[str]) -> list[str]:
    """Return our command; one cutoff is the as-of day itself."""
    picked = ["--pick", ",".join(pick)] if pick else []
    count = 0 if cutoffs == 1 else cutoffs
    return [
        *(sys.executable, "-m", "repurchase.cli", "features", str(orders), "--as-of", LAST_DAY.isoformat()),
        *("--cutoffs", str(count), "--horizon", str(HORIZON), "--no-outcomes", "--out", str(out), *picked),
    ]


def count_features(answer: Path) -> int:
    """Return how many features an answer has, outcomes not counted."""
    names = pq.read_schema(min(answer.glob("part-*.parquet"))).names
    return sum(name not in ("customer_id", "cutoff") and not name.startswith("outcome_") for name in names)


# ---------------------------------------------------------------- the table
def as_table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table for the terminal."""
    table = Table(title="features: lines → Parquet", box=SIMPLE_HEAD)
    for title in ("way", "lines", "cutoffs", "features", "CPU s", "wall s", "peak GiB"):
        table.add_column(title, justify="left" if title == "way" else "right")
    for row in rows:
        used = (f"{row.cpu:.1f}", f"{row.wall:.1f}", f"{row.peak:.2f}") if row.ok else ("failed", "–", "–")
        table.add_row(row.way, f"{row.lines:,}", str(row.cutoffs), row.features, *used)
    return table


def findings(rows: Sequence[Row]) -> list[str]:
    """Return what follows from the rows: the CPU ratio to the better peer, and the slope to the large shop."""
    found: list[str] = []
    done = [row for row in rows if row.ok]
    peers = [row for row in done if row.way in ("duckdb", "pandas")]
    cpu = {row.way: row.cpu for row in done}
    if peers and "ours" in cpu:
        better = min(peers, key=lambda row: row.cpu)
        found.append(f"CPU over ours, from prepared lines: {_ratios(peers, cpu['ours'])}")
        if "prepare" in cpu and "ours, raw" in cpu:
            whole = (better.cpu + cpu["prepare"]) / cpu["ours, raw"]
            found.append(f"CPU of {better.way}, the better peer, over ours, from raw lines: {whole:.2f}")
    single = sorted(
        (row for row in done if row.way == "ours, all" and row.cutoffs == 1), key=lambda row: row.lines
    )
    if len(single) > 1:
        small, big = single[0], single[-1]
        found.append(
            f"{big.lines / small.lines:.0f} times the lines: {big.wall / small.wall:.1f} times the time, "
            f"{big.cpu / small.cpu:.1f} times the CPU"
        )
    return found


def _ratios(peers: Sequence[Row], mine: float) -> str:
    return ", ".join(f"{row.way} {row.cpu / mine:.2f}" for row in sorted(peers, key=lambda row: row.cpu))


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)


if __name__ == "__main__":
    main()
