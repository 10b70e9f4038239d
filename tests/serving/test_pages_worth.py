from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.pages.worth import Worth, terms_words
from serving.store import Store, publish
from tests.serving.pages_shop import Browser, pages_app, words_of
from tests.serving.scores import scores

TERMS: dict[str, Any] = {"days": 365, "margin": 1.0, "margins": None, "discount_rate": 0.1}


def plain(worth: Worth) -> str:
    """Return the sentences with ordinary spaces."""
    return worth.range_words("GBP").replace("\xa0", " ")


def test_where_most_bring_nothing_no_interval_is_told() -> None:
    told = plain(Worth(p=0.09, expected=2638.95, lower=0.0, upper=2638.95))
    assert told.startswith("Most such customers bring nothing: about 91 of 100 do not order.")
    assert told.endswith("Those who do bring about 29,322 GBP each.") and "8 of 10" not in told


def test_an_interval_that_ends_at_the_mean_is_not_told_as_one() -> None:
    assert "8 of 10" not in plain(Worth(p=0.3, expected=50.0, lower=0.0, upper=50.0))


def test_an_interval_from_nothing_says_how_many_bring_nothing() -> None:
    told = plain(Worth(p=0.6, expected=50.0, lower=0.0, upper=120.0))
    assert (
        told == "8 of 10 such customers bring between 0.00 GBP and 120.00 GBP; about 40 of 100 bring nothing."
    )


def test_an_interval_above_nothing_is_told_alone() -> None:
    told = plain(Worth(p=0.97, expected=50.0, lower=20.0, upper=120.0))
    assert told == "8 of 10 such customers bring between 20.00 GBP and 120.00 GBP."


@pytest.mark.parametrize(("p", "each"), [(0.0, None), (0.001, None), (0.1, 100.0), (0.999, None)])
def test_the_value_of_a_buyer_is_told_where_some_buy_and_some_do_not(p: float, each: float | None) -> None:
    assert Worth(p=p, expected=10.0, lower=0.0, upper=10.0).by_buyer == each


def test_a_lifetime_value_without_a_margin_is_called_revenue() -> None:
    told = terms_words(TERMS).replace("\xa0", " ")
    assert "at a margin of 100 % (revenue, not profit;" in told and "assume 30 %" in told
    assert "revenue" not in terms_words({**TERMS, "margin": 0.4})
    assert "the customer's own margin" in terms_words({**TERMS, "margins": {"a": 1}})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    folder: Path = tmp_path_factory.mktemp("shop") / "out"
    table = scores(
        "once", "often", frequency=[0, 5], p_alive=[1.0, 1.0], p_repurchase_90d=[0.09, 0.999],
        expected_value_90d=[90.0, 50.0], value_lower_90d=[0.0, 20.0], value_upper_90d=[90.0, 80.0],
    )  # fmt: skip
    publish(
        table,
        folder,
        manifest={"ranked_by": "expected_value_90d", "shop": "test", "clv": TERMS},
        formats=("parquet",),
    )
    return Browser(pages_app(Store.open(folder)))


def test_a_page_counts_the_value_over_all_and_over_those_who_order(browser: Browser) -> None:
    shown = words_of(browser.get("/customers/once").text)
    assert "Of 100 such customers about 9 order within 90 days." in shown
    assert (
        "Counted over all 100, one brings 90.00 EUR on average; counted over those who order, about" in shown
    )
    assert "about 1,000.00 EUR" in shown and "most bring nothing" in shown


def test_one_order_day_is_no_proof_of_being_a_customer(browser: Browser) -> None:
    assert "still a customer cannot be told" in words_of(browser.get("/customers/once").text)
    assert "Chance of still being a customer: 100 %." in words_of(browser.get("/customers/often").text)


def test_nearly_all_is_not_about_all(browser: Browser) -> None:
    shown = words_of(browser.get("/customers/often").text)
    assert "Of 100 such customers more than 99 order within 90 days." in shown


def test_the_lifetime_value_says_what_it_counts(browser: Browser) -> None:
    shown = words_of(browser.get("/customers/often").text)
    assert "EUR over 365 days, at a margin of 100 % (revenue, not profit;" in shown
