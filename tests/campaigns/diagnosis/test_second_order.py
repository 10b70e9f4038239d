"""How soon the second order comes, and the customers of a season apart."""

from __future__ import annotations

import pytest

from campaigns.diagnosis.first_orders import FirstOrders, newcomers
from campaigns.diagnosis.seasons import read_seasons
from campaigns.diagnosis.second_order import ALL, OTHER, SOON, SecondOrder, second_orders
from campaigns.sales import Sales
from contracts.days import parse_day as day
from contracts.days import to_date
from tests.campaigns.diagnosis.small import SHOPS, many, order_days, real, sales_of


def curves(sales: Sales) -> dict[str, SecondOrder]:
    firsts = FirstOrders.of(sales)
    return {one.name: one for one in second_orders(firsts, newcomers(firsts), read_seasons())}


def test_the_customers_won_in_the_holiday_season_stand_apart() -> None:
    orders = {
        "a": [day("2020-11-15")],
        "b": [day("2020-12-31")],
        "c": [day("2020-11-14")],
        "d": [day("2021-01-01")],
    }
    found = curves(sales_of(orders, day("2021-12-31")))
    assert (found["holiday"].curve.customers, found[OTHER].curve.customers) == (2, 2)


def test_without_a_first_order_in_a_season_there_is_nothing_to_tell_apart() -> None:
    assert list(curves(sales_of({"a": [day("2021-05-01")]}, day("2021-12-31")))) == [ALL]


def test_the_season_in_which_the_orders_begin_is_left_out_where_there_are_others() -> None:
    old = many(50, day("2019-12-01"), day("2019-12-20"), name="old")
    new = many(40, day("2020-12-01"), name="new")
    season = curves(sales_of({**old, **new}, day("2021-12-31")))["holiday"]
    assert (season.curve.customers, to_date(season.begin).isoformat()) == (40, "2020-02-29")
    assert season.curve.at(SOON)[0] == 0.0


def test_it_is_not_left_out_where_nobody_else_is_there() -> None:
    season = curves(sales_of(many(50, day("2019-12-01"), day("2019-12-20")), day("2021-12-31")))["holiday"]
    assert (season.curve.customers, season.curve.at(SOON)[0]) == (50, 1.0)


@pytest.mark.parametrize("shop", SHOPS)
def test_the_second_order_in_45_days_is_that_of_a_plain_loop_over_real_customers(shop: str) -> None:
    sales = real(shop)
    watched = [days for days in order_days(shop).values() if days[0] + 45 <= sales.as_of]
    again = [days for days in watched if len(days) > 1 and days[1] - days[0] <= 45]
    found = curves(sales)[ALL].curve
    place = found.days.index(45)
    assert (found.plain[place], found.of[place]) == (pytest.approx(len(again) / len(watched)), len(watched))
    assert found.share[place] == pytest.approx({"cdnow": 0.21973, "retail": 0.28207}[shop], abs=5e-6)
    assert found.lower[place] < found.plain[place] < found.upper[place]
