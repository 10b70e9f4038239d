"""What must hold for every feature of the catalogue, whatever the shop.

The features of one customer may depend on others only through the reference tables. The large shop takes the other
path of features/kernel/running.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tables import EVENT_KINDS, EVENTS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.catalog import CATALOG, REFERENCES
from features.kernel.declaration import FeatureTable
from features.kernel.history import History
from features.kernel.population import fit_references
from features.kernel.reference import References
from features.kernel.running import FEW_RUNS, Floats
from tests.features.shops import (
    DAY,
    OPTIONAL,
    SOME,
    Row,
    Shop,
    contract_order,
    event,
    history_of,
    known_at,
    line,
    shifted,
    shops,
    taken_back,
    whole_shops,
)

# The builders of small shops, for other tests.
__all__ = ["DAY", "OPTIONAL", "SOME", "Row", "contract_order", "history_of", "line", "shops", "taken_back"]


def tables_of(shop: Shop, cutoff: int) -> References:
    """Return the reference tables of a shop at the end of a day."""
    return fit_references(REFERENCES, shop.history, cutoff)


def features(shop: Shop, cutoff: int, *, given: References | None = None) -> FeatureTable:
    """Return all features at a cutoff, by given reference tables or the shop's own."""
    tables = tables_of(shop, cutoff) if given is None else given
    return CATALOG.compute(shop.history, cutoff, references=tables)


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


def without(shop: Shop, gone: set[str]) -> Shop:
    """Return a shop without the order lines of some customers."""
    rest = [row for row in shop.rows if row["customer_id"] not in gone]
    return Shop(rest, shop.events, shop.people)


@SOME
@given(whole_shops(), DAY)
def test_what_comes_after_the_cutoff_changes_nothing(shop: Shop, cutoff: int) -> None:
    past = known_at(shop, cutoff)
    if past.rows:
        assert tables_of(shop, cutoff).to_plain() == tables_of(past, cutoff).to_plain()
        assert_same(features(shop, cutoff), features(past, cutoff))


