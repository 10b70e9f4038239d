"""Every page, wide and narrow, light and dark: nothing to mend for axe, no error, nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import SCREENSHOTS, SIZES, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PAGES = {
    "customers": "/customers",
    "filtered": "/customers?tier=focus&lifecycle=growing",
    "nobody": "/customers?search=zzz",
    "contact": "/contact?cost=0.02&margin=40",
    "segments": "/segments",
    "model": "/model",
    "customer": "/customers/07592",
    "diagnosis": "/diagnosis",
    "plan": "/plan",
    "not-found": "/customers/nobody",
    "refused": "/customers?value_min=x",
}
STATUS = {"not-found": 404, "refused": 422}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_is_whole_and_accessible(
    chromium: Browser, address: str, name: str, size: str, colours: str
) -> None:
    from axe_core_python.sync_playwright import Axe

    with watched(chromium, size=size, color_scheme=colours) as seen:
        answer = seen.page.goto(address + PAGES[name], wait_until="networkidle")
        assert answer is not None and answer.status == STATUS.get(name, 200)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        seen.page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{colours}.png", full_page=name != "customers")
        found = Axe().run(seen.page)["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= SIZES[size][0], "the page scrolls sideways"
        assert seen.elsewhere == [] and len(seen.asked) <= 5
        # Chromium itself notes every answer of 400 and above.
        assert [one for one in seen.errors if "the server responded with a status of" not in one] == []


def test_the_ranking_fits_beside_its_filter(chromium: Browser, address: str) -> None:
    with watched(chromium) as seen:
        seen.page.set_viewport_size({"width": 1280, "height": 900})
        seen.page.goto(address + "/customers")
        room, table = seen.page.eval_on_selector(".wide", "one => [one.clientWidth, one.scrollWidth]")
        assert table <= room
        form, dates = (
            seen.page.locator(one).bounding_box() for one in ("#filter", "#filter [name=last_order_to]")
        )
        assert form and dates and dates["x"] + dates["width"] <= form["x"] + form["width"]
        tops = seen.page.eval_on_selector_all(".strip dl > div", "all => all.map(one => one.offsetTop)")
        assert len(set(tops)) == 1, "a fact of the strip stands alone in a line"


@pytest.mark.parametrize(
    ("path", "column"),
    [("/customers", ".ranked td.most"), ("/contact?cost=0.02", "td.most"), ("/plan", "td.most")],
)
def test_a_phone_shows_the_money_without_scrolling_sideways(
    chromium: Browser, address: str, path: str, column: str
) -> None:
    with watched(chromium, size="phone") as seen:
        seen.page.goto(address + path)
        for one in seen.page.locator(".wide:has(td.most)").all():
            cell, room = one.locator(column).first.bounding_box(), one.bounding_box()
            assert cell and room and cell["x"] + cell["width"] <= room["x"] + room["width"]


def test_a_phone_begins_with_the_page_and_shows_all_facts_when_asked(chromium: Browser, address: str) -> None:
    with watched(chromium, size="phone") as seen:
        seen.page.goto(address + "/segments")
        assert seen.page.eval_on_selector("main", "one => one.offsetTop") < 180
        facts = seen.page.locator(".strip dl > div:visible")
        few = facts.count()
        seen.page.get_by_label("Show all").check()
        assert few < facts.count() and seen.errors == []


@pytest.mark.parametrize("size", list(SIZES))
def test_the_sign_in_form_is_accessible(chromium: Browser, locked: tuple[str, str], size: str) -> None:
    from axe_core_python.sync_playwright import Axe

    with watched(chromium, size=size) as seen:
        seen.page.goto(locked[0] + "/segments")
        seen.page.screenshot(path=SCREENSHOTS / f"signin-{size}-light.png")
        assert Axe().run(seen.page)["violations"] == [] and seen.elsewhere == []
