from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from contracts.days import to_day
from contracts.errors import DeclarationError
from contracts.tables import ORDER_LINES
from experiments.known_worlds import AS_OF, LAWS, AnyTime, AtOrders, Drawn, Law, World, draw
from features.kernel.history import History
from features.panel import outcome_at

pytestmark = pytest.mark.lab


@cache
def drawn(name: str) -> Drawn:
    """Return 4,000 customers of a world."""
    return draw(name, customers=4_000, seed=3)


def gaps(of: Drawn) -> np.ndarray:
    """Return the busy days between each customer's orders."""
    busy = of.world.busy(of.time)
    return np.diff(busy)[np.diff(of.customer) == 0]


@pytest.mark.parametrize("name", LAWS)
def test_a_world_is_a_function_of_its_seed_and_size(name: str) -> None:
    one, same, other = (draw(name, customers=500, seed=seed) for seed in (1, 1, 2))
    assert one.lines(until=AS_OF).equals(same.lines(until=AS_OF))
    assert not one.lines(until=AS_OF).equals(other.lines(until=AS_OF))


@pytest.mark.parametrize("name", LAWS)
def test_the_lines_are_order_lines_of_every_customer_within_the_days(name: str) -> None:
    lines = drawn(name).lines(until=AS_OF)
    history = History.from_lines(lines)
    assert lines.schema.field("ordered_at").equals(ORDER_LINES.field("ordered_at"))
    assert history.customer_ids.tolist() == [f"{i:04d}" for i in range(4_000)]
    assert history.first_order_day == AS_OF - 799
    assert history.last_order_day == AS_OF


@pytest.mark.parametrize("horizon", [1, 90, 365])
def test_who_bought_is_what_the_order_lines_say_later(horizon: int) -> None:
    world = drawn("seasonal")
    later = History.from_lines(world.lines(until=AS_OF + 400))
    said = outcome_at(later, np.arange(4_000), AS_OF, horizon).bought
    assert np.array_equal(world.bought(horizon), said)


def test_an_order_at_the_very_start_of_the_next_day_is_not_yet_known() -> None:
    world = World(LAWS["bgnbd"], as_of=100, days=10)
    edge = Drawn(world, 1, np.zeros(3, np.int64), np.array([0.0, 9.999, 10.0]), np.ones(3))
    assert edge.lines(until=100)["day"].to_pylist() == [91, 100]
    assert edge.bought(1).tolist() == [1.0]


def test_christmas_is_twice_an_even_day_and_the_same_every_year() -> None:
    world = World(LAWS["seasonal"], as_of=to_day(date(2025, 9, 30)), days=800)
    pace = {
        day: world.busy_at(to_day(day) - world.first_day + 1) - world.busy_at(to_day(day) - world.first_day)
        for day in (date(2023, 12, 10), date(2024, 12, 10), date(2025, 4, 10), date(2025, 7, 25))
    }
    assert list(pace.values()) == pytest.approx([2.0, 2.0, 1.0, 0.7], abs=0.005)


@pytest.mark.parametrize(("name", "after_a_year"), [("shifting", 0.6), ("drifting", 0.36)])
def test_the_level_falls_by_40_percent_in_the_last_year_and_then_stays_or_falls_on(
    name: str, after_a_year: float
) -> None:
    world = World(LAWS[name], as_of=AS_OF, days=800)
    paces = [world.busy_at(at + 1) - world.busy_at(at) for at in (0, 400, 799, 799 + 365)]
    assert paces == pytest.approx([1.0, 1.0, 0.6, after_a_year], rel=0.03)


def test_busy_time_and_calendar_time_undo_each_other() -> None:
    world = World(LAWS["seasonal"], as_of=AS_OF, days=800)
    times = np.linspace(0.0, 1_200.0, 1_000)
    assert world.time(world.busy(times)) == pytest.approx(times, abs=1e-9)


def test_newer_customers_of_a_shifting_world_order_less_often_at_the_start() -> None:
    world = drawn("shifting")
    first = np.flatnonzero(np.diff(world.customer, prepend=-1))
    begun = world.world.busy(world.time[first])
    count = np.zeros(world.customers)
    soon = world.world.busy(world.time) <= begun[world.customer] + 60.0
    np.add.at(count, world.customer[soon], 1.0)
    old, new = world.time[first] < 200.0, world.time[first] > 600.0
    assert count[new].mean() - 1.0 < 0.8 * (count[old].mean() - 1.0)


def test_the_gaps_of_three_stages_vary_less() -> None:
    even = Law(1e6, 3e7, AtOrders(1e-6, 1.0))  # everybody orders every 30 days and stays
    for stages, variation in ((1, 1.0), (3, 1 / np.sqrt(3))):
        law = Law(even.r, even.alpha, even.leaves, stages=((stages, 1.0),))
        found = gaps(draw(law, customers=300, seed=1))
        assert found.mean() == pytest.approx(30.0, rel=0.06)
        assert found.std() / found.mean() == pytest.approx(variation, rel=0.06)


@pytest.mark.parametrize(("first", "share"), [(False, 0.0), (True, 0.5)])
def test_half_leave_after_each_order_and_after_the_first_only_where_the_law_says_so(
    first: bool, share: float
) -> None:
    law = Law(1e6, 1e6, AtOrders(1e6, 1e6, first))  # an order a day; half stay after each
    orders = np.bincount(draw(law, customers=4_000, seed=2).customer)
    assert np.mean(orders == 1) == pytest.approx(share, abs=0.03)
    assert np.mean(orders == 2) == pytest.approx(0.5 if not first else 0.25, abs=0.03)


def test_who_leaves_at_any_time_stays_for_the_days_the_law_says() -> None:
    law = Law(1e6, 1e5, AnyTime(1e6, 3e7))  # ten orders a day for 30 days on average
    world = draw(law, customers=1_000, seed=4, days=60)
    heads = np.flatnonzero(np.diff(world.customer, prepend=-1))
    stayed = np.append(world.time[heads[1:] - 1], world.time[-1]) - world.time[heads]
    assert stayed.mean() == pytest.approx(30.0, rel=0.1)


def test_orders_cost_30_on_average() -> None:
    assert drawn("bgnbd").amount.mean() == pytest.approx(30.0, rel=0.05)
    assert drawn("bgnbd").amount.min() > 0.0


def test_almost_nobody_orders_more_than_once_in_15_days() -> None:
    for name in LAWS:
        history = drawn(name)
        days = np.floor(history.time)
        same_day = (np.diff(days) == 0) & (np.diff(history.customer) == 0)
        assert same_day.mean() < 0.03, name


def test_an_unknown_world_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="no world 'seasonl', did you mean 'seasonal'"):
        draw("seasonl")


def test_a_horizon_beyond_the_generated_days_is_refused() -> None:
    with pytest.raises(DeclarationError, match="a world knows 1 to 400 days ahead"):
        drawn("bgnbd").bought(401)
