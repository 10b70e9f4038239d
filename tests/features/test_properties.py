"""What must hold for every feature of the catalogue, whatever the shop.

The small shops have returns, cancellations, ties, several orders a day, free orders and orders
that lie on two days. The large shop takes the other path of features/running.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.catalog import CATALOG
from features.kernel.declaration import FeatureTable
from features.kernel.history import History
from features.kernel.running import FEW_RUNS, Floats

Row = dict[str, Any]
OPTIONAL = ("product_id", "category", "discount", "coupon", "cost", "channel")
LAST_DAY = 450
SOME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def line(customer: str, order: str, day: int, amount: float, **rest: Any) -> Row:
    """Return one sale line at 10:00 of an integer day; `rest` overrides any column."""
    row: Row = {
        "customer_id": customer,
        "order_id": order,
        "line": 1,
        "ordered_at": datetime(1970, 1, 1) + timedelta(days=day, minutes=rest.pop("minute", 600)),
        "day": day,
        "amount": amount,
        "quantity": 1.0,
        "returned": False,
        "reverses": False,
        "cancelled_day": None,
    }
    return {**row, **rest}


def taken_back(customer: str, order: str, day: int, amount: float, **rest: Any) -> Row:
    """Return a line that takes `amount` (above 0) back."""
    return line(customer, order, day, -amount, **{"returned": True, "quantity": -1.0, "line": 9, **rest})


def contract_order(row: Row) -> tuple[Any, ...]:
    """Return what the contract sorts order lines by."""
    return (row["customer_id"], row["day"], row["ordered_at"], row["order_id"], row["line"])


def history_of(rows: Sequence[Row], optional: Sequence[str] = OPTIONAL) -> History:
    """Sort rows as the contract says and build a history; an optional column that no row has is null."""
    schema = pa.schema([ORDER_LINES.field(name) for name in (*REQUIRED_LINE_COLUMNS, *optional)])
    ordered = sorted(rows, key=contract_order)
    return History.from_lines(
        pa.table({n: [row.get(n) for row in ordered] for n in schema.names}, schema=schema)
    )


def features(rows: Sequence[Row], cutoff: int) -> FeatureTable:
    """Return all features at a cutoff."""
    return CATALOG.compute(history_of(rows), cutoff)


def same_bits(one: Floats, other: Floats) -> bool:
    """Say whether two columns are equal to the last bit, NaN equal to NaN."""
    undefined = np.isnan(one)
    return np.array_equal(undefined, np.isnan(other)) and np.array_equal(
        one[~undefined].view(np.int64), other[~undefined].view(np.int64)
    )


def assert_same(one: FeatureTable, other: FeatureTable, names: Sequence[str] | None = None) -> None:
    """Compare customers and features of two tables to the last bit."""
    assert one.customer_id.tolist() == other.customer_id.tolist()
    wanted = list(one.columns) if names is None else names
    assert [name for name in wanted if not same_bits(one.columns[name], other.columns[name])] == []


def of_customers(table: FeatureTable, customers: Sequence[str]) -> FeatureTable:
    """Return the rows of some customers."""
    return table.take(np.isin(table.customer_id, customers))


# ---------------------------------------------------------------- small shops
MONEY = st.sampled_from([0.0, 0.1, 0.2, 0.3, 9.99, 10.0, 33.33, 1e-3, 123456.78])
DAY = st.one_of(st.integers(0, 40), st.integers(0, LAST_DAY))
LINE = st.fixed_dictionaries(
    {
        "later": st.sampled_from([0, 0, 0, 1, 30]),  # days after the first line of the order
        "amount": MONEY,
        "quantity": st.sampled_from([1.0, 2.0, 12.0]),
        "product_id": st.sampled_from([None, "p1", "p2", "p3"]),
        "category": st.sampled_from([None, "c1", "c2"]),
        "discount": st.sampled_from([None, 0.0, 1.5]),
        "coupon": st.sampled_from([None, "TEN"]),
        "cost": st.sampled_from([None, 0.05, 4.2]),
        "channel": st.sampled_from([None, "web", "shop"]),
        "cancelled_after": st.sampled_from([None, None, None, 0, 1, 60]),
    }
)
ORDER = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from(["1", "2", "3", "10", "11", "12", "13", "14"]),
    DAY,
    st.sampled_from([0, 600, 600, 1100, 1439]),
    st.lists(LINE, min_size=1, max_size=3),
)
RETURN = st.tuples(st.sampled_from("abcde"), DAY, MONEY)


@st.composite
def shops(draw: st.DrawFn) -> list[Row]:
    """Draw the rows of a shop of up to five customers, in the contract's order."""
    rows: list[Row] = []
    for customer, order, day, minute, lines in draw(st.lists(ORDER, min_size=1, max_size=14)):
        for number, one in enumerate(lines):
            rows += _sold(one, customer, order, day, (minute + number) % 1440, len(rows) + 1)
    for customer, day, amount in draw(st.lists(RETURN, max_size=4)):
        rows.append(taken_back(customer, "r", day, amount, line=len(rows) + 1))
    return sorted(rows, key=contract_order)


