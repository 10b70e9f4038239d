"""The whole diagnosis: five sentences, what cannot be said, tables, JSON and the page, on large and tiny shops."""

from __future__ import annotations

import json
import math
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.diagnosis.advice import Advice, Texts, read_texts
from campaigns.diagnosis.diagnosis import diagnose
from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.notes import notes_of
from campaigns.diagnosis.page import diagnosis_page
from campaigns.diagnosis.sentences import sentences_of
from campaigns.diagnosis.tables import LONG, cohort_table, long_table, to_plain
from campaigns.sales import Sales
from contracts.days import parse_day
from contracts.errors import DataError, DeclarationError
from tests.campaigns.diagnosis.small import SHOPS, many, real, sales_of, sales_of_rows
from tests.features.shops import line, taken_back

EVIL = "<script>alert('x')</script>"


def found_in(sales: Sales, **more: object) -> Diagnosis:
    return diagnose(Base(sales, "GBP", "UTC"), **more)  # type: ignore[arg-type]


@cache
def of_shop(shop: str) -> Diagnosis:
    return found_in(real(shop))


@cache
def tiny() -> Diagnosis:
    return found_in(sales_of({"a": [18_600, 18_610], "b": [18_605]}, 18_620))


# ---------------------------------------------------------------- sentences and notes
@pytest.mark.parametrize("shop", SHOPS)
def test_there_are_five_sentences_about_a_real_shop(shop: str) -> None:
    told = sentences_of(of_shop(shop))
    kind = {
        "cdnow": "It is a hybrid shop: of 100 new customers 29",
        "retail": "It is a loyalty shop: of 100 new customers 38",
    }
    assert len(told) == 5 and told[1].startswith(kind[shop])
    assert not any("nan" in one or "–" in one for one in told)


def test_of_a_tiny_shop_the_sentences_say_what_cannot_be_said() -> None:
    told = sentences_of(tiny())
    assert told[1] == (
        "What kind of shop it is cannot be said: no new customer has been watched for 90 days; 30 are needed."
    )
    assert told[2] == "How soon second orders come cannot be said of 2 customers."
    assert told[4].startswith("What one more point of retention is worth cannot be said yet;")


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sets(st.integers(18_000, 18_500), min_size=1), min_size=1),
    st.integers(18_500, 18_700),
)
def test_any_shop_has_five_sentences_tables_and_a_page(orders: dict[str, set[int]], as_of: int) -> None:
    found = found_in(sales_of({who: sorted(days) for who, days in orders.items()}, as_of))
    assert len(sentences_of(found)) == 5
    assert json.loads(json.dumps(to_plain(found), allow_nan=False))["as_of"]
    assert long_table(found).num_rows and diagnosis_page(found).startswith("<!doctype html>")


def test_missing_columns_short_data_and_small_numbers_are_said() -> None:
    told = " ".join(notes_of(found_in(sales_of_rows([line("a", "1", 18_600, 5.0)], 18_620))))
    assert "There are only 1 customer;" in told and "The orders span 21 days." in told
    assert "needs 180 days of orders; there are 21" in told


def test_returns_that_are_not_taken_off_are_said() -> None:
    rows = [line("a", "1", 18_600, 50.0), taken_back("a", "r", 18_610, 5.0)]
    told = notes_of(found_in(sales_of_rows(rows, 18_620)))
    assert any("Other returns (5.00 GBP, 10.0 % of all sales) are not taken off" in one for one in told)


def test_a_sample_is_said_to_be_one() -> None:
    told = notes_of(found_in(real("cdnow"), of_customers=4_000_000))
    assert told[0].startswith("These are 23,570 of 4,000,000 customers, drawn by hashed id.")


def test_an_earlier_day_knows_nothing_of_what_came_later() -> None:
    day = parse_day("1997-12-31")
    early = found_in(real("cdnow").on(day))
    rows = [line("late", "1", day + 5, 10.0), line("a", "2", day - 200, 10.0)]
    assert early.as_of == day and early.extent.last_day <= day
    assert found_in(sales_of_rows(rows, day)).extent.customers == 1


def test_a_period_that_cannot_be_and_a_shop_without_orders_are_refused() -> None:
    with pytest.raises(DeclarationError, match="a period of 0 days was asked"):
        found_in(real("cdnow"), period_days=0)
    with pytest.raises(DataError, match="no customer has an order up to 1970-01-02"):
        found_in(real("cdnow").on(1))


