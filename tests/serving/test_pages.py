from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.pages.visit import POLICY
from serving.store import Store, publish
from tests.serving.pages_shop import REPORT, Browser, ids_of, pages_app, pages_store, words_of
from tests.serving.scores import scores

PAGES = ("/customers", "/contact", "/segments", "/model", "/customers/c007", "/diagnosis", "/plan")
NAMES = [f"c{number:03d}" for number in range(1, 121)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    orders = {"c001": [(datetime(1998, 1, 2, tzinfo=UTC), 10.0), (datetime(1998, 3, 1, tzinfo=UTC), 32.5)]}
    return pages_store(tmp_path_factory.mktemp("shop") / "out", *NAMES, report=REPORT, orders=orders)


@pytest.fixture
def browser(store: Store) -> Browser:
    return Browser(pages_app(store))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_complete_without_scripts(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.count("<main ") == answer.text.count("<h1") == 1
    assert '<html lang="en">' in answer.text and 'href="#main"' in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/nope", "/customers?tier=x"])
def test_every_page_has_the_strict_policy(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert "unsafe" not in POLICY and POLICY.startswith("default-src 'none'")
    assert not re.search(r"<style|style=|<script>|\son[a-z]+=|javascript:", answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    loaded = re.findall(r'(?:src|href|action)="([^"]*)"', browser.get(path).text)
    assert [one for one in loaded if not one.startswith(("/", "#", "data:,"))] == []


def test_the_front_leads_to_the_customers(browser: Browser) -> None:
    assert browser.get("/").headers["location"] == "/customers"


def test_the_table_begins_with_the_best(browser: Browser) -> None:
    page = browser.get("/customers").text
    assert ids_of(page) == NAMES[:50] and "120 customers" in words_of(page)


def test_following_the_link_leads_through_the_whole_ranking(browser: Browser) -> None:
    path, seen = "/customers", list[str]()
    while path:
        page = browser.get(path).text
        seen += ids_of(page)
        found = re.search(r'href="([^"]*)" rel="next"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert seen == NAMES


def led(page: str, way: str) -> str:
    """Return where a page's link of this relation leads."""
    found = re.search(rf'href="([^"]*)" rel="{way}"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_the_way_back_leads_through_the_same_pages_and_says_where_one_is(browser: Browser) -> None:
    page, shown = browser.get("/customers?search=c").text, list[str]()
    for way in ("next", "next", "prev", "prev"):
        page = browser.get(led(page, way)).text
        shown += re.findall(r"\d+–\d+ of \d+", words_of(page))
    assert shown == ["51–100 of 120", "101–120 of 120", "51–100 of 120", "1–50 of 120"]
    assert ids_of(page) == NAMES[:50] and 'rel="prev"' not in page


def test_a_customer_leads_back_to_the_filter_that_one_came_from(browser: Browser) -> None:
    came = "http://shop/customers?tier=gold&after=x-50"
    assert (
        'href="/customers?tier=gold&amp;after=x-50">Customers</a>'
        in browser.get("/customers/c001", referer=came).text
    )
    assert (
        'href="/customers">Customers</a>'
        in browser.get("/customers/c001", referer="http://shop/plan?x=1").text
    )


def test_a_line_of_an_older_ranking_begins_anew_and_says_so(browser: Browser) -> None:
    page = browser.get("/customers?after=000000000000-50").text
    assert ids_of(page) == NAMES[:50] and "A newer ranking was published" in page


def test_the_strip_says_how_fresh_the_numbers_are(store: Store) -> None:
    fresh = Browser(pages_app(store, now=datetime(1998, 4, 2, 9, 0, tzinfo=UTC))).get("/customers").text
    late = Browser(pages_app(store, now=datetime(1998, 6, 1, 9, 0, tzinfo=UTC))).get("/customers").text
    assert "8 Apr 1998, 6 days left" in words_of(fresh)
    assert "8 Apr 1998: out of date for 54 days. Rank again." in words_of(late)


def test_days_that_the_model_had_learnt_from_are_shown_as_no_test(tmp_path: Path) -> None:
    report = {**REPORT, "finished": {**REPORT["finished"], "in_sample": True}}
    store = pages_store(tmp_path / "out", *NAMES[:3], report=report)
    shown = words_of(Browser(pages_app(store)).get("/model").text)
    assert "none that tests the model: it had learnt from those days" in shown
    assert "This is no test: the model had learnt from days after 1 Jan 1998" in shown


def test_the_strip_says_what_came_of_the_predictions(browser: Browser) -> None:
    shown = words_of(browser.get("/customers").text)
    assert "75 of 200 predicted to buy, 65 did (15 % too many)" in shown
    assert "looks like the training data" in shown


def test_nothing_of_the_past_is_made_up(tmp_path: Path) -> None:
    shown = words_of(Browser(pages_app(pages_store(tmp_path / "out", "a"))).get("/model").text)
    assert "none yet: predictions come due by 30 Jun 1998" in shown
    assert "two pictures stand here then" in shown
    assert "Not known: this model's card tells of no test." in shown
    assert "Not known: the nightly run did not compare them." in shown


def test_the_model_shows_predicted_and_actual_buyers(browser: Browser) -> None:
    page = browser.get("/model").text
    assert page.count('role="img"') == 2 and "75 of 200 customers were predicted to buy" in words_of(page)


def test_a_customer_has_orders_chances_and_a_next_order(browser: Browser) -> None:
    shown = words_of(browser.get("/customers/c001").text)
    assert "Rank 1 of 120" in shown and "Of 100 such customers about 88 order within 90 days" in shown
    assert "All 2 order days, 42.50 EUR in all" in shown and "1 Mar 1998 32.50" in shown


def test_a_customer_without_details_says_what_is_missing(browser: Browser) -> None:
    shown = words_of(browser.get("/customers/c002").text)
    assert "published without the customers' orders" in shown
    assert "The model that is loaded cannot say why." in shown


def test_a_group_says_what_it_means_and_stands_in_the_order_of_its_kind(tmp_path: Path) -> None:
    table = scores(
        "a", "b", "c", tier=["reduce", "focus", "cultivate"], segment=["dormant", "new", "champions"]
    )
    publish(table, tmp_path / "out", manifest={"ranked_by": "expected_value_90d"}, formats=("parquet",))
    shown = words_of(Browser(pages_app(Store.open(tmp_path / "out"))).get("/segments").text)
    assert shown.index("Worth more than") < shown.index("Worth less than") < shown.index("Those who together")
    assert shown.index("Ordered lately, order often") < shown.index("First order in the last 90 days")
    assert "“new” is a word of both views" in shown


def test_segments_add_up_to_all_customers(browser: Browser) -> None:
    page = browser.get("/segments").text
    counts = re.findall(r"<dt>Customers</dt><dd>([\d,]+)", page)
    assert sum(map(int, counts)) == 3 * 120 and 'href="/customers?segment=segment+0"' in page


@pytest.mark.parametrize("name", ["diagnosis", "plan"])
def test_what_was_not_made_yet_says_how_to_make_it(browser: Browser, name: str) -> None:
    shown = words_of(browser.get(f"/{name}").text)
    assert f"There is no {name} yet." in shown and f"repurchase {name[:4]}" in shown


@pytest.mark.parametrize("path", ["/customers", "/contact", "/segments", "/customers/a", "/export"])
def test_without_a_ranking_a_page_says_what_to_do(path: str) -> None:
    answer = Browser(pages_app(None)).get(path)
    assert answer.status_code == 503 and "Run <code>repurchase rank</code>" in answer.text


def test_without_a_ranking_the_model_still_has_its_card() -> None:
    answer = Browser(pages_app(None)).get("/model")
    assert answer.status_code == 200 and "none is published: run <code>repurchase rank</code>" in answer.text


@pytest.mark.parametrize(
    ("path", "status"), [("/nope", 404), ("/customers/nobody", 404), ("/static/0/x", 404)]
)
def test_an_error_is_a_page_with_the_same_status(browser: Browser, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status and answer.text.startswith("<!doctype html>")
    assert "nobody" not in words_of(answer.text)


@pytest.mark.parametrize("path", ["/v1/customers/nobody", "/v1/ranking?limit=x"])
def test_programs_get_problem_documents_whatever_they_accept(browser: Browser, path: str) -> None:
    assert browser.get(path).headers["content-type"] == "application/problem+json"


def test_a_program_that_takes_no_html_gets_a_problem_document(browser: Browser) -> None:
    assert browser.get("/nope", accept="*/*").headers["content-type"] == "application/problem+json"


def test_a_bug_is_a_page_and_the_log_holds_no_message(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    app = pages_app(store)
    app.state.service.clock = lambda: [][0]
    answer = Browser(app).get("/customers")
    assert answer.status_code == 500 and "Something broke on our side" in answer.text
    assert "IndexError" in caplog.text and "list index" not in caplog.text


EVIL = (
    '<script>alert("x")</script>',
    "a/b?c#d",
    "' OR 1=1 --",
    "&lt;b&gt;",
    "ü\u202e\x07",
    "..%2f",
    ".",
    "..",
    "日本",
)


@pytest.mark.parametrize("name", EVIL)
def test_ids_are_escaped_and_their_links_lead_to_them(tmp_path: Path, name: str) -> None:
    browser = Browser(pages_app(pages_store(tmp_path / "out", name)))
    page = browser.get("/customers").text
    link = re.search(r'<th scope="row"><a href="([^"]*)"', page)
    assert link is not None and "<script>alert" not in page
    assert not link[1].endswith(("/.", "/.."))
    one = browser.get(link[1].replace("&amp;", "&"))
    assert (
        one.status_code == 200
        and '<h1 class="id">' in one.text
        and "<script>alert" not in one.text
        and "\x07" not in one.text
    )


def test_labels_and_searches_are_escaped(tmp_path: Path) -> None:
    browser = Browser(pages_app(pages_store(tmp_path / "out", "a")))
    page = browser.get("/customers?search=%22%3E%3Cimg src=x%3E").text
    assert "<img" not in page and "Nobody matches this filter." in page
