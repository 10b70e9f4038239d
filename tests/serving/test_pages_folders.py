from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.store import Store
from tests.serving.pages_shop import Browser, pages_app, pages_store, words_of

SHARE = {"value": 0.29, "lower": 0.28, "upper": 0.3, "count": 29, "of": 100}
DIAGNOSIS: dict[str, Any] = {
    "as_of": "1998-04-01",
    "sentences": ["It is a <hybrid> shop."],
    "notes": ["The orders begin late."],
    "mode": {"name": "hybrid", "stable": False, "doubts": ["one share would say loyalty"]},
    "advice": {"name": "hybrid", "label": "Hybrid", "says": "New and old.", "todo": ["Keep winning."]},
    "extent": {"first_day": "1997-01-01", "last_day": "1998-04-01", "customers": 200, "orders": 500},
    "rates": {"repurchase_rate_90d": SHARE, "ordered_twice_90d": SHARE, "returned_90d": SHARE},
    "trend": [{"month": "1997-01", "share": SHARE}, {"month": "1997-02", "share": SHARE}],
    "cohorts_by_month": {
        "won_in": ["1997-01", "1997-02"],
        "customers": [120, 80],
        "shares": [[1.0, 0.2, 0.1], [1.0, 0.4, None]],
    },
}
TOTALS = {"customers": 3, "buyers": 1.5, "added": 0.5, "contact": 0.3, "given": 1.0, "cost": 1.3, "profit": 9.0,
          "low": 4.0, "high": 14.0}  # fmt: skip
