from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.pages.filters import address, pairs_of, told, where_of
from serving.problems import Problem
from serving.store import Store
from serving.stored.where import Where
from tests.serving.pages_shop import AS_OF, Browser, ids_of, pages_app, pages_store, words_of
from tests.serving.scores import row

NAMES = [f"c{number:03d}" for number in range(1, 121)]
KNOWN = {
    "tier": ["gold", "silver"],
    "segment": ["a & b", "ü=1"],
    "country": ["DE"],
    "lifecycle": [],
    "confidence": ["low"],
}
FILTERS = (
    "tier=gold", "tier=gold&tier=silver&country=DE", "lifecycle=new&segment=segment+1", "confidence=low",
    "percentile_min=20&percentile_max=50", "value_min=5&value_max=20", "p_min=.2",
    "last_order_from=1998-01-01&last_order_to=1998-03-01", "search=c01", "search=zzz",
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", *NAMES)


@pytest.fixture
def browser(store: Store) -> Browser:
    return Browser(pages_app(store))


def matches(one: dict[str, Any], asked: Mapping[str, list[str]]) -> bool:
    """Tell by plain comparisons whether a customer is meant."""
    last = AS_OF - timedelta(days=one["recency_days"])
    bounds = {
        "percentile": one["percentile"],
        "value": one["expected_value_90d"],
        "p": one["p_repurchase_90d"],
    }
    return (
        all(
            one[name] in asked[name]
            for name in ("tier", "lifecycle", "segment", "country", "confidence")
            if name in asked
        )
        and all(
            value >= float(asked[f"{name}_min"][0])
            for name, value in bounds.items()
            if f"{name}_min" in asked
        )
        and all(
            value <= float(asked[f"{name}_max"][0])
            for name, value in bounds.items()
            if f"{name}_max" in asked
        )
        and ("last_order_from" not in asked or last >= date.fromisoformat(asked["last_order_from"][0]))
        and ("last_order_to" not in asked or last <= date.fromisoformat(asked["last_order_to"][0]))
        and one["customer_id"].startswith(asked.get("search", [""])[0])
    )


def expected(query: str) -> list[str]:
    """Return the customers of a filter, best first."""
    asked: dict[str, list[str]] = {}
    for name, value in parse_qsl(query):
        asked.setdefault(name, []).append(value)
    rows = (row(name, rank) for rank, name in enumerate(NAMES, start=1))
    return [str(one["customer_id"]) for one in rows if matches(one, asked)]


@pytest.mark.parametrize("query", FILTERS)
def test_the_table_shows_exactly_the_filtered_customers(browser: Browser, query: str) -> None:
    page, wanted = browser.get(f"/customers?{query}").text, expected(query)
    assert ids_of(page) == wanted[:50]
    assert f"{len(wanted)} of 120 customers" in words_of(page)


@pytest.mark.parametrize("query", FILTERS)
def test_page_export_and_api_agree(browser: Browser, query: str) -> None:
    asked = browser.get(f"/v1/ranking?limit=1000&{query}", accept="application/json").json()
    file = browser.get(f"/export?format=csv&{query}")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert (
        [one["customer_id"] for one in rows]
        == [one["customer_id"] for one in asked["items"]]
        == expected(query)
    )
    assert [float(one["expected_value_90d"]) for one in rows] == [
        one["expected_value_90d"] for one in asked["items"]
    ]


def test_every_plain_format_holds_the_same_customers(browser: Browser) -> None:
    wanted = expected("tier=gold")
    lines = browser.get("/export?format=jsonl&tier=gold").text.splitlines()
    assert [json.loads(one)["customer_id"] for one in lines] == wanted
    table = pq.read_table(io.BytesIO(browser.get("/export?format=parquet&tier=gold").content))
    assert table["customer_id"].to_pylist() == wanted


def test_an_export_is_a_file_with_its_number_of_rows(browser: Browser) -> None:
    answer = browser.get("/export?format=csv&search=c00")
    assert answer.headers["content-disposition"] == 'attachment; filename="customers-1998-04-01.csv"'
    assert (answer.headers["x-rows"], answer.headers["content-type"]) == ("9", "text/csv; charset=utf-8")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("parquet", "customers-1998-04-01.parquet"), ("jsonl", "customers-1998-04-01.jsonl"),
     ("generic", "customers-1998-04-01-generic.csv")],
)  # fmt: skip
def test_a_files_name_tells_its_kind_once(browser: Browser, kind: str, name: str) -> None:
    assert f'filename="{name}"' in browser.get(f"/export?format={kind}").headers["content-disposition"]


