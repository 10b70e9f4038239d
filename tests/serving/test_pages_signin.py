from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.guarding.keys import ADMIN, EXPORT_PII, SCORE_READ, KeyRing, new_key, revoke
from serving.pages.sessions import LASTS, MOST, Sessions
from serving.store import Store
from tests.serving.pages_shop import NOW, Browser, hidden, ids_of, pages_app, pages_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", "a", "b")


def ticks() -> Any:
    """Return seconds that pass quickly: the key file is looked at at each request."""
    seconds = iter(range(1_000_000))
    return lambda: float(2 * next(seconds))


def shop(store: Store, folder: Path, **more: Any) -> tuple[Browser, str]:
    """Return a browser in front of a shop that asks for keys, and a key."""
    key = new_key(folder / "keys.json", "anna", **more)
    return Browser(pages_app(store, keys=KeyRing.load(folder / "keys.json", ticks=ticks()))), key


@pytest.mark.parametrize(
    "path", ["/customers", "/contact", "/segments", "/model", "/customers/a", "/plan", "/export"]
)
def test_who_is_not_signed_in_is_led_to_the_form(store: Store, tmp_path: Path, path: str) -> None:
    answer = shop(store, tmp_path)[0].get(f"{path}?tier=gold")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/signin?next={path.replace('/', '%2F')}%3Ftier%3Dgold"


def test_a_key_opens_a_session_and_leads_on(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    answer = browser.sign_in(key, next="/customers?tier=gold")
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers?tier=gold")
    assert ids_of(browser.get("/customers").text) == ["a", "b"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    cookie = browser.sign_in(key).headers.get_list("set-cookie")[0]
    assert cookie.startswith("repurchase=") and key not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; ")) and "Secure" not in cookie


def test_over_https_the_cookie_is_held_to_this_host(store: Store, tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "anna")
    app = pages_app(store, keys=KeyRing.load(tmp_path / "keys.json"), secure=True)
    browser = Browser(app)
    page = browser.get("/signin")
    nonce = page.headers["set-cookie"].partition(";")[0]
    form = {"csrf": hidden(page.text, "csrf"), "key": key}
    cookie = browser.post("/signin", form, cookie=nonce).headers.get_list("set-cookie")[0]
    assert cookie.startswith("__Host-repurchase=") and "; Secure" in cookie


@pytest.mark.parametrize("wrong", ["", "x", "rp_" + "A" * 43])
def test_a_wrong_key_is_refused_and_not_shown(store: Store, tmp_path: Path, wrong: str) -> None:
    answer = shop(store, tmp_path)[0].sign_in(wrong)
    assert answer.status_code == 401 and "This key opens nothing" in answer.text
    assert not wrong or f'"{wrong}"' not in answer.text
    assert "repurchase=" not in answer.headers["set-cookie"].split(";")[0]


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_its_token_is_refused(store: Store, tmp_path: Path, token: str) -> None:
    browser, key = shop(store, tmp_path)
    browser.get("/signin")
    answer = browser.post("/signin", {"csrf": token, "key": key})
    assert answer.status_code == 403 and "text/html" in answer.headers["content-type"]


def test_a_form_of_another_site_is_refused(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    form = {"csrf": hidden(browser.get("/signin").text, "csrf"), "key": key}
    assert browser.post("/signin", form, sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"key=" + b"x" * 5_000, "application/x-www-form-urlencoded", 413), (b"{}", "application/json", 415),
     (b"&".join(b"a%d=1" % n for n in range(50)), "application/x-www-form-urlencoded", 422)],
)  # fmt: skip
def test_a_form_that_is_none_is_refused(
    store: Store, tmp_path: Path, body: bytes, kind: str, status: int
) -> None:
    browser, _ = shop(store, tmp_path)
    answer = browser.send("POST", "/signin", content=body, headers={"content-type": kind})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "after", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "x", "/\nx"]
)
def test_signing_in_never_leads_elsewhere(store: Store, tmp_path: Path, after: str) -> None:
    browser, key = shop(store, tmp_path)
    assert browser.sign_in(key, next=after).headers["location"] == "/customers"


