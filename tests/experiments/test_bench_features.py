from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.days import to_date
from experiments.bench_cost import measure
from experiments.bench_features import (
    Row,
    as_table,
    count_features,
    cutoff_days,
    findings,
    our_command,
    write_csv,
)
from experiments.bench_peers import FEATURES, differences, duckdb_features, pandas_features, prepare
from experiments.worlds import World, generate
from features.catalog import CATALOG
from features.kernel.history import History
from features.orders import read_orders
from features.panel import build_panel
from features.panel import cutoff_days as panel_cutoffs
from tests import worlds

CUTOFFS = cutoff_days(12)[::5]


@cache
def shop() -> Path:
    """Return the folder of a shop of 20,000 lines, with the peers' prepared lines."""
    folder = worlds.home() / "bench"
    generate(World(lines=20_000, seed=3), folder)
    prepare(folder / "orders.parquet", [], folder / "lines.parquet")
    return folder


@cache
def answers(way: str) -> Path:
    """Return the answers of one way at three cutoffs."""
    out = shop() / way
    if way == "ours":
        history = History.from_lines(read_orders(shop() / "orders.parquet").lines)
        out.mkdir()
        table = build_panel(history, CUTOFFS, catalog=CATALOG.pick(FEATURES)).to_arrow()
        pq.write_table(table, out / "part-0000.parquet")
    else:
        {"duckdb": duckdb_features, "pandas": pandas_features}[way](shop() / "lines.parquet", CUTOFFS, out)
    return out


@pytest.mark.parametrize("other", ["pandas", "ours"])
def test_all_ways_give_the_same_features(other: str) -> None:
    found = differences(answers("duckdb"), answers(other))
    assert found.pop("rows") > 3_000
    assert {name: apart for name, apart in found.items() if apart > 1e-9} == {}


def test_the_benchmark_has_26_features_of_the_catalogue() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 26
    assert set(FEATURES) <= {one.name for one in CATALOG}
    assert count_features(answers("ours")) == 26


def test_the_peers_find_the_same_cancellations_as_our_cleaning() -> None:
    ours = read_orders(shop() / "orders.parquet").lines
    with duckdb.connect() as con:
        con.register("ours", ours)
        columns = "customer_id, order_id, day, amount, quantity, returned, cancelled_day"
        prepared = f"SELECT {columns} FROM '{shop() / 'lines.parquet'}'"
        [(apart, cancelled)] = con.execute(
            f"""SELECT (SELECT count(*) FROM (({prepared}) EXCEPT ALL SELECT {columns} FROM ours)),
                       (SELECT count(cancelled_day) FROM ours)"""
        ).fetchall()
    assert apart == 0
    assert cancelled > 100


def test_a_history_counted_by_hand(tmp_path: Path) -> None:
    rows = [
        ("a", "1", 19_994, 10.0, 1.0, False, None),  # a Saturday
        ("a", "1", 19_994, 30.0, 2.0, False, 19_999),
        ("a", "2", 19_997, 5.0, 1.0, False, None),
        ("a", "3", 19_999, -30.0, -2.0, True, None),
        ("a", "4", 20_005, 99.0, 1.0, False, None),
    ]
    names = ["customer_id", "order_id", "day", "amount", "quantity", "returned", "cancelled_day"]
    columns = [list(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, names=names), tmp_path / "lines.parquet")
    duckdb_features(tmp_path / "lines.parquet", [20_004], tmp_path / "out")
    [found] = pq.read_table(tmp_path / "out").to_pylist()
    wanted = {
        "frequency": 1, "recency": 3, "tenure": 10, "monetary_value": 7.5, "orders": 2, "lines": 2, "orders_7d": 0,
        "orders_14d": 2, "spend": 15, "spend_7d": -30, "spend_14d": 15, "recency_days": 7, "order_value": 7.5,
        "amount_largest": 10, "refund_share": 30 / 45, "weekend_share": 0.5, "cutoff": to_date(20_004),
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def answer(path: Path, rows: list[tuple[str, float | None]]) -> Path:
    """Write an answer in which every feature of a customer has one value."""
    ids, values = zip(*rows, strict=True)
    columns = {name: pa.array(values, pa.float64()) for name in FEATURES}
    days = pa.array([to_date(20_000)] * len(rows))
    pq.write_table(pa.table({"customer_id": list(ids), "cutoff": days, **columns}), path)
    return path


@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        ([("a", 200.0)], [("a", 200.002)], 1e-5),
        ([("a", 0.0)], [("a", 1e-12)], 1e-12),
        ([("a", None)], [("a", float("nan"))], 0.0),
        ([("a", None)], [("a", 1.0)], float("inf")),
        ([("a", 1.0), ("b", 1.0)], [("a", 1.0)], float("inf")),
        ([("a", 1.0)], [("a", 1.0), ("b", None)], float("inf")),
    ],
)
def test_answers_that_differ_are_told_apart(
    tmp_path: Path, left: list[tuple[str, float | None]], right: list[tuple[str, float | None]], apart: float
) -> None:
    found = differences(answer(tmp_path / "l.parquet", left), answer(tmp_path / "r.parquet", right))
    assert found["spend"] == pytest.approx(apart, rel=1e-3)