def _sold(one: dict[str, Any], customer: str, order: str, day: int, minute: int, number: int) -> list[Row]:
    """Return a sale line and, if it is cancelled, the line that undoes it."""
    values = {name: value for name, value in one.items() if name not in ("later", "cancelled_after")}
    day += one["later"]
    sale = line(customer, order, day, minute=minute, line=number, **values)
    if one["cancelled_after"] is None:
        return [sale]
    sale["cancelled_day"] = day + one["cancelled_after"]
    undo = {**values, "amount": -one["amount"], "quantity": -one["quantity"], "discount": None, "cost": None}
    undo |= {"returned": True, "reverses": True, "line": number + 1000}
    return [sale, line(customer, order, sale["cancelled_day"], minute=1439, **undo)]


def known_at(rows: Sequence[Row], cutoff: int) -> list[Row]:
    """Return what the shop's file held at the end of the cutoff day."""
    kept = [dict(row) for row in rows if row["day"] <= cutoff]
    for row in kept:
        if row["cancelled_day"] is not None and row["cancelled_day"] > cutoff:
            row["cancelled_day"] = None
    return kept


def shifted(rows: Sequence[Row], days: int) -> list[Row]:
    """Return the same shop some days later."""
    moved = []
    for row in rows:
        gone = None if row["cancelled_day"] is None else row["cancelled_day"] + days
        at = row["ordered_at"] + timedelta(days=days)
        moved.append({**row, "day": row["day"] + days, "ordered_at": at, "cancelled_day": gone})
    return moved


@SOME
@given(shops(), DAY)
def test_orders_after_the_cutoff_change_nothing(rows: list[Row], cutoff: int) -> None:
    past = known_at(rows, cutoff)
    if past:
        assert_same(features(rows, cutoff), features(past, cutoff))