def test_signing_out_ends_the_session_and_needs_the_token(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    browser.sign_in(key)
    token = hidden(browser.get("/customers").text, "csrf")
    assert browser.post("/signout", {"csrf": "x"}).status_code == 403
    held = browser.cookies["repurchase"]
    assert browser.post("/signout", {"csrf": token}).headers["location"] == "/signin"
    browser.cookies.set("repurchase", held, domain="shop")
    assert browser.get("/customers").status_code == 303


def test_a_revoked_key_ends_its_session(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    new_key(tmp_path / "keys.json", "other")
    browser.sign_in(key)
    assert browser.get("/customers").status_code == 200
    revoke(tmp_path / "keys.json", "anna")
    assert browser.get("/customers").status_code == 303


def test_a_key_that_expires_ends_its_session(store: Store, tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "anna", expires=date(1998, 7, 1))
    now = [datetime(1998, 7, 1, 23, 0, tzinfo=UTC)]
    app = pages_app(store, keys=KeyRing.load(tmp_path / "keys.json"))
    app.state.service.clock = lambda: now[0]
    browser = Browser(app)
    browser.sign_in(key)
    assert browser.get("/customers").status_code == 200
    now[0] += timedelta(hours=2)
    assert browser.get("/customers").status_code == 303


def test_a_key_without_the_scope_sees_nothing(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path, scopes=(ADMIN,))
    answer = browser.sign_in(key)
    assert answer.status_code == 403 and "with the scope score:read" in answer.text
    assert browser.get("/customers").headers["location"].startswith("/signin")


def test_who_is_signed_in_is_led_on_from_the_form(store: Store, tmp_path: Path) -> None:
    browser, key = shop(store, tmp_path)
    browser.sign_in(key)
    assert browser.get("/signin?next=%2Fsegments").headers["location"] == "/segments"


@pytest.mark.parametrize(
    ("path", "status"), [("/nope", 404), ("/export?format=meta", 403), ("/customers?p_min=x", 422)]
)
def test_an_error_page_lets_sign_out(store: Store, tmp_path: Path, path: str, status: int) -> None:
    browser, key = shop(store, tmp_path)
    browser.sign_in(key)
    answer = browser.get(path)
    assert answer.status_code == status and "Sign out" in answer.text
    assert browser.post("/signout", {"csrf": hidden(answer.text, "csrf")}).headers["location"] == "/signin"


def test_an_error_page_of_who_is_not_signed_in_has_nothing_to_sign_out_of(
    store: Store, tmp_path: Path
) -> None:
    assert "Sign out" not in shop(store, tmp_path)[0].get("/nope").text


def test_sign_in_is_not_needed_where_keys_are_off(store: Store) -> None:
    browser = Browser(pages_app(store))
    assert browser.get("/signin").headers["location"] == "/customers"
    assert "Sign out" not in browser.get("/customers").text


def test_a_script_is_told_to_load_the_form(store: Store, tmp_path: Path) -> None:
    answer = shop(store, tmp_path)[0].get("/customers", hx_request="true")
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/signin")


def test_a_key_pays_for_pages_as_for_the_api(store: Store, tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "anna", scopes=(SCORE_READ, EXPORT_PII))
    browser = Browser(pages_app(store, keys=KeyRing.load(tmp_path / "keys.json"), per_minute=2))
    browser.sign_in(key)
    answers = [browser.get("/segments") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] and "text/html" in answers[2].headers["content-type"]


def test_sessions_end_and_are_bounded() -> None:
    from serving.guarding.keys import NOBODY_IN_PARTICULAR

    now = [NOW]
    sessions = Sessions(lambda: now[0])
    first, *_, last = (sessions.begin(NOBODY_IN_PARTICULAR) for _ in range(MOST + 1))
    assert len(sessions) == MOST and sessions.of(first) is None and sessions.of(last) is not None
    now[0] += LASTS
    assert sessions.of(last) is None and len(sessions) == MOST - 1
