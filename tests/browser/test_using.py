"""What a person does: filter and export, slide by keyboard, sign in, with and without scripts."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.conftest import Shop, served, watched
from tests.serving.scores import many

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def ids(page: Page) -> list[str]:
    """Return the customers of the table."""
    return page.locator(".ranked tbody th a").all_inner_texts()


def heading(page: Page) -> str:
    """Return the heading of the results."""
    return page.locator("#results-title").inner_text()


def contacted(page: Page) -> int:
    """Return how many customers the heading contacts."""
    found = re.search(r"Contact ([\d,]+)", heading(page))
    assert found is not None
    return int(found[1].replace(",", ""))


def from_api(address: str, query: str) -> list[str]:
    """Return the customers of a filter as the API has them."""
    answer = httpx.get(f"{address}/v1/ranking?limit=1000&{query}")
    return [one["customer_id"] for one in answer.json()["items"]]


def test_filtering_changes_table_and_address_and_the_export_is_what_is_shown(
    chromium: Browser, address: str, tmp_path: Path
) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{address}/customers")
        page.locator(".pill", has_text="focus").click()
        page.locator(".pill", has_text="growing").click()
        page.wait_for_url("**/customers?tier=focus&lifecycle=growing")
        wanted = from_api(address, "tier=focus&lifecycle=growing")
        assert ids(page) == wanted[:50] and heading(page).startswith(f"{len(wanted):,} of 2,357")
        page.get_by_text("Export", exact=True).click()
        with page.expect_download() as coming:
            page.get_by_role("link", name="CSV for spreadsheets").click()
        coming.value.save_as(tmp_path / "export.csv")
        with (tmp_path / "export.csv").open(newline="") as file:
            assert [one["customer_id"] for one in csv.DictReader(file)] == wanted
        assert seen.errors == [] and seen.elsewhere == []


def test_a_filter_in_the_address_is_found_again(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        seen.page.goto(f"{address}/customers?tier=reduce&search=00")
        assert ids(seen.page) == from_api(address, "tier=reduce&search=00")[:50]
        assert seen.page.get_by_label("reduce").is_checked()


def test_typing_a_customer_narrows_the_table(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        seen.page.goto(f"{address}/customers")
        seen.page.get_by_label("Customer id begins with").press_sequentially("0759", delay=20)
        seen.page.wait_for_url("**/customers?search=0759")
        assert ids(seen.page) == from_api(address, "search=0759") and "07592" in ids(seen.page)


def test_the_slider_works_by_keyboard(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{address}/contact?amount=100&cost=0.02")
        page.locator("#slider").focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_url("**amount=105**")
        assert contacted(page) == 105 and page.locator("#amount").input_value() == "105"
        page.keyboard.press("End")
        page.wait_for_url("**amount=2357**")
        assert contacted(page) == 2357
        page.keyboard.press("Home")
        page.wait_for_url("**amount=0&**")
        assert contacted(page) == 0 and seen.errors == []


def test_the_field_moves_the_slider(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{address}/contact?cost=0.02")
        page.locator("#amount").fill("700")
        page.wait_for_url("**amount=700**")
        assert contacted(page) == 700 and page.locator("#slider").input_value() == "700"


def test_deciding_by_budget_changes_the_slider(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{address}/contact?amount=100&cost=0.5")
        page.locator(".pill", has_text="budget").click()
        page.get_by_text("Money to spend, USD").wait_for()
        page.locator("#amount").fill("100")
        page.wait_for_url("**by=budget&amount=100**")
        assert contacted(page) == 200 and seen.errors == []


def test_without_scripts_the_form_filters_by_its_button(chromium: Browser, address: str) -> None:
    with watched(chromium, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(f"{address}/customers")
        page.locator(".pill", has_text="focus").click()
        page.get_by_role("button", name="Show customers").click()
        page.wait_for_url("**/customers?tier=focus")
        assert ids(page) == from_api(address, "tier=focus")[:50]
        page.get_by_role("link", name="Next customers").click()
        assert ids(page) == from_api(address, "tier=focus")[50:100]


def test_without_scripts_the_slider_works_by_its_button(chromium: Browser, address: str) -> None:
    with watched(chromium, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(f"{address}/contact?amount=100&cost=0.02")
        page.locator("#slider").press("ArrowRight")
        page.get_by_role("button", name="Work it out").click()
        assert contacted(page) == 101
        page.locator("#amount").fill("250")
        page.get_by_role("button", name="Work it out").click()
        assert contacted(page) == 250


def test_the_filter_of_a_phone_opens_and_closes(chromium: Browser, address: str) -> None:
    with watched(chromium, size="phone") as seen:
        seen.page.goto(f"{address}/customers")
        assert not seen.page.locator("#filter").is_visible()
        seen.page.get_by_label("Show the filter").check()
        assert seen.page.locator("#filter").is_visible()


def test_the_keyboard_reaches_content_and_table(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        seen.page.goto(f"{address}/customers")
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the content"
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "main"
        seen.page.locator(".wide").first.focus()
        assert seen.page.evaluate("document.activeElement.className") == "wide"


def test_signing_in_and_out(chromium: Browser, locked: tuple[str, str]) -> None:
    address, key = locked
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{address}/segments")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("This key opens nothing").wait_for()
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/segments")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signin")
        page.goto(f"{address}/customers")
        assert page.get_by_label("API key").is_visible()


def test_one_customer_tells_orders_and_reasons(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        seen.page.goto(f"{address}/customers")
        seen.page.locator(".ranked tbody th a").first.click()
        seen.page.wait_for_url("**/customers/*")
        assert seen.page.locator(".reasons li").count() >= 3
        assert "points" not in seen.page.locator(".reasons").inner_text()
        assert seen.page.locator("figure svg[role=img]:visible").count() == 2


def test_the_first_page_of_a_million_customers_is_there_within_a_second(
    chromium: Browser, shop: Shop, tmp_path: Path
) -> None:
    from serving.store import publish

    publish(
        many(1_000_000), tmp_path / "out", manifest={"ranked_by": "expected_value_90d"}, formats=("parquet",)
    )
    with served(shop, store=tmp_path / "out") as address, watched(chromium) as seen:
        seen.page.goto(f"{address}/customers")
        took = seen.page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        assert len(ids(seen.page)) == 50 and took < 1_000.0