def test_a_measured_command_counts_the_memory_and_cpu_of_its_children() -> None:
    child = "import time; data = bytearray(150 << 20); time.sleep(0.4); sum(range(5_000_000))"
    run = f"import subprocess, sys; data = bytearray(100 << 20); subprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", run])
    assert cost.code == 0
    assert 0.24 < cost.peak < 0.4
    assert 0.05 < cost.cpu < 5
    assert cost.wall > 0.4


def test_a_command_that_fails_says_why() -> None:
    cost = measure([sys.executable, "-c", "import sys; print('no such option'); print('---'); sys.exit(3)"])
    assert (cost.code, cost.said) == (3, "no such option")


def test_the_cutoffs_are_those_that_our_command_takes() -> None:
    last = cutoff_days(1)[0] + 90
    assert cutoff_days(12) == panel_cutoffs(last, horizon=90, count=12, first_day=0)
    command = our_command(Path("orders.parquet"), Path("out"), 12, ("spend", "orders"))
    assert command[command.index("--cutoffs") + 1] == "12"
    assert command[command.index("--pick") + 1] == "spend,orders"


def row(way: str, *, cpu: float, lines: int = 10, cutoffs: int = 12, ok: bool = True) -> Row:
    return Row(way, lines, cutoffs, "26", cpu, cpu, 1.0, ok)


def test_the_findings_take_the_better_peer_and_leave_out_what_failed() -> None:
    peers = [
        row("prepare", cpu=10.0),
        row("duckdb", cpu=40.0),
        row("pandas", cpu=30.0),
        row("pandas", cpu=1.0, ok=False),
    ]
    prepared, raw = findings([*peers, row("ours", cpu=10.0), row("ours, raw", cpu=20.0)])
    assert prepared == "CPU over ours, from prepared lines: pandas 3.00, duckdb 4.00"
    assert raw == "CPU of pandas, the better peer, over ours, from raw lines: 2.00"


def test_the_slope_compares_the_large_shop_with_the_first() -> None:
    rows = [row("ours, all", cpu=5.0, cutoffs=1), row("ours, all", cpu=60.0, lines=100, cutoffs=1)]
    assert findings(rows) == ["10 times the lines: 12.0 times the time, 12.0 times the CPU"]


def test_the_table_is_written_as_csv(tmp_path: Path) -> None:
    write_csv(tmp_path / "bench.csv", [row("ours", cpu=1.5)])
    text = (tmp_path / "bench.csv").read_text().splitlines()
    assert text == ["way,lines,cutoffs,features,cpu,wall,peak,ok", "ours,10,12,26,1.5,1.5,1.0,True"]
    assert as_table([row("ours", cpu=1.5, ok=False)]).row_count == 1
