from __future__ import annotations

import dataclasses
import hashlib
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.errors import DeclarationError
from experiments.worlds import World, generate
from experiments.worlds_blocks import Maker
from experiments.worlds_customers import Clock, Customers, Floats, Orders, expected_orders
from features.orders import read_orders
from tests import worlds

SMALL = World(lines=30_000, block_lines=10_000)


@cache
def folder() -> Path:
    """Return the folder of a world of 60,000 lines with events and truth, made once."""
    out = worlds.home() / "world"
    generate(World(lines=60_000, seed=5, block_lines=20_000), out, events=True, truth=True)
    return out


def ask(query: str) -> list[tuple[object, ...]]:
    """Answer a query about that world, whose tables are views."""
    with duckdb.connect() as con:
        for name in ("orders", "events", "truth"):
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder() / name}.parquet'")
        return con.execute(query).fetchall()


def digest(out: Path) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())]


def test_the_same_world_gives_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "one", events=True, truth=True, threads=1)
    generate(SMALL, tmp_path / "three", events=True, truth=True, threads=3)
    assert digest(tmp_path / "one") == digest(tmp_path / "three")


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate(dataclasses.replace(SMALL, seed=seed), tmp_path / str(seed))
    one, two = (pq.read_table(tmp_path / str(seed) / "orders.parquet") for seed in (1, 2))
    assert one["amount"].to_pylist()[:100] != two["amount"].to_pylist()[:100]


def test_a_block_depends_on_no_other_block(tmp_path: Path) -> None:
    generate(SMALL, tmp_path)
    file = pq.ParquetFile(tmp_path / "orders.parquet")
    alone = Maker.of(SMALL).block(2).lines
    assert file.num_row_groups == 3
    assert file.read_row_group(2).equals(alone.cast(file.schema_arrow))


@pytest.mark.parametrize(("lines", "seed"), [(3_000, 1), (30_000, 2), (30_000, 3), (200_000, 4)])
def test_as_many_lines_come_as_were_asked_for(tmp_path: Path, lines: int, seed: int) -> None:
    generated = generate(World(lines=lines, seed=seed), tmp_path)
    assert generated.lines == pq.read_metadata(tmp_path / "orders.parquet").num_rows
    assert generated.lines == pytest.approx(lines, rel=0.01)


def test_the_numbers_that_are_returned_are_those_in_the_files(tmp_path: Path) -> None:
    made = generate(SMALL, tmp_path, events=True)
    orders = pq.read_table(tmp_path / "orders.parquet")
    sales = orders.filter(pc.greater(orders["quantity"], 0))
    assert made.customers == pc.count_distinct(orders["customer_id"]).as_py()
    assert made.orders == pc.count_distinct(sales["order_id"]).as_py()
    assert made.returns == len(orders) - len(sales)
    assert made.events == pq.read_metadata(tmp_path / "events.parquet").num_rows


def test_a_customer_has_about_nine_lines_in_about_three_orders() -> None:
    [(lines, orders)] = ask(
        """SELECT count(*) / count(DISTINCT customer_id), count(*) / count(DISTINCT order_id)
           FROM orders WHERE quantity > 0"""
    )
    assert lines == pytest.approx(8.95, rel=0.05)
    assert orders == pytest.approx(2.97, rel=0.02)


def test_rates_and_chances_to_leave_are_as_declared() -> None:
    [(rate, leaves, alive, regular)] = ask(
        "SELECT avg(rate), avg(leaves), avg(alive::INT), avg((stages > 1)::INT) FROM truth"
    )
    assert rate == pytest.approx(1 / 65, rel=0.06)
    assert leaves == pytest.approx(0.25, rel=0.05)
    assert alive == pytest.approx(0.47, abs=0.03)
    assert regular == pytest.approx(0.25, abs=0.03)