@SOME
@given(shops(), DAY, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(rows: list[Row], cutoff: int, chance: random.Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert_same(features(rows, cutoff), features(shuffled, cutoff))


@SOME
@given(shops(), DAY, st.sampled_from("abcde"))
def test_an_absurd_amount_in_one_customer_changes_no_other(rows: list[Row], cutoff: int, absurd: str) -> None:
    others = [name for name in "abcde" if name != absurd]
    poisoned = [*rows, line(absurd, "x", 0, 1e12, product_id="p1", discount=1e12, cost=1e12)]
    before, after = (of_customers(features(some, cutoff), others) for some in (rows, poisoned))
    assert_same(before, after)


@SOME
@given(shops(), DAY, st.sets(st.sampled_from("abcde"), max_size=4))
def test_removing_customers_changes_nothing_for_the_rest(
    rows: list[Row], cutoff: int, gone: set[str]
) -> None:
    rest = [row for row in rows if row["customer_id"] not in gone]
    if rest:
        stayed = sorted({row["customer_id"] for row in rest})
        assert_same(of_customers(features(rows, cutoff), stayed), features(rest, cutoff))


@SOME
@given(shops(), DAY)
def test_a_customer_alone_equals_the_same_customer_in_the_base(rows: list[Row], cutoff: int) -> None:
    base = features(rows, cutoff)
    for name in {row["customer_id"] for row in rows}:
        alone = features([row for row in rows if row["customer_id"] == name], cutoff)
        assert_same(of_customers(base, [name]), alone)


@SOME
@given(shops(), DAY, st.integers(-20_000, 20_000))
def test_shifting_all_dates_changes_only_calendar_features(rows: list[Row], cutoff: int, days: int) -> None:
    free = [one.name for one in CATALOG if one.calendar == "none"]
    assert_same(features(rows, cutoff), features(shifted(rows, days), cutoff + days), free)


@SOME
@given(shops(), DAY, st.integers(-2_000, 2_000))
def test_shifting_by_whole_weeks_keeps_the_features_of_the_week(
    rows: list[Row], cutoff: int, weeks: int
) -> None:
    free = [one.name for one in CATALOG if one.calendar in ("none", "week")]
    assert_same(features(rows, cutoff), features(shifted(rows, 7 * weeks), cutoff + 7 * weeks), free)


@pytest.mark.parametrize("name", [one.name for one in CATALOG if one.calendar != "none"])
def test_a_feature_declared_calendar_does_depend_on_the_calendar(name: str) -> None:
    rows = [line("a", "1", 300, 5.0), line("a", "2", 310, 5.0)]
    found = [features(shifted(rows, days), 320 + days).columns[name].tolist() for days in range(60)]
    assert any(values != found[0] for values in found)


@SOME
@given(shops(), DAY)
def test_every_customer_with_a_valid_order_has_one_row_of_defined_basics(
    rows: list[Row], cutoff: int
) -> None:
    def valid(row: Row) -> bool:
        cancelled = row["cancelled_day"] is not None and row["cancelled_day"] <= cutoff
        return row["day"] <= cutoff and not row["returned"] and not cancelled

    table = features(rows, cutoff)
    assert table.customer_id.tolist() == sorted({row["customer_id"] for row in rows if valid(row)})
    basics = ("frequency", "recency", "tenure", "monetary_value", "orders", "recency_days", "spend")
    assert all(np.isfinite(table.columns[name]).all() for name in basics)


# ---------------------------------------------------------------- a large shop: the other path
CUSTOMERS, LONG_ONES = 200, (3, 77, 150)


def large_shop(*, absurd: int = -1) -> pa.Table:
    """Return 200 customers, three of them with far more days than all others."""
    chance = np.random.default_rng(20260501)
    lines = np.where(np.isin(np.arange(CUSTOMERS), LONG_ONES), 160, chance.integers(1, 9, CUSTOMERS))
    customer = np.repeat(np.arange(CUSTOMERS), lines)
    n = len(customer)
    day = chance.integers(0, LAST_DAY, n)
    day = day[np.lexsort((day, customer))]
    amount = np.round(chance.gamma(2.0, 20.0, n), 2)
    if absurd >= 0:
        amount[np.flatnonzero(customer == absurd)[0]] = 1e12
    cancelled = chance.random(n) < 0.05
    texts = {
        name: [f"{name}{i}" for i in chance.integers(0, 5, n)]
        for name in ("product_id", "category", "channel")
    }
    values = {
        "customer_id": [f"c{i:04d}" for i in customer],
        "order_id": [f"{i:06d}" for i in range(n)],
        "line": np.ones(n, dtype=np.int32),
        "ordered_at": day * 86_400_000_000 + 36_000_000_000,
        "day": day.astype(np.int32),
        "amount": amount,
        "quantity": np.ones(n),
        "returned": np.zeros(n, dtype=bool),
        "reverses": np.zeros(n, dtype=bool),
        "cancelled_day": pa.array((day + 20).astype(np.int32), mask=~cancelled),
        "discount": np.round(chance.random(n), 2),
        "coupon": pa.array(["TEN"] * n, mask=chance.random(n) < 0.7),
        "cost": np.round(amount / 3, 2),
        **texts,
    }
    schema = pa.schema([ORDER_LINES.field(name) for name in (*REQUIRED_LINE_COLUMNS, *OPTIONAL)])
    arrays = [
        pa.array(values[f.name]).cast(f.type) if f.name != "ordered_at" else _times(values[f.name])
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _times(microseconds: np.ndarray) -> pa.Array:
    return pa.array(microseconds, pa.int64()).cast(pa.timestamp("us"))


def large_features(keep: Callable[[str], bool] = lambda _: True, *, absurd: int = -1) -> FeatureTable:
    """Return the features of the large shop's kept customers at day 400."""
    table = large_shop(absurd=absurd)
    kept = table.filter(pa.array([keep(name) for name in table["customer_id"].to_pylist()]))
    return CATALOG.compute(History.from_lines(kept), 400)


def test_the_large_shop_takes_the_other_path() -> None:
    runs = History.from_lines(large_shop()).known_on(400).rows.runs
    assert len(runs) >= CUSTOMERS > FEW_RUNS
    assert np.sort(np.diff(runs.starts))[-len(LONG_ONES) - 1] < 12 < 100 < np.sort(np.diff(runs.starts))[-3]


@pytest.mark.parametrize("absurd", [0, 77, 199])
def test_an_absurd_amount_in_a_large_base_changes_no_other(absurd: int) -> None:
    others = [f"c{i:04d}" for i in range(CUSTOMERS) if i != absurd]
    before, after = large_features(), large_features(absurd=absurd)
    assert_same(of_customers(before, others), of_customers(after, others))
    assert np.nanmax(after.columns["amount_largest"]) == 1e12


@pytest.mark.parametrize("most", [1, FEW_RUNS, FEW_RUNS + 1, 120])
def test_a_part_of_a_large_base_equals_the_whole(most: int) -> None:
    part = large_features(lambda name: int(name[1:]) < most)
    assert_same(of_customers(large_features(), part.customer_id.tolist()), part)
    assert len(part) >= most - 2


@pytest.mark.parametrize("customer", [0, 3, 77, 150, 199])
def test_a_customer_alone_equals_the_same_customer_in_a_large_base(customer: int) -> None:
    name = f"c{customer:04d}"
    assert_same(of_customers(large_features(), [name]), large_features(lambda one: one == name))


def test_orders_after_the_cutoff_change_nothing_in_a_large_base() -> None:
    table = large_shop()
    day, cancelled = (np.array(table[name].to_pylist(), dtype=float) for name in ("day", "cancelled_day"))
    late = pa.array(cancelled <= 200, pa.bool_())
    known = pa.array(
        [value if kept else None for value, kept in zip(cancelled, late.to_pylist(), strict=True)]
    )
    cut = table.set_column(9, ORDER_LINES.field("cancelled_day"), known.cast(pa.int32())).filter(
        pa.array(day <= 200)
    )
    assert_same(
        CATALOG.compute(History.from_lines(table), 200), CATALOG.compute(History.from_lines(cut), 200)
    )
