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


def test_nobody_left_is_told(browser: Browser) -> None:
    assert "Nobody is left to contact." in words_of(browser.get("/contact?search=zzz").text)


@pytest.mark.parametrize(
    "query",
    ["cost=x", "cost=-1", "margin=0", "margin=101", "days=0", "days=1e9", "by=x", "offer=x", "amount=nan"],
)
def test_terms_that_cannot_be_meant_are_told_in_words(browser: Browser, query: str) -> None:
    assert browser.get(f"/contact?{query}").status_code == 422


def test_a_script_gets_the_results_alone_and_the_address(browser: Browser) -> None:
    answer = browser.get("/contact?amount=20&slider=35&was=20&cost=0.5&tier=gold", hx_request="true")
    assert answer.text.startswith('<section id="results" data-most="30"')
    assert answer.headers["hx-replace-url"].startswith("/contact?tier=gold&by=customers&amount=30&cost=0.5")


def test_the_picture_has_words_and_a_table(browser: Browser) -> None:
    page = browser.get("/contact?amount=20").text
    assert page.count('role="img" aria-labelledby="profit') == 2 and "The curve as numbers, EUR" in words_of(
        page
    )
    assert "Assumed, not measured here: one contact wins 0.5 %" in words_of(page)


def test_the_margin_is_the_models_where_it_was_told_one(tmp_path: Path) -> None:
    store = pages_store(tmp_path / "out", "a", "b")
    store.manifest["clv"] = {"margin": 0.45}
    assert (
        'name="margin" min="0.1" max="100" step="any" value="45"'
        in Browser(pages_app(store)).get("/contact").text
    )
