from __future__ import annotations

import re
from pathlib import Path

import pytest

from serving.store import Store
from tests.serving.pages_shop import Browser, pages_app, pages_store, words_of
from tests.serving.scores import row

NAMES = [f"c{number:03d}" for number in range(1, 121)]
LIFT = 0.005  # of our message without an offer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", *NAMES)


@pytest.fixture
def browser(store: Store) -> Browser:
    return Browser(pages_app(store))


def contacted(page: str) -> int:
    """Return how many customers the heading contacts."""
    found = re.search(r"Contact ([\d,]+) customers?:", words_of(page))
    assert found is not None
    return int(found[1].replace(",", ""))


def test_what_a_number_of_contacts_brings_is_the_sum_over_the_best(browser: Browser) -> None:
    shown = words_of(browser.get("/contact?amount=20&cost=0.01&margin=40").text)
    rows = [row(name, rank) for rank, name in enumerate(NAMES, start=1)]
    chances = sorted(one["p_repurchase_30d"] for one in rows)
    added = sum(LIFT * (1 - p) for p in chances[:20])
    assert "Cost 0.20 EUR" in shown and re.search(r"of 20; (\d\.\d+) of them", shown)
    assert abs(float(re.findall(r"of 20; ([\d.]+) of them", shown)[0]) - added) < 0.02


@pytest.mark.parametrize(
    ("query", "number"),
    [("amount=20", 20), ("amount=20&slider=35&was=20", 35), ("amount=42&slider=20&was=20", 42), ("amount=999", 120),
     ("amount=0", 0), ("by=budget&amount=8&cost=0.8", 10), ("by=budget&amount=8&cost=0.8&slider=4&was=8", 5)],
)  # fmt: skip
def test_what_was_moved_last_counts(browser: Browser, query: str, number: int) -> None:
    assert contacted(browser.get(f"/contact?{query}").text) == number


def test_without_a_number_it_begins_with_what_earns_most(browser: Browser) -> None:
    page = browser.get("/contact?cost=0.01").text
    best = re.search(r"Most is earned with ([\d,]+) customers?", words_of(page))
    assert best is not None and contacted(page) == int(best[1])


def test_a_cost_that_never_pays_is_told(browser: Browser) -> None:
    shown = words_of(browser.get("/contact?cost=50&amount=10").text)
    assert "No contact is expected to pay at this cost and margin." in shown and "lost" in shown


def test_changing_the_way_to_decide_begins_anew(browser: Browser) -> None:
    page = browser.get("/contact?by=budget&was_by=customers&amount=100&slider=100&was=100&cost=0.5").text
    assert "Money to spend, EUR" in words_of(page)


def test_the_filter_narrows_whom_to_contact(browser: Browser) -> None:
    page = browser.get("/contact?tier=gold&amount=999").text
    assert contacted(page) == 30 and "Only customers with tier: gold" in words_of(page)
    assert '<input type="hidden" name="tier" value="gold">' in page


@pytest.mark.parametrize(
    ("query", "number"),
    [("cost=1&by=budget&was_by=customers&amount=50&slider=100&was=100", 50), ("amount=42&slider=35&was=20", 42),
     ("by=budget&was_by=customers&amount=100&slider=60&was=100&cost=1", 100), ("amount=5500&slider=120&was=20", 120)],
)  # fmt: skip
def test_what_was_typed_goes_before_what_was_left_and_before_the_slider(
    browser: Browser, query: str, number: int
) -> None:
    best = contacted(browser.get("/contact?cost=1&by=budget").text)
    assert contacted(browser.get(f"/contact?{query}").text) == (best if "slider=60" in query else number)


def test_nobody_left_is_told(browser: Browser) -> None:
    assert "Nobody is left to contact." in words_of(browser.get("/contact?search=zzz").text)