def test_who_has_left_orders_no_more() -> None:
    [(gone, later)] = ask(
        """SELECT count(DISTINCT customer_id), count(*) FILTER (quantity > 0 AND ordered_at > alive_until)
           FROM orders JOIN truth USING (customer_id) WHERE NOT alive"""
    )
    assert gone == ask("SELECT count(*) FROM truth WHERE alive_until IS NOT NULL")[0][0]
    assert later == 0


def test_december_is_the_peak() -> None:
    rows = ask(
        """SELECT month(ordered_at), count(*)::DOUBLE FROM orders
           WHERE quantity > 0 AND ordered_at BETWEEN '2024-07-01' AND '2025-06-30' GROUP BY 1 ORDER BY 1"""
    )
    lines = {month: float(str(count)) for month, count in rows}
    assert max(lines, key=lambda month: lines[month]) == 12
    assert 1.4 < lines[12] / ((lines[10] + lines[2]) / 2) < 2.4


def test_four_in_a_hundred_lines_come_back_under_a_new_order_id() -> None:
    [(share, reused, whole)] = ask(
        """SELECT avg((quantity < 0)::INT),
                  count(*) FILTER (quantity < 0 AND order_id IN (SELECT order_id FROM orders WHERE quantity > 0)),
                  count(*) FILTER (amount >= 0 AND quantity < 0) FROM orders"""
    )
    assert share == pytest.approx(0.039, abs=0.003)
    assert (reused, whole) == (0, 0)


def test_every_return_has_its_sale_days_before_and_pays_back_no_more() -> None:
    [(returns, matched)] = ask(
        """WITH back AS (SELECT * FROM orders WHERE quantity < 0)
           SELECT count(*), count(*) FILTER (EXISTS (
             SELECT 1 FROM orders sale WHERE sale.customer_id = back.customer_id
             AND sale.product_id = back.product_id AND sale.quantity >= -back.quantity
             AND sale.ordered_at::DATE < back.ordered_at::DATE AND sale.amount >= -back.amount)) FROM back"""
    )
    assert returns == matched
    assert ask("SELECT count(*) > 100 FROM orders WHERE quantity < -1") == [(True,)]


def test_sale_days_bring_discounts_and_coupons() -> None:
    [(sale, plain)] = ask(
        """WITH lines AS (SELECT *, ordered_at::DATE BETWEEN '2024-11-28' AND '2024-12-02' AS sale FROM orders)
           SELECT avg((discount > 0)::INT) FILTER (sale), avg((discount > 0)::INT) FILTER (month(ordered_at) = 10)
           FROM lines WHERE quantity > 0"""
    )
    assert isinstance(sale, float)
    assert isinstance(plain, float)
    assert sale > 3 * plain


def test_amount_is_price_times_quantity_less_discount() -> None:
    assert ask(
        """SELECT count(*) FROM orders
           WHERE quantity > 0 AND abs(amount - (quantity * unit_price - discount)) > 0.005001"""
    ) == [(0,)]


def test_no_order_holds_a_product_twice() -> None:
    assert ask("SELECT count(*) FROM (SELECT DISTINCT order_id, product_id FROM orders)") == ask(
        "SELECT count(*) FROM orders"
    )


def test_events_and_truth_are_written_only_when_asked_for(tmp_path: Path) -> None:
    assert generate(SMALL, tmp_path).events == 0
    assert [path.name for path in tmp_path.iterdir()] == ["orders.parquet"]


def test_asking_for_events_changes_no_order(tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "without")
    generate(SMALL, tmp_path / "with", events=True, truth=True)
    one, two = (pq.read_table(tmp_path / name / "orders.parquet") for name in ("without", "with"))
    assert one.equals(two)


def test_events_lie_inside_the_history_in_every_kind() -> None:
    rows = ask(
        "SELECT kind, min(occurred_at) >= '2023-07-02', max(occurred_at) < '2025-07-01' FROM events GROUP BY 1"
    )
    assert all(first and last for _, first, last in rows)
    assert {kind for kind, *_ in rows} == {
        "email_sent", "email_open", "email_click", "visit", "cart_add", "cart_abandon",
    }  # fmt: skip


