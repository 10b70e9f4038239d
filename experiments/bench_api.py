"""Measure the API beside a service that does nothing and beside `mlflow models serve`, in one run on loopback.

    python -m experiments.bench_api [--demo demo] [--customers 1_000_000] [--seconds 2] [--rounds 3] [--out api.csv]

Ours: a random customer out of the published ranking, one and a hundred posted histories of 20 orders, a ranking page
of 100. The no-op passes the same server, gate and keys (serving/noop.py). MLflow serves the same champion as a pyfunc;
it is given the finished features of the same histories and answers one chance, where ours is given orders, computes
the features and answers every column of a score. All servers run at once, each with one worker; the measurements take
turns (round by round, each target at 1 and at 8 connections), so that a noisy machine is noisy for all. Figures are
medians over the rounds; CPU is the server's own, per request. The demo's model is made (`repurchase demo`) where it is
missing. Ours and the no-op run in the serving group's environment where it is whole (`make test-serving` builds it).
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.errors import ArtifactError
from experiments.bench_api_bodies import (
    day_of,
    histories,
    write_features,
    write_ids,
    write_noop,
    write_pages,
    write_scores,
)
from experiments.bench_api_servers import Load, Running, free_port, load, require_wrk, running
from experiments.bench_bars import Bar
from experiments.bench_tables import bars_table
from models.bundle import load_bundle

CONNECTIONS = (1, 8)
WARM_SECONDS = 1
SHARE_OF_LOOKUP, SHARE_OF_SCORE, TIMES_MLFLOW, TIMES_P99, MOST_MB = 0.4, 0.25, 20.0, 3.0, 250.0
SERVING_ENVIRONMENT = Path(".venv-serving/bin/python")
MODEL = "models:/repurchase-demo@champion"


@dataclass(frozen=True)
class Target:
    """What is asked of which server. like: the no-op that it is compared with."""

    name: str
    server: str
    method: str
    file: Path
    like: str = ""


@dataclass
class Measured:
    """What the rounds measured of one target at some connections."""

    loads: list[Load] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return statistics.median(one.per_second for one in self.loads)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return statistics.median(one.p50 for one in self.loads)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return statistics.median(one.p99 for one in self.loads)

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the server per request."""
        return statistics.median(self.cpu)

    @property
    def failed(self) -> int:
        """Requests without a successful answer."""
        return sum(one.failed for one in self.loads)


Results = dict[tuple[str, int], Measured]


# ---------------------------------------------------------------- what is measured
def targets(folder: Path, model: Path, customers: int, seed: int, *, mlflow: bool) -> list[Target]:
    """Write what is sent, and return the targets in the order of their turns."""
    bundle = load_bundle(model)
    as_of = day_of(bundle)
    posted = histories(as_of, seed=seed)
    (folder / "noop.txt").write_text("/v1/noop\n")
    ids = write_ids(folder / "ids.txt", customers, seed=seed)
    pages = write_pages(folder / "pages.txt", customers, seed=seed)
    found = [
        Target("no-op, GET", "noop", "GET", folder / "noop.txt"),
        Target("look-up", "ours", "GET", ids, "no-op, GET"),
        Target("ranking page of 100", "ours", "GET", pages, "no-op, GET"),
    ]
    for each in (1, 100):
        many = "1 history" if each == 1 else f"{each} histories"
        noop, ours = folder / f"noop_{each}.txt", folder / f"score_{each}.txt"
        write_noop(noop, posted, as_of, each=each)
        write_scores(ours, posted, as_of, each=each)
        found += [
            Target(f"no-op, POST of {many}", "noop", "POST", noop),
            Target(f"score {many}", "ours", "POST", ours, f"no-op, POST of {many}"),
        ]
        if mlflow:
            file = write_features(folder / f"mlflow_{each}.txt", posted, as_of, bundle, each=each)
            found.append(Target(f"mlflow, {many}", "mlflow", "POST", file))
    return found