@SOME
@given(whole_shops(), DAY, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(shop: Shop, cutoff: int, chance: random.Random) -> None:
    mixed = Shop(*(chance.sample(rows, len(rows)) for rows in (shop.rows, shop.events, shop.people)))
    assert tables_of(shop, cutoff).to_plain() == tables_of(mixed, cutoff).to_plain()
    assert_same(features(shop, cutoff), features(mixed, cutoff))


@SOME
@given(whole_shops(), DAY, st.sampled_from("abcde"))
def test_an_absurd_amount_in_one_customer_changes_no_other(shop: Shop, cutoff: int, absurd: str) -> None:
    others, tables = [name for name in "abcde" if name != absurd], tables_of(shop, cutoff)
    texts = {"product_id": "p1", "category": "c1", "coupon": "TEN", "channel": "web", "country": "FR"}
    more = line(absurd, "x", 0, 1e12, discount=1e12, cost=1e12, **texts)
    poisoned = Shop([*shop.rows, more], shop.events, shop.people)
    before, after = (features(one, cutoff, given=tables) for one in (shop, poisoned))
    assert_same(of_customers(before, others), of_customers(after, others))


@SOME
@given(whole_shops(), DAY, st.sets(st.sampled_from("abcde"), max_size=4))
def test_removing_customers_changes_nothing_for_the_rest(shop: Shop, cutoff: int, gone: set[str]) -> None:
    rest, tables = without(shop, gone), tables_of(shop, cutoff)
    if rest.rows:
        stayed = sorted({row["customer_id"] for row in rest.rows})
        before, after = (features(one, cutoff, given=tables) for one in (shop, rest))
        assert_same(of_customers(before, stayed), after)


@SOME
@given(whole_shops(), DAY)
def test_a_customer_alone_equals_the_same_customer_in_the_base(shop: Shop, cutoff: int) -> None:
    tables, everyone = tables_of(shop, cutoff), {row["customer_id"] for row in shop.rows}
    base = features(shop, cutoff, given=tables)
    for name in everyone:
        alone = features(without(shop, everyone - {name}), cutoff, given=tables)
        assert_same(of_customers(base, [name]), alone)


@SOME
@given(whole_shops(), DAY, st.integers(-20_000, 20_000))
def test_shifting_all_dates_changes_only_calendar_features(shop: Shop, cutoff: int, days: int) -> None:
    free = [one.name for one in CATALOG if one.calendar == "none"]
    assert_same(features(shop, cutoff), features(shifted(shop, days), cutoff + days), free)


@SOME
@given(whole_shops(), DAY, st.integers(-2_000, 2_000))
def test_shifting_by_whole_weeks_keeps_the_features_of_the_week(shop: Shop, cutoff: int, weeks: int) -> None:
    free = [one.name for one in CATALOG if one.calendar in ("none", "week")]
    assert_same(features(shop, cutoff), features(shifted(shop, 7 * weeks), cutoff + 7 * weeks), free)


@pytest.mark.parametrize("name", [one.name for one in CATALOG if one.calendar != "none"])
def test_a_feature_declared_calendar_does_depend_on_the_calendar(name: str) -> None:
    shop = Shop([line("a", "1", 300, 5.0), line("a", "2", 310, 5.0), line("b", "3", 250, 9.0)])
    one = CATALOG.pick([name])
    found = []
    for days in range(60):
        moved = shifted(shop, days)
        tables = tables_of(moved, 320 + days)
        table = one.compute(moved.history, 320 + days, references=tables)
        found.append(table.columns[name].tolist())
    assert any(values != found[0] for values in found)


@SOME
@given(whole_shops(), DAY)
def test_no_feature_is_ever_infinite(shop: Shop, cutoff: int) -> None:
    found = features(shop, cutoff).columns
    assert [name for name, values in found.items() if np.isinf(values).any()] == []


@SOME
@given(whole_shops(), DAY)
def test_every_customer_with_a_valid_order_has_one_row_of_defined_basics(shop: Shop, cutoff: int) -> None:
    def valid(row: Row) -> bool:
        cancelled = row["cancelled_day"] is not None and row["cancelled_day"] <= cutoff
        return row["day"] <= cutoff and not row["returned"] and not cancelled

    table = features(shop, cutoff)
    assert table.customer_id.tolist() == sorted({row["customer_id"] for row in shop.rows if valid(row)})
    basics = ("frequency", "recency", "tenure", "monetary_value", "orders", "recency_days", "spend")
    assert all(np.isfinite(table.columns[name]).all() for name in basics)


# ---------------------------------------------------------------- a large shop: the other path
CUSTOMERS, LONG_ONES, DAYS, CUTOFF = 200, (3, 77, 150), 450, 400


def large_shop(*, absurd: int = -1) -> pa.Table:
    """Return 200 customers, three of them with far more days than all others."""
    chance = np.random.default_rng(20260501)
    lines = np.where(np.isin(np.arange(CUSTOMERS), LONG_ONES), 160, chance.integers(1, 9, CUSTOMERS))
    customer = np.repeat(np.arange(CUSTOMERS), lines)
    n = len(customer)
    day = chance.integers(0, DAYS, n)
    day = day[np.lexsort((day, customer))]
    amount = np.round(chance.gamma(2.0, 20.0, n), 2)
    if absurd >= 0:
        amount[np.flatnonzero(customer == absurd)[0]] = 1e12
    cancelled = chance.random(n) < 0.05
    texts = {
        name: [f"{name}{i}" for i in chance.integers(0, 5, n)]
        for name in ("product_id", "category", "channel", "country")
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


@cache
def large_events() -> pa.Table:
    """Return ten events of each customer."""
    chance = np.random.default_rng(7)
    rows = [
        event(f"c{i:04d}", day, str(chance.choice(EVENT_KINDS)))
        for i in range(CUSTOMERS)
        for day in sorted(chance.integers(0, DAYS, 10).tolist())
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS)


@cache
def large_tables() -> References:
    """Return the large shop's reference tables."""
    return fit_references(REFERENCES, History.from_lines(large_shop()), CUTOFF)


def large_features(keep: Callable[[str], bool] = lambda _: True, *, absurd: int = -1) -> FeatureTable:
    """Return the features of the large shop's kept customers at the cutoff."""
    table = large_shop(absurd=absurd)
    kept = table.filter(pa.array([keep(name) for name in table["customer_id"].to_pylist()]))
    return features_of(kept, CUTOFF, large_tables())


def features_of(lines: pa.Table, cutoff: int, tables: References) -> FeatureTable:
    """Return the features of some lines and all events."""
    history = History.from_lines(lines, events=large_events())
    return CATALOG.available(history.optional, tables).compute(history, cutoff, references=tables)


def test_the_large_shop_takes_the_other_path() -> None:
    runs = History.from_lines(large_shop()).known_on(CUTOFF).rows.runs
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
    tables = [fit_references(REFERENCES, History.from_lines(one), 200) for one in (table, cut)]
    assert tables[0].to_plain() == tables[1].to_plain()
    assert_same(features_of(table, 200, tables[0]), features_of(cut, 200, tables[1]))