def test_the_menu_says_where_a_file_may_hold_fewer(store: Store, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("customer_id\nc001\n")
    held = words_of(Browser(pages_app(store, suppressed=tmp_path / "no.csv")).get("/customers").text)
    assert "At most 120 customers" in held and "so a file may hold fewer" in held
    assert "fewer" not in words_of(Browser(pages_app(store)).get("/customers").text)


def test_the_suppression_list_is_left_out_of_every_export(store: Store, tmp_path: Path) -> None:
    barred = tmp_path / "suppressed.csv"
    barred.write_text("customer_id\nc001\nc003\n")
    answer = Browser(pages_app(store, suppressed=barred)).get("/export?format=csv&search=c00")
    assert "c001" not in answer.text and "c002" in answer.text
    assert (answer.headers["x-rows"], answer.headers["x-suppressed"]) == ("7", "2")


def test_without_its_suppression_list_nothing_is_exported(store: Store, tmp_path: Path) -> None:
    answer = Browser(pages_app(store, suppressed=tmp_path / "gone.csv")).get("/export?format=csv")
    assert answer.status_code == 503 and "c001" not in answer.text


def test_formulas_in_ids_are_harmless_in_spreadsheets(tmp_path: Path) -> None:
    browser = Browser(pages_app(pages_store(tmp_path / "out", "=1+1")))
    assert "'=1+1" in browser.get("/export?format=csv").text


@pytest.mark.parametrize("name", ["meta", "google"])
def test_formats_of_addresses_need_the_personal_table(browser: Browser, name: str) -> None:
    assert browser.get(f"/export?format={name}").status_code == 403
    assert f"format={name}" not in browser.get("/customers").text


@pytest.mark.parametrize(
    "query", ["tier=platin", "value_min=x", "value_min=nan", "value_min=1e999", "value_min=0,5", "p_min=1,000",
              "last_order_from=1998-02-30", "search=" + "x" * 201],
)  # fmt: skip
def test_a_filter_that_cannot_be_meant_is_told_in_words(browser: Browser, query: str) -> None:
    answer = browser.get(f"/customers?{query}")
    assert answer.status_code == 422 and "Start again here" in answer.text
    assert "platin" not in answer.text and "x" * 201 not in answer.text


@pytest.mark.parametrize(
    ("query", "says"),
    [("value_min=500&value_max=1", "The lowest value lies above the highest value."),
     ("last_order_from=1998-02-01&last_order_to=1998-01-01", "The last order from lies above the last order until.")],
)  # fmt: skip
def test_bounds_that_cross_let_nobody_through_and_are_no_error(
    browser: Browser, query: str, says: str
) -> None:
    answer = browser.get(f"/customers?{query}", hx_request="true")
    assert answer.status_code == 200 and f"Nobody matches this filter. {says}" in words_of(answer.text)
    assert says in words_of(browser.get(f"/contact?{query}").text)


def test_an_unknown_format_is_told_in_words(browser: Browser) -> None:
    assert browser.get("/export?format=<b>").status_code == 422


def test_empty_fields_are_taken_out_of_the_address(browser: Browser) -> None:
    answer = browser.get("/customers?search=&tier=gold&value_min=&last_order_to=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers?tier=gold")


def test_a_script_gets_the_results_alone_and_the_address(browser: Browser) -> None:
    answer = browser.get("/customers?search=&tier=gold&value_min=", hx_request="true")
    assert answer.text.startswith('<section id="results"') and "<html" not in answer.text
    assert answer.headers["hx-replace-url"] == "/customers?tier=gold"


def test_a_script_gets_an_error_in_the_place_of_the_results(browser: Browser) -> None:
    answer = browser.get("/customers?value_min=x", hx_request="true")
    assert answer.status_code == 422 and answer.text.startswith('<div id="results"')


def test_the_form_keeps_what_was_chosen(browser: Browser) -> None:
    page = browser.get("/customers?tier=gold&value_min=5&p_min=0.1&last_order_from=1998-01-01").text
    assert 'name="tier" value="gold" checked' in page and 'name="value_min" value="5.0"' in page
    assert '<input type="hidden" name="p_min" value="0.1">' in page and 'value="1998-01-01"' in page


texts = st.lists(st.sampled_from(KNOWN["segment"]), unique=True).map(lambda some: tuple(sorted(some)))
numbers = st.none() | st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.12g}"))
wheres = st.builds(
    Where,
    segment=texts,
    value_min=numbers,
    last_order_from=st.none() | st.dates(),
    search=st.text(max_size=20).map(str.strip),
)


@given(wheres)
def test_a_filter_comes_back_from_its_address(where: Where) -> None:
    query = urlsplit(address("/customers", where)).query
    assert where_of(parse_qsl(query, keep_blank_values=True), KNOWN) == where


def test_a_filter_is_told_in_words() -> None:
    where = Where(tier=("gold", "silver"), value_min=5.0, search="c0")
    assert told(where) == ["tier: gold or silver", "lowest value: 5", "customer begins with “c0”"]
    assert pairs_of(where) == [("tier", "gold"), ("tier", "silver"), ("value_min", "5"), ("search", "c0")]


def test_a_near_miss_is_hinted_at() -> None:
    with pytest.raises(Problem, match="did you mean 'silver'"):
        where_of([("tier", "sliver")], KNOWN)


def test_a_stage_that_nobody_is_in_today_is_a_filter_that_nobody_meets() -> None:
    assert where_of([("lifecycle", "lost"), ("tier", "gold")], KNOWN) == Where(
        lifecycle=("lost",), tier=("gold",)
    )