PLAN: dict[str, Any] = {
    "format": "repurchase-plan-1",
    "as_of": "1998-04-01",
    "currency": "EUR",
    "terms": {"label": "Spring", "weeks": 2, "response_days": 30},
    "control": {"controls": 1, "power": ["1 of 4 is left alone."]},
    "summary": {
        "whole": TOTALS,
        "groups": {"channel": {"E-mail": TOTALS}, "week": {"week 1": TOTALS}},
        "left_out": {"in the control group": 1},
        "break_even_share_of_lift": 0.16,
        "sentences": ["The budget is not the limit."],
    },
    "what_if": [{"words": "this plan", "customers": 3, "cost": 1.3, "profit": 9.0, "low": 4.0, "high": 14.0}],
    "days": {"first": "1998-04-02"},
    "notes": ["Write `margin` into the file."],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", "a")


def written(folder: Path, name: str, content: Any) -> Path:
    """Write a JSON file into a folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_the_diagnosis_is_shown_as_data(store: Store, tmp_path: Path) -> None:
    folder = written(tmp_path / "diagnosis", "diagnosis.json", DIAGNOSIS)
    page = Browser(pages_app(store, diagnosis=folder)).get("/diagnosis").text
    assert "It is a &lt;hybrid&gt; shop." in page and "Hybrid. New and old." in words_of(page)
    assert (
        '<td class="h9">40</td>' in page
        and '<td class="h4">20</td>' in page
        and '<td class="h0"></td>' in page
    )


def test_the_colours_of_the_cohorts_are_told_so_that_it_holds_on_dark_screens_too(
    store: Store, tmp_path: Path
) -> None:
    folder = written(tmp_path / "diagnosis", "diagnosis.json", DIAGNOSIS)
    shown = words_of(Browser(pages_app(store, diagnosis=folder)).get("/diagnosis").text)
    assert "The stronger the colour, the more." in shown and "darker" not in shown


def test_a_newer_diagnosis_is_shown_without_a_restart(store: Store, tmp_path: Path) -> None:
    folder = written(tmp_path / "diagnosis", "diagnosis.json", DIAGNOSIS)
    browser = Browser(pages_app(store, diagnosis=folder))
    assert "It is a" in browser.get("/diagnosis").text
    written(folder, "diagnosis.json", {**DIAGNOSIS, "sentences": ["It has become a loyalty shop."]})
    assert "It has become a loyalty shop." in browser.get("/diagnosis").text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("diagnosis", "{"),
        ("diagnosis", "[]"),
        ("diagnosis", {"as_of": "x"}),
        ("plan", {**PLAN, "format": "9"}),
    ],
)
def test_a_damaged_folder_is_an_error_page(store: Store, tmp_path: Path, name: str, content: Any) -> None:
    folder = written(tmp_path / name, f"{name}.json", content)
    browser = Browser(pages_app(store, plan=folder, diagnosis=folder))
    answer = browser.get(f"/{name}")
    assert answer.status_code == 503 and "text/html" in answer.headers["content-type"]


def test_the_plan_is_shown_with_the_contacts_that_add_most(store: Store, tmp_path: Path) -> None:
    folder = written(tmp_path / "plan", "plan.json", PLAN)
    pq.write_table(contacts(("a", 1.0), ("b", 5.0), ("c", 3.0)), folder / "plan.parquet")
    page = Browser(pages_app(store, plan=folder)).get("/plan").text
    shown = words_of(page)
    assert (
        "The plan: Spring" in shown
        and "It still pays if the contacts have only 16% of the effect that is assumed." in shown
    )
    assert (
        shown.index("b 5.00 Free shipping E-mail") < shown.index("c 3.00 Free") < shown.index("a 1.00 Free")
    )
    assert "1: in the control group" in shown and "Write <code>margin</code> into the file." in page


def test_a_plan_that_was_given_no_name_is_the_plan(store: Store, tmp_path: Path) -> None:
    terms = {**PLAN["terms"], "label": "Campaign"}
    folder = written(tmp_path / "plan", "plan.json", {**PLAN, "terms": terms})
    assert "<h1>The plan</h1>" in Browser(pages_app(store, plan=folder)).get("/plan").text


def test_only_customers_of_the_ranking_are_linked(store: Store, tmp_path: Path) -> None:
    folder = written(tmp_path / "plan", "plan.json", PLAN)
    pq.write_table(contacts(("a", 1.0), ("gone", 5.0)), folder / "plan.parquet")
    page = Browser(pages_app(store, plan=folder)).get("/plan").text
    assert 'href="/customers/a"' in page and "/customers/gone" not in page and "gone" in page


def test_those_who_are_drawn_stand_apart_from_those_who_are_not_contacted(
    store: Store, tmp_path: Path
) -> None:
    shown = words_of(
        Browser(pages_app(store, plan=written(tmp_path / "p", "plan.json", PLAN))).get("/plan").text
    )
    assert shown.index("in the control group") < shown.index("How the effect will be measured")
    assert "1 customer was drawn by lot into a control group that nobody contacts" in shown


@pytest.mark.parametrize(("name", "content"), [("plan", PLAN), ("diagnosis", DIAGNOSIS)])
@pytest.mark.parametrize(
    ("as_of", "older"), [("1998-03-31", True), ("1998-04-01", None), ("1998-04-02", False)]
)
def test_another_day_than_the_rankings_is_said(
    store: Store, tmp_path: Path, name: str, content: dict[str, Any], as_of: str, older: bool | None
) -> None:
    folder = written(tmp_path / name, f"{name}.json", {**content, "as_of": as_of})
    shown = words_of(Browser(pages_app(store, plan=folder, diagnosis=folder)).get(f"/{name}").text)
    assert ("their numbers do not belong together" in shown) is (older is not None)
    assert (f"The {name} is the older one: make it again." in shown) is (older is True)


def test_a_plan_without_its_table_says_so(store: Store, tmp_path: Path) -> None:
    folder = written(tmp_path / "plan", "plan.json", PLAN)
    assert "There is no table beside plan.json." in Browser(pages_app(store, plan=folder)).get("/plan").text


def contacts(*rows: tuple[str, float]) -> pa.Table:
    """Return a plan's table of contacts with their added profits, and one customer who gets none."""
    every = [*rows, ("nobody", 99.0)]
    return pa.table(
        {
            "customer_id": [name for name, _ in every],
            "action": [*["contact"] * len(rows), "none"],
            "offer": ["free_shipping"] * len(every),
            "channel": ["email"] * len(every),
            "send_at": pa.array([892_000_000] * len(every), pa.timestamp("s")),
            "p_without": [0.1] * len(every),
            "p_with": [0.2] * len(every),
            "expected_cost": [0.5] * len(every),
            "expected_profit": [profit for _, profit in every],
        }
    )