def measure(
    asked: Sequence[Target], servers: dict[str, Running], key: str, *, seconds: int, rounds: int
) -> Results:
    """Take turns."""
    results: Results = {(one.name, c): Measured() for one in asked for c in CONNECTIONS}
    for one in asked:
        load(servers[one.server].port, one.method, one.file, key=key, connections=2, seconds=WARM_SECONDS)
    for _ in range(rounds):
        for connections in CONNECTIONS:
            for one in asked:
                server, into = servers[one.server], results[one.name, connections]
                before = server.cpu_seconds()
                got = load(
                    server.port, one.method, one.file, key=key, connections=connections, seconds=seconds
                )
                into.loads.append(got)
                into.cpu.append(1e3 * (server.cpu_seconds() - before) / max(got.requests, 1))
    return results


@contextmanager
def servers_of(
    demo: Path, model: Path, store: Path, folder: Path, python: str, *, mlflow: bool
) -> Iterator[tuple[dict[str, Running], str]]:
    """Start the servers; yield them with the key that opens ours and the no-op."""
    keys, env = folder / "keys.json", {"OMP_NUM_THREADS": "1"}
    command = [python, "-m", "repurchase.cli"]
    key = _said([*command, "key", "bench", "--keys", str(keys)])
    with ExitStack() as stack:
        ports = {name: free_port() for name in ("noop", "ours", "mlflow")}
        noop = [python, "-m", "serving.noop", "--port", str(ports["noop"]), "--keys", str(keys)]
        ours = [
            *command, "serve", "--store", str(store), "--model", str(model), "--keys", str(keys),
            "--port", str(ports["ours"]), "--no-watch",
        ]  # fmt: skip
        found = {}
        for name, one, ready in (("noop", noop, "/v1/noop"), ("ours", ours, "/health/live")):
            found[name] = stack.enter_context(
                running(name, one, port=ports[name], ready=ready, log=folder / f"{name}.log", env=env)
            )
        if mlflow:
            theirs = [
                sys.executable, "-m", "mlflow", "models", "serve", "-m", MODEL, "--env-manager", "local",
                "--host", "127.0.0.1", "--port", str(ports["mlflow"]),
            ]  # fmt: skip
            there = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # MLflow calls uvicorn
            uri = {"PATH": there, "MLFLOW_TRACKING_URI": f"sqlite:///{(demo / 'mlflow.db').resolve()}"}
            found["mlflow"] = stack.enter_context(
                running("mlflow", theirs, port=ports["mlflow"], ready="/ping",
                        log=folder / "mlflow.log", env={**env, **uri, "MLFLOW_DISABLE_TELEMETRY": "true"})
            )  # fmt: skip
        yield found, key


# ---------------------------------------------------------------- what came out
def bars_of(results: Results, memory: float, *, mlflow: bool) -> list[Bar]:
    """Return the bars at 8 connections, and at 1 where throughput is compared."""
    bars = []
    for c in CONNECTIONS:
        lookup = results["look-up", c].per_second / results["no-op, GET", c].per_second
        score = results["score 1 history", c].per_second / results["no-op, POST of 1 history", c].per_second
        bars += [
            _bar(f"look-up over no-op, {c} connections", lookup, SHARE_OF_LOOKUP, least=True),
            _bar(f"score of 1 history over no-op, {c} connections", score, SHARE_OF_SCORE, least=True),
        ]
        if mlflow:
            theirs = results["score 1 history", c].per_second / results["mlflow, 1 history", c].per_second
            bars.append(
                _bar(f"score of 1 history over mlflow, {c} connections", theirs, TIMES_MLFLOW, least=True)
            )
    many = CONNECTIONS[-1]
    for name, like in (("look-up", "no-op, GET"), ("score 1 history", "no-op, POST of 1 history")):
        times = results[name, many].p99 / results[like, many].p99
        bars.append(_bar(f"p99 of {name} over no-op's, {many} connections", times, TIMES_P99, least=False))
    bars.append(_bar("resident memory of the worker, MB", memory, MOST_MB, least=False))
    return bars


def _bar(what: str, reached: float, asked: float, *, least: bool) -> Bar:
    met = reached >= asked if least else reached <= asked
    return Bar(what, f"{'≥' if least else '≤'} {asked:g}", f"{reached:.3g}", met)