@pytest.mark.parametrize(
    "query",
    ["cost=x", "cost=-1", "margin=0", "margin=101", "days=0", "days=1e9", "by=x", "offer=x", "amount=nan"],
)
def test_terms_that_cannot_be_meant_are_told_in_words(browser: Browser, query: str) -> None:
    assert browser.get(f"/contact?{query}").status_code == 422


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("margin", "0", "above 0 and at most 100"), ("margin", "101", "at most 100"), ("cost", "-1", "at least 0"),
     ("cost", "0,5", "no commas"), ("cost", "1_0", "no commas"), ("amount", "10.7", "whole number"),
     ("amount", "-5", "0 or more")],
)  # fmt: skip
def test_what_to_write_stands_beside_the_field(browser: Browser, field: str, value: str, says: str) -> None:
    answer = browser.get(f"/contact?{field}={value}&days=60")
    found = re.search(
        rf'name="{field}"[^>]*value="{value}"[^>]*aria-invalid="true"><small[^>]*>([^<]*)', answer.text
    )
    assert answer.status_code == 422 and found is not None and says in found[1]
    assert "Nothing is worked out yet." in answer.text and '<option value="60" selected>' in answer.text


def test_a_script_is_told_what_to_write(browser: Browser) -> None:
    answer = browser.get("/contact?cost=0,5", hx_request="true")
    assert answer.status_code == 422 and answer.text.startswith('<div id="results"')
    assert "no commas" in answer.text


def test_it_begins_with_what_an_email_costs(browser: Browser) -> None:
    page = browser.get("/contact").text
    assert 'name="cost" min="0" step="any" value="0.002"' in page
    assert "The cost of a contact is what an e-mail usually costs." in words_of(page)


def test_offers_of_which_the_same_is_assumed_say_so(browser: Browser) -> None:
    shown = words_of(browser.get("/contact?offer=gift").text)
    assert "The same is assumed of: Exclusive coupon, 5 %. So the results are the same too." in shown
    assert "each order of this offer costs 5.0 % of the basket" in shown


def test_the_days_are_explained(browser: Browser) -> None:
    assert "compare offers and numbers at the same days" in words_of(browser.get("/contact").text)


def test_a_ranking_that_came_meanwhile_is_told_and_the_strip_is_its_own(browser: Browser) -> None:
    answer = browser.get("/contact?amount=20&seen=000000000000", hx_request="true").text
    assert "A newer ranking was published" in answer
    assert '<section class="strip" id="strip" hx-swap-oob="true"' in answer
    version = re.findall(r'"seen": "(\w+)"', browser.get("/contact").text)[0]
    assert "newer" not in browser.get(f"/contact?amount=20&seen={version}", hx_request="true").text


def test_an_offer_for_nobody_is_told_in_the_place_of_the_results(browser: Browser) -> None:
    answer = browser.get("/contact?search=zzz", hx_request="true").text
    assert answer.startswith('<div id="results"') and "Nobody is left to contact." in answer


def test_a_script_gets_the_results_alone_and_the_address(browser: Browser) -> None:
    answer = browser.get("/contact?amount=20&slider=35&was=20&cost=0.5&tier=gold", hx_request="true")
    assert answer.text.startswith('<section id="results" data-most="30"')
    assert answer.headers["hx-replace-url"].startswith("/contact?tier=gold&by=customers&amount=30&cost=0.5")


def test_the_picture_has_words_and_a_table(browser: Browser) -> None:
    page = browser.get("/contact?amount=20").text
    assert page.count('role="img" aria-labelledby="profit') == 2 and "The curve as numbers, EUR" in words_of(
        page
    )
    assert "Assumed, not measured here: One contact wins 0.5 %" in words_of(page)


def test_the_margin_is_the_models_where_it_was_told_one(tmp_path: Path) -> None:
    store = pages_store(tmp_path / "out", "a", "b")
    store.manifest["clv"] = {"margin": 0.45}
    assert (
        'name="margin" min="0.1" max="100" step="any" value="45"'
        in Browser(pages_app(store)).get("/contact").text
    )