def test_those_who_have_left_open_fewer_letters() -> None:
    rows = ask(
        """SELECT coalesce(occurred_at > alive_until, false) AS gone,
                  count(*) FILTER (kind = 'email_open') / count(*) FILTER (kind = 'email_sent')
           FROM events JOIN truth USING (customer_id) GROUP BY 1 ORDER BY 1"""
    )
    assert rows[0][1] == pytest.approx(0.35, abs=0.02)
    assert rows[1][1] == pytest.approx(0.04, abs=0.015)


def test_our_own_reader_takes_every_row() -> None:
    orders = read_orders(folder() / "orders.parquet")
    assert orders.report.kept == orders.report.read
    assert set(pa.schema(orders.lines.schema).names) >= {
        "product_id",
        "category",
        "coupon",
        "cost",
        "country",
    }


def test_a_world_that_cannot_be_is_refused() -> None:
    with pytest.raises(DeclarationError, match="of 0 lines"):
        World(lines=0)
    with pytest.raises(DeclarationError, match="before 1970"):
        World(lines=10, last_day=date(1970, 3, 1))


def test_what_fails_leaves_the_earlier_world_and_nothing_half_done(tmp_path: Path) -> None:
    generate(SMALL, tmp_path)
    before = digest(tmp_path)
    (tmp_path / ".truth.parquet.part").mkdir()
    with pytest.raises(OSError, match="truth"):
        generate(dataclasses.replace(SMALL, seed=2), tmp_path, truth=True)
    (tmp_path / ".truth.parquet.part").rmdir()
    assert digest(tmp_path) == before


# ---------------------------------------------------------------- the truth, a second way
def standing(*, rate: float, leaves: float, stages: int, waited: float) -> tuple[Customers, Orders]:
    """Return one customer who is alive and has not ordered for `waited` busy days."""
    one, none = np.ones(1, dtype=np.int32), np.zeros(1, dtype=np.int32)
    yes, at = np.ones(1, dtype=np.bool_), np.zeros(1, dtype=np.int64)
    customers = Customers(
        np.array([rate]), np.array([leaves]), stages * one, np.ones(1), none, none, none, subscribed=yes
    )
    return customers, Orders(none, at, yes, yes, np.array([waited]), at)


def simulated(*, rate: float, leaves: float, stages: int, waited: float, ahead: float, n: int) -> Floats:
    """Count the orders of n such customers, each gap drawn as it stands, the first given the wait so far."""
    chance = np.random.default_rng(7)
    gaps = chance.gamma(stages, 1 / (stages * rate), 50 * n)
    at = gaps[gaps > waited][:n] - waited
    count, here = np.zeros(n), np.ones(n, dtype=np.bool_)
    assert len(at) == n
    while np.any(here := here & (at < ahead)):
        count += here
        here &= chance.random(n) >= leaves
        at = at + chance.gamma(stages, 1 / (stages * rate), n)
    return count


@pytest.mark.parametrize("stages", [1, 4])
@pytest.mark.parametrize(("rate", "leaves", "waited"), [(1 / 20, 0.2, 0.0), (1 / 45, 0.05, 60.0)])
def test_expected_orders_are_those_of_a_simulation(
    stages: int, rate: float, leaves: float, waited: float
) -> None:
    found = expected_orders(*standing(rate=rate, leaves=leaves, stages=stages, waited=waited), ahead=90.0)
    counted = simulated(rate=rate, leaves=leaves, stages=stages, waited=waited, ahead=90.0, n=20_000)
    assert found[0] == pytest.approx(counted.mean(), abs=4 * counted.std() / 20_000**0.5)


def test_busy_days_equal_calendar_days_over_the_history_and_run_fast_before_christmas() -> None:
    clock = Clock.of(date(2024, 11, 30), 730)
    assert clock.busy[24 * 730] == pytest.approx(730.0)
    assert clock.ahead(31) > 1.4 * 31
    assert clock.seconds(np.array([0.0]))[0] == clock.first_day * 86_400
