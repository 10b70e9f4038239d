"""Values of features in words, and which features tell the same idea."""

from __future__ import annotations

import math
import re

import pytest

from features.catalog import CATALOG
from features.ideas import IDEAS, idea_of, ideas
from features.kernel.declaration import Feature, feature
from features.kernel.past import Past
from features.kernel.running import Floats
from features.wording import is_plain, money, number, percent, sentence

BY_NAME = {one.name: one for one in CATALOG}
NAN = float("nan")


def own(name: str, description: str, unit: str) -> Feature:
    def compute(past: Past) -> Floats:
        return past.count()

    compute.__name__ = name
    return feature(description, unit=unit, family="own")(compute)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("recency_days", 12, "last order 12 days ago"),
        ("recency_days", 0, "last order today"),
        ("tenure", 1, "first order 1 day ago"),
        ("days_since_second_last", NAN, "no last-but-one order"),
        ("orders_90d", 3, "ordered 3 times in the last 90 days"),
        ("orders_30d", 1, "ordered once in the last 30 days"),
        ("orders_7d", 0, "no order in the last 7 days"),
        ("orders", 5, "ordered 5 times in all"),
        ("orders_week_2", 2, "ordered twice 7 to 13 days ago"),
        ("frequency", 6, "ordered on 7 days in all"),
        ("active_weeks", 2, "2 of the last 5 weeks had an order"),
        ("orders_trend_90d", -2, "2 fewer orders in the last 90 days than in the 90 days before"),
        ("spend_trend_90d", 20, "20.00 GBP more spend in the last 90 days than in the 90 days before"),
        ("monetary_value", 53.2, "average of 53.20 GBP per order day"),
        ("spend_90d", 1234.5, "spent 1,234 GBP in the last 90 days"),
        ("spend_30d", -5, "returns exceed orders by 5.00 GBP in the last 30 days"),
        ("order_value", 40, "40.00 GBP per order"),
        ("refund_share", 0.12, "returned 12 % of spend"),
        ("discount_share", 0.305, "30 % of spend was discounted, all time"),
        ("overdue_ratio", 1.8, "silent for 1.8 times the usual time between orders"),
        ("gap_mean", 24.4, "24.4 days between order days on average"),
        ("gap_mean", NAN, "too few orders to know the time between them"),
        ("items_first", 1, "1 item on the first order day"),
        ("lines_per_order", 2.5, "2.5 order lines per order"),
        ("category_mode_rank", 2, "commonest category: the 2nd commonest of the shop"),
        ("weekday_last", 2, "last order on a Wednesday"),
        ("hour_mean", 13.5, "hour of the orders: 13:30 on average"),
        ("email_opens_30d", 4, "4 e-mails opened in the last 30 days"),
        ("consent_email", 0, "consent to e-mails: no"),
        ("unsubscribed", 0, "never unsubscribed from e-mails"),
    ],
)
def test_a_value_in_words(name: str, value: float, words: str) -> None:
    assert sentence(BY_NAME[name], value, currency="GBP") == words


@pytest.mark.parametrize(
    ("one", "value", "words"),
    [
        (own("orders_45d", "Orders in the last 45 days.", "orders"), 3, "ordered 3 times in the last 45 days"),
        (own("gifts", "Gifts bought, all time.", "gifts"), 1, "1 gift bought, all time"),
        (own("vip", "Member of the club.", "0 or 1"), 1, "member of the club: yes"),
        (own("gift_share", "Share of orders that were gifts.", "ratio"), 0.5, "50 % of orders were gifts"),
        (own("weight", "Weight of the last parcel.", "kg"), 2.5, "weight of the last parcel: 2.5 kg"),
        (own("fees", "Fees paid.", "currency"), 7, "fees paid: 7.00 GBP"),
        (own("fees", "Fees paid.", "currency"), NAN, "nothing known of fees paid"),
    ],
)  # fmt: skip
def test_features_of_ones_own_have_words_too(one: Feature, value: float, words: str) -> None:
    assert sentence(one, value, currency="GBP") == words


@pytest.mark.parametrize("one", list(CATALOG), ids=lambda one: one.name)
def test_every_feature_has_words_for_any_value(one: Feature) -> None:
    for value in (0.0, 1.0, 2.0, 0.123, 45.67, 123456.0, -3.0, NAN):
        words = sentence(one, value)
        assert words and not words.endswith(".") and not re.search(r"nan|  |\binf\b|None", words)


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [
        (53.2, "GBP", "53.20 GBP"),
        (-4, "USD", "−4.00 USD"),
        (1e5, "SEK", "100,000 SEK"),
        (7.125, "XXX", "7.12"),
    ],
)
def test_money_in_words(value: float, currency: str, words: str) -> None:
    assert money(value, currency) == words


def test_small_and_large_numbers_have_as_many_digits_as_can_be_read() -> None:
    assert [number(v) for v in (0.0, 0.346, 2.44, 12, 1234.5, -0.001)] == [
        "0",
        "0.35",
        "2.4",
        "12",
        "1,234",
        "0.00",
    ]
    assert [percent(v) for v in (0, 0.004, 0.5, 1.0, 3.5, -0.2)] == [
        "0 %",
        "0.4 %",
        "50 %",
        "100 %",
        "3.5 times",
        "−20 %",
    ]


def test_logarithms_and_the_like_are_not_for_a_marketer() -> None:
    assert not any(
        is_plain(BY_NAME[name]) for name in ("gap_log_mean", "overdue_log", "category_entropy", "clumpiness")
    )
    assert all(
        is_plain(BY_NAME[name]) for name in ("recency_days", "frequency", "orders_90d", "monetary_value")
    )


# ---------------------------------------------------------------- ideas
def test_every_feature_of_the_catalogue_tells_one_of_the_ideas() -> None:
    assert {name: idea for name, idea in ideas().items() if idea not in IDEAS} == {}


def test_every_idea_is_told_by_a_feature_that_can_be_read() -> None:
    assert set(IDEAS) == {idea_of(one) for one in CATALOG if is_plain(one)}


def test_no_feature_stands_under_two_ideas() -> None:
    stems = [stem for some in IDEAS.values() for stem in some]
    assert len(stems) == len(set(stems))


def test_a_feature_of_ones_own_goes_with_the_shipped_one_of_another_window() -> None:
    assert idea_of(own("orders_45d", "Orders in the last 45 days.", "orders")) == "recent orders"
    assert idea_of(own("spend_week_9", "Spend in week 9.", "currency")) == "recent spend"


def test_another_feature_of_ones_own_is_an_idea_of_its_own_over_all_its_windows() -> None:
    some = [own(name, "Gifts.", "gifts") for name in ("gifts_bought_30d", "gifts_bought_90d", "gifts_bought")]
    assert {idea_of(one) for one in some} == {"gifts bought"}


def test_the_unknown_is_no_number() -> None:
    assert math.isnan(NAN) and sentence(BY_NAME["spend_90d"], NAN).startswith("nothing known of ")
