"""The 90-day repurchase rate: who counts, what counts, and by which groups."""

from __future__ import annotations

import pytest

from campaigns.diagnosis.first_orders import FirstOrders, newcomers
from campaigns.diagnosis.repurchase_rate import Groups, Rates, rates, rates_by, trend
from campaigns.sales import Sales
from contracts.days import parse_day
from tests.campaigns.diagnosis.small import SHOPS, many, order_days, real, sales_of, sales_of_rows
from tests.features.shops import line

AS_OF = 1000


def rates_of(sales: Sales) -> Rates:
    return rates(sales, FirstOrders.of(sales))


def by(sales: Sales, name: str) -> Groups:
    firsts = FirstOrders.of(sales)
    return next(one for one in rates_by(sales, firsts, newcomers(firsts)) if one.by == name)


def test_a_second_order_day_90_days_after_the_first_counts_and_one_at_91_does_not() -> None:
    share = rates_of(sales_of({**many(20, 800, 890, name="a"), **many(20, 800, 891, name="b")}, AS_OF)).second
    assert (share.count, share.of) == (20, 40)


def test_two_orders_on_the_first_day_are_one_order_day() -> None:
    rows = [line(f"c{n}", f"{n}-{k}", 800, 5.0, minute=600 + k) for n in range(40) for k in range(2)]
    assert rates_of(sales_of_rows(rows, AS_OF)).second.count == 0


def test_who_is_watched_for_less_than_90_days_or_new_before_the_last_12_months_is_left_out() -> None:
    watched = {**many(30, 910, 920, name="a"), **many(5, 911, 912, name="young")}
    old = {**many(7, 545, 550, name="old"), **many(9, 546, name="edge")}
    share = rates_of(sales_of({**watched, **old}, AS_OF)).second
    assert (share.count, share.of) == (30, 39)  # days 546 to 910


def test_older_first_orders_are_taken_where_the_last_12_months_have_fewer() -> None:
    found = rates_of(sales_of(many(40, 100, 150), AS_OF))
    assert (found.second.count, found.second.of) == (40, 40)
    assert (found.new.begin, found.new.end, found.new.moved) == (100, 100, True)


def test_the_three_shares_are_told_apart() -> None:
    orders = {"a": [700, 950, 960], "b": [700, 850, 950], "c": [700, 880], "d": [905], "e": [1000]}
    found = rates_of(sales_of(orders, AS_OF))
    assert (found.twice.count, found.twice.of) == (1, 3)  # a of a, b, e: days 911 to 1000
    assert (found.back.count, found.back.of) == (1, 3)  # b of b, c, d: days 821 to 910


def test_a_cancelled_second_order_is_none() -> None:
    kept = [line(f"k{n}", f"k{n}", 700, 5.0) for n in range(40)]
    again = [line("k1", "again", 720, 5.0, cancelled_day=800), line("k2", "again2", 720, 5.0)]
    assert rates_of(sales_of_rows([*kept, *again], AS_OF)).second.count == 1


def test_who_was_active_is_taken_as_known_then() -> None:
    rows = [line("a", "1", 500, 5.0), line("a", "2", 850, 5.0, cancelled_day=950), line("b", "3", 870, 5.0)]
    back = rates_of(sales_of_rows([*rows, line("b", "4", 990, 5.0)], AS_OF)).back
    assert (back.count, back.of) == (1, 2)


def test_the_trend_tells_only_months_that_are_watched_for_90_days_to_their_end() -> None:
    day = parse_day
    orders = {"a": [day("2021-01-05"), day("2021-02-01")], "b": [day("2021-01-31")], "c": [day("2021-02-10")]}
    found = trend(FirstOrders.of(sales_of(orders, day("2021-05-28"))))
    assert [(one.month, one.share.count, one.share.of) for one in found] == [("2021-01", 1, 2)]


def test_small_groups_are_counted_and_not_told() -> None:
    rows = [line(f"d{n}", f"d{n}", 800, 5.0, country="DE") for n in range(30)]
    rows += [line(f"a{n}", f"a{n}", 800, 5.0, country="AT") for n in range(4)]
    found = by(sales_of_rows([*rows, line("x", "x", 800, 5.0)], AS_OF), "country")
    assert [(one.name, one.share.of) for one in found.groups] == [("DE", 30)]
    assert (found.small, found.in_small, found.without) == (1, 4, 1)


def test_a_first_order_counts_for_each_of_its_products_and_later_orders_do_not() -> None:
    rows = [line(f"c{n}", f"c{n}", 800, 5.0, product_id="p") for n in range(30)]
    rows += [line(f"c{n}", f"c{n}", 800, 5.0, product_id="q", line=2) for n in range(30)]
    rows += [line(f"c{n}", f"later{n}", 820, 5.0, product_id="r") for n in range(30)]
    found = by(sales_of_rows(rows, AS_OF), "first product")
    assert [(one.name, one.share.count, one.share.of) for one in found.groups] == [
        ("p", 30, 30),
        ("q", 30, 30),
    ]


def test_only_a_group_that_chance_does_not_explain_stands_apart() -> None:
    rows = [line(f"d{n}", f"d{n}", 800, 5.0, country="DE") for n in range(200)]
    rows += [line(f"a{n}", f"{k}a{n}", 800 + k, 5.0, country="AT") for n in range(60) for k in (0, 9)]
    found = by(sales_of_rows(rows, AS_OF), "country")
    assert [(one.name, one.apart) for one in found.groups] == [("DE", -1), ("AT", 1)]


@pytest.mark.parametrize("shop", SHOPS)
def test_the_rate_is_that_of_a_plain_loop_over_real_customers(shop: str) -> None:
    sales, last = real(shop), real(shop).as_of - 90
    first = {who: days[0] for who, days in order_days(shop).items()}
    if shop == "cdnow":  # nobody is new in its last 12 months: all first orders lie in January to March 1997
        last = max(first.values())
    new = [who for who, day in first.items() if last - 364 <= day <= last]
    again = [
        who for who in new if len(order_days(shop)[who]) > 1 and order_days(shop)[who][1] - first[who] <= 90
    ]
    share = rates_of(sales).second
    assert (share.count, share.of) == (len(again), len(new))
    assert share.value == pytest.approx({"cdnow": 0.29219, "retail": 0.38316}[shop], abs=5e-6)


@pytest.mark.parametrize("shop", SHOPS)
def test_two_days_in_90_are_those_of_a_plain_loop_over_real_customers(shop: str) -> None:
    since = real(shop).as_of - 90
    counts = [sum(day > since for day in days) for days in order_days(shop).values()]
    share = rates_of(real(shop)).twice
    assert (share.count, share.of) == (sum(n >= 2 for n in counts), sum(n >= 1 for n in counts))
