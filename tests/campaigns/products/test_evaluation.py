"""How good the picks would have been: counted a second way, and against the plain rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns.products.baselines import BASELINES, Lists
from campaigns.products.candidates import Weights
from campaigns.products.chances import Curve
from campaigns.products.evaluation import OURS, Wanted, evaluate, last_cutoffs, measure, resampled
from campaigns.products.goods import Goods
from campaigns.sales import Sales
from contracts.days import parse_day
from contracts.errors import DataError
from features.kernel.history import History
from features.orders import read_orders
from tests.campaigns.products.small_shop import END, basket, sales_of

RETAIL = Path(__file__).parents[4] / "shared/data/online_retail_ii/transactions.parquet"
SALES = sales_of(
    [
        *basket("anna", "1", END - 100, "tea", "milk"),
        *basket("anna", "2", END - 20, "tea", "cake", "fresh"),
        *basket("bert", "3", END - 89, "cake"),
        *basket("bert", "4", END - 31, "milk"),
        *basket("carl", "5", END - 10, "tea"),
    ]
)


def test_repeat_and_new_items_are_told_apart_and_unseen_ones_count_as_missed() -> None:
    past = Goods.of(SALES.on(END - 30))
    wanted = Wanted.of(past, Goods.of(SALES))
    assert wanted.count("repeat").tolist() == [1, 0]
    assert (wanted.count("new").tolist(), wanted.count("all").tolist()) == ([2, 0], [3, 0])
    everything = Lists(np.repeat([0, 1], 3), np.tile([0, 1, 2], 2))
    assert [wanted.hits(kind, everything).tolist() for kind in ("repeat", "new", "all")] == [
        [1, 0],
        [1, 0],
        [2, 0],
    ]


def test_what_is_reached_is_what_plain_loops_count() -> None:
    found = {
        (one.kind, one.method): one
        for one in measure(SALES, END - 30, k=2, horizon_days=30, weights=Weights())
    }
    new = found["new", OURS]
    assert (new.person.tolist(), new.hits.tolist(), new.wanted.tolist()) == ([0], [1], [2])
    assert found["repeat", "personal frequency"].recall.tolist() == [1.0]


def test_a_plain_rule_lists_what_most_customers_bought_lately() -> None:
    past = Goods.of(SALES.on(END - 31))
    lists = BASELINES["popularity, 30 days"](past, 1)
    ids = past.ids.to_pylist()
    assert [ids[place] for place in lists["all"].product] == ["milk", "milk"]
    assert [ids[place] for place in lists["new"].product] == ["cake", "tea"]


def test_an_interval_over_customers_is_wider_where_few_customers_have_many_rows() -> None:
    values = np.array([0.0, 1.0] * 50)
    many = resampled(np.arange(100), values, draws=300, seed=1)
    few = resampled(np.repeat(np.arange(4), 25), np.repeat([0.0, 1.0, 0.0, 1.0], 25), draws=300, seed=1)
    assert many[0] == few[0] == 0.5
    assert few[2] - few[1] > many[2] - many[1]


def test_a_curve_finds_the_law_it_was_drawn_from() -> None:
    chance = np.random.default_rng(5)
    inputs = np.column_stack([np.ones(40_000), chance.normal(0, 1, 40_000), chance.uniform(0, 6, 40_000)])
    bought = chance.random(40_000) < Curve((-2.0, 0.8, -0.3)).chance(inputs)
    curve = Curve.fit(inputs, bought)
    assert curve is not None and curve.numbers == pytest.approx((-2.0, 0.8, -0.3), abs=0.12)
    assert Curve.fit(inputs, np.zeros(40_000, dtype=bool)) is None
    assert Curve.fit(inputs * [1.0, -1.0, 1.0], bought) is None


def test_days_without_a_full_horizon_are_refused() -> None:
    with pytest.raises(DataError, match="Give another cutoff"):
        evaluate(SALES, [END - 10])
    with pytest.raises(DataError, match="needs 90"):
        last_cutoffs(sales_of(basket("anna", "1", END - 50, "tea")))
    assert last_cutoffs(SALES, count=5) == [END - 30]


@pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")
def test_on_online_retail_new_picks_beat_what_is_popular_by_half() -> None:
    history = History.from_lines(read_orders(RETAIL, until=parse_day("2011-07-04")).lines)
    table = evaluate(Sales.of(history, parse_day("2011-07-04")), [parse_day("2011-06-04")], draws=50)
    rows = {(row["kind"], row["method"]): row for row in table.to_pylist()}
    ours, popular = rows["new", OURS], rows["new", "popularity, 30 days"]
    assert ours["recall"] > 1.5 * popular["recall"] and popular["difference_lower"] > 0
    assert rows["repeat", "personal frequency"]["difference_lower"] > 0
