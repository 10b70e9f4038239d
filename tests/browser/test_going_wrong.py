"""What a person is told when an answer does not come, or a field cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import running, watched
from tests.serving.pages_shop import pages_app, pages_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.browser

NAMES = [f"c{number:03d}" for number in range(1, 121)]
CHANGES = {"/customers": ("search", "c00"), "/contact?amount=20": ("amount", "30")}


@pytest.fixture(scope="module")
def shop_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over a small ranking that nobody trained a model for."""
    with running(pages_app(pages_store(tmp_path_factory.mktemp("shop") / "out", *NAMES))) as address:
        yield address


@pytest.mark.parametrize("path", list(CHANGES))
def test_a_server_that_is_gone_is_told_until_it_is_back(
    chromium: Browser, shop_address: str, path: str
) -> None:
    name, value = CHANGES[path]
    with watched(chromium) as seen:
        page, field = seen.page, f"[name={name}]"
        page.goto(shop_address + path)
        page.context.set_offline(True)
        page.locator(field).fill(value)
        page.get_by_text(
            "No connection to the server. The numbers shown are still those of before."
        ).wait_for()
        page.context.set_offline(False)
        page.locator("form[hx-get] button").click()
        page.wait_for_url(f"**{name}={value}**")
        assert page.locator("#notice").inner_text() == ""


def test_a_proxys_own_page_does_not_take_the_place_of_the_numbers(
    chromium: Browser, shop_address: str
) -> None:
    def down(route: Route) -> None:
        route.fulfill(status=502, body="<html><h1>Bad gateway</h1></html>", content_type="text/html")

    with watched(chromium) as seen:
        seen.page.goto(f"{shop_address}/contact?amount=20")
        seen.page.route("**/contact?*", down)
        seen.page.locator("#amount").fill("30")
        seen.page.get_by_text("The server does not answer as it should (status 502).").wait_for()
        assert "Contact 20 customers" in seen.page.locator("#results-title").inner_text()


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("margin", "0", "20"),
        ("margin", "101", "20"),
        ("cost", "-1", "1"),
        ("amount", "10.7", "11"),
        ("amount", "-5", "5"),
    ],
)
def test_a_field_that_cannot_be_meant_is_marked_until_it_can(
    chromium: Browser, shop_address: str, name: str, wrong: str, right: str
) -> None:
    with watched(chromium) as seen:
        page, field = seen.page, seen.page.locator(f"[name={name}]")
        page.goto(f"{shop_address}/contact?amount=20")
        field.fill(wrong)
        page.get_by_text("See the field that is marked.").wait_for()
        assert field.get_attribute("aria-invalid") == "true"
        assert page.locator(f"#{name}-wrong").inner_text() != ""
        field.fill(right)
        page.wait_for_url(f"**{name}={right}&**")
        assert (
            field.get_attribute("aria-invalid") is None and page.locator(f"#{name}-wrong").inner_text() == ""
        )
        assert page.locator("#notice").inner_text() == "" and seen.errors == []


def test_a_ranking_that_comes_while_the_page_is_open_is_told(chromium: Browser, tmp_path: Path) -> None:
    older, newer = pages_store(tmp_path / "old", *NAMES), pages_store(tmp_path / "new", *NAMES, "d1", "d2")
    newer.manifest["as_of"] = "1998-05-17"
    app = pages_app(older)
    with running(app) as address, watched(chromium) as seen:
        seen.page.goto(f"{address}/contact?amount=20")
        app.state.service.current = replace(app.state.service.current, store=newer)
        seen.page.locator("#amount").fill("122")
        seen.page.get_by_text("A newer ranking was published since this page was opened").wait_for()
        assert "17\xa0May\xa01998" in seen.page.locator("#strip").inner_text()
        assert "Contact 122 customers" in seen.page.locator("#results-title").inner_text()
        assert (seen.page.locator("#slider").input_value(), seen.errors) == ("122", [])


def test_a_highest_value_may_be_typed_slowly(chromium: Browser, shop_address: str) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{shop_address}/customers?value_min=5")
        before = page.locator("#results-title").inner_text()
        page.locator("[name=value_max]").press_sequentially("1", delay=20)
        page.get_by_text("This lies below “from”.").wait_for()
        assert page.locator("#results-title").inner_text() == before
        page.locator("[name=value_max]").press_sequentially("0", delay=20)
        page.wait_for_url("**value_max=10**")
        assert page.get_by_text("This lies below “from”.").count() == 0 and seen.errors == []


def test_the_menu_closes_by_escape_and_by_a_click_elsewhere(chromium: Browser, shop_address: str) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"{shop_address}/customers")
        inside = page.get_by_role("link", name="CSV for spreadsheets")
        page.locator(".menu summary").click()
        inside.wait_for()
        page.keyboard.press("Escape")
        inside.wait_for(state="hidden")
        page.locator(".menu summary").click()
        inside.wait_for()
        page.locator("h1").click()
        inside.wait_for(state="hidden")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_customer_whose_id_is_dots_can_be_opened(chromium: Browser, tmp_path: Path, name: str) -> None:
    with running(pages_app(pages_store(tmp_path / "out", "a", name))) as address, watched(chromium) as seen:
        seen.page.goto(f"{address}/customers?search=.")
        seen.page.locator(".ranked tbody th a").click()
        seen.page.locator("h1.id").wait_for()
        assert seen.page.locator("h1.id").inner_text() == name
        seen.page.locator(".crumb a").click()
        seen.page.wait_for_url("**/customers?search=.")


def test_without_scripts_a_budget_that_is_typed_counts(chromium: Browser, shop_address: str) -> None:
    with watched(chromium, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(f"{shop_address}/contact?cost=1")
        page.locator(".pill", has_text="budget").click()
        page.locator("#amount").fill("50.5")
        page.get_by_role("button", name="Work it out").click()
        assert "Contact 50 customers" in page.locator("#results-title").inner_text()
        assert page.locator("#amount").input_value() == "50.5"
