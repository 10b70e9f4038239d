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


@pytest.mark.parametrize("size", list(SIZES))
def test_the_sign_in_form_is_accessible(chromium: Browser, locked: tuple[str, str], size: str) -> None:
    from axe_core_python.sync_playwright import Axe

    with watched(chromium, size=size) as seen:
        seen.page.goto(locked[0] + "/segments")
        seen.page.screenshot(path=SCREENSHOTS / f"signin-{size}-light.png")
        assert Axe().run(seen.page)["violations"] == [] and seen.elsewhere == []