# ---------------------------------------------------------------- tables and JSON
def test_the_long_table_holds_each_figure_once() -> None:
    table = long_table(of_shop("cdnow"))
    keys = list(zip(*(table[name].to_pylist() for name in ("measure", "group", "period")), strict=True))
    assert table.schema == LONG and len(set(keys)) == len(keys)
    rate = next(row for row in table.to_pylist() if row["measure"] == "repurchase_rate_90d")
    assert (rate["period"], rate["n"], round(rate["value"], 4)) == ("1997-01-01/1997-03-25", 23570, 0.2922)


def test_the_cohort_table_is_empty_where_a_month_is_not_over() -> None:
    table = cohort_table(of_shop("cdnow").monthly)
    assert table.column_names[:4] == ["cohort", "customers", "month_0", "month_1"]
    march = table.slice(2, 1).to_pylist()[0]
    assert (march["cohort"], march["month_0"], march["month_16"]) == ("1997-03", 1.0, None)


@pytest.mark.parametrize("shop", SHOPS)
def test_json_says_null_where_nothing_is_known(shop: str) -> None:
    plain = json.loads(json.dumps(to_plain(of_shop(shop)), allow_nan=False))
    assert plain["rates"]["repurchase_rate_90d"]["of"] == {"cdnow": 23570, "retail": 1900}[shop]
    assert len(plain["sentences"]) == 5 and plain["mode"]["stable"] is (shop == "retail")
    tree = plain["revenue_trees"][0]
    assert math.isclose(sum(tree["parts"].values()), tree["change"], rel_tol=1e-9)


# ---------------------------------------------------------------- the page
class Page(HTMLParser):
    """What a page holds: tags with attributes, and whether they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@cache
def page(shop: str) -> Page:
    return Page(diagnosis_page(of_shop(shop)))


@pytest.mark.parametrize("shop", SHOPS)
def test_nothing_is_loaded_and_no_script_runs(shop: str) -> None:
    links = [one.get("href") for one in page(shop).named("link")]
    assert links == ["data:,"] and not page(shop).named("script") and not page(shop).named("img")
    sources = [value for _, all_ in page(shop).tags for key, value in all_.items() if key in ("src", "href")]
    assert all(str(value).startswith(("data:", "#")) for value in sources)


@pytest.mark.parametrize("shop", SHOPS)
def test_the_page_has_a_language_headings_captions_and_described_pictures(shop: str) -> None:
    found = page(shop)
    assert found.open == [] and found.named("html")[0]["lang"] == "en" and len(found.named("h1")) == 1
    assert len(found.named("caption")) == len(found.named("table")) > 3
    pictures = [one for one in found.named("svg") if "aria-hidden" not in one]
    ids = {one["id"] for _, one in found.tags if "id" in one}
    assert len(pictures) >= 4 and all(one["role"] == "img" for one in pictures)
    assert all(set(str(one["aria-labelledby"]).split()) <= ids for one in pictures)


def test_no_address_inside_the_page_stands_twice() -> None:
    ids = [one["id"] for _, one in page("cdnow").tags if "id" in one]
    assert len(ids) == len(set(ids))


def test_texts_of_the_data_and_of_the_shop_are_escaped() -> None:
    rows = [line(f"c{n}", f"c{n}", 18_000, 5.0, product_id=EVIL, country=EVIL) for n in range(40)]
    own = read_texts()
    texts = Texts({**own.advice, "groups": Advice("groups", "x", EVIL, (EVIL,))}, own.seasons)
    shown = diagnosis_page(found_in(sales_of_rows(rows, 18_300), texts=texts))
    assert EVIL not in shown and shown.count("&lt;script&gt;") >= 4


def test_plain_words_and_a_large_number_come_before_the_first_picture_and_what_to_do() -> None:
    shown = diagnosis_page(of_shop("cdnow"))
    second = shown[shown.index('id="second"') :]
    places = [second.index(words) for words in ('class="number"', "<figure", "What to do")]
    assert places == sorted(places)
    assert shown.index("Hybrid shop") < shown.index("Five sentences about this shop")


def test_a_tiny_shop_has_a_page_that_says_too_few() -> None:
    shown = diagnosis_page(tiny())
    assert "Too few to say" in shown and "not known yet" in shown and "nan" not in shown.split("</style>")[1]


def test_the_coloured_table_keeps_its_number_in_every_cell() -> None:
    orders = {**many(30, 18_600, 18_640, name="a"), **many(30, 18_640, name="b")}
    shown = diagnosis_page(found_in(sales_of(orders, 18_720)))
    assert '<td style="--h:45">100 %</td>' in shown