def results_table(asked: Sequence[Target], results: Results) -> Table:
    """Return one row for each target and number of connections."""
    table = Table(title="Requests, one worker each", box=SIMPLE_HEAD)
    for head in ("connections", "asked", "requests/s", "over no-op", "p50 ms", "p99 ms", "CPU ms", "failed"):
        table.add_column(head, justify="left" if head == "asked" else "right")
    for c in CONNECTIONS:
        for one in asked:
            got = results[one.name, c]
            share = f"{got.per_second / results[one.like, c].per_second:.2f}" if one.like else ""
            table.add_row(
                str(c), one.name, f"{got.per_second:,.0f}", share, f"{got.p50:.2f}", f"{got.p99:.2f}",
                f"{got.cpu_ms:.2f}", str(got.failed),
            )  # fmt: skip
        table.add_section()
    return table


def write_csv(path: Path, results: Results) -> None:
    """Write one row for each round."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("asked", "connections", "round", "per_second", "p50_ms", "p99_ms", "cpu_ms", "failed")
        )
        for (name, connections), got in results.items():
            for number, (one, cpu) in enumerate(zip(got.loads, got.cpu, strict=True), start=1):
                figures = (one.per_second, one.p50, one.p99, cpu)
                writer.writerow(
                    (name, connections, number, *(f"{value:.3f}" for value in figures), one.failed)
                )


# ---------------------------------------------------------------- the run
def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtifactError(f"{' '.join(command[:5])} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout.strip()


def _python() -> str:
    """Return the serving group's own environment if it is whole, else this one."""
    trial = [str(SERVING_ENVIRONMENT), "-c", "import serving.noop, repurchase.commands_serving"]
    whole = SERVING_ENVIRONMENT.is_file() and not subprocess.run(trial, capture_output=True).returncode
    return str(SERVING_ENVIRONMENT) if whole else sys.executable


def _prepared(asked: argparse.Namespace, folder: Path, python: str, console: Console) -> Path:
    """Return the store to look up in; the model is made as well where it is missing."""
    if not (asked.demo / "model" / "manifest.json").is_file():
        console.print(f"no model in {asked.demo}: making it (repurchase demo)")
        _said([sys.executable, "-m", "repurchase.cli", "demo", "--out", str(asked.demo)])
    store = folder / "store"
    console.print(f"publishing {asked.customers:,} customers")
    _said([python, "-m", "serving.bench_store", "--customers", str(asked.customers), "--out", str(store)])
    return store


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench_api", description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="What `repurchase demo` made.")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=2, help="Of each measurement.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", help="The interpreter of ours and the no-op.")
    parser.add_argument("--no-mlflow", action="store_true", help="Leave MLflow's server out.")
    parser.add_argument("--out", type=Path, default=Path("bench_api.csv"))
    asked, console = parser.parse_args(arguments), Console(width=120)
    require_wrk()
    python = asked.python or _python()
    console.print(f"ours and the no-op run in {python}; {len(os.sched_getaffinity(0))} cores")
    with tempfile.TemporaryDirectory(prefix="bench_api_") as name:
        folder, model = Path(name), asked.demo / "model"
        store = _prepared(asked, folder, python, console)
        sent = targets(folder, model, asked.customers, asked.seed, mlflow=not asked.no_mlflow)
        started = servers_of(asked.demo, model, store, folder, python, mlflow=not asked.no_mlflow)
        with started as (servers, key):
            results = measure(sent, servers, key, seconds=asked.seconds, rounds=asked.rounds)
            memory = {server: one.memory() for server, one in servers.items()}
    console.print(results_table(sent, results))
    for server, (peak, own) in memory.items():
        console.print(
            f"{server}: resident at most {peak:,.0f} MB, of which at the end {own:,.0f} MB are no file"
        )
    console.print(bars_table("Bars", bars_of(results, memory["ours"][0], mlflow=not asked.no_mlflow)))
    write_csv(asked.out, results)
    console.print(f"each round: {asked.out}")


if __name__ == "__main__":
    try:
        main()
    except ArtifactError as error:
        sys.exit(f"bench_api: {error}")
