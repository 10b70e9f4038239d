"""Signing in with an API key, and out again."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from serving.guarding.keys import SCORE_READ, KeyRing
from serving.pages.guard import PageRoute
from serving.pages.sessions import LASTS, same
from serving.pages.visit import answer, cookie_of, session_of, sessions_of
from serving.problems import Problem
from serving.service import Service, ServiceDep

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HOME = "/customers"
_FORM_COOKIE = "repurchase-form"
_LARGEST_FORM, _LONGEST_PATH = 4_096, 2_000
_FORM_KIND = "application/x-www-form-urlencoded"
_OPENS_NOTHING = "This key opens nothing: it is mistyped, revoked or has expired."
_OPENS_NO_PAGE = (
    f"This key may not look at customers, so no page would open. Ask for one with the scope {SCORE_READ}."
)


@router.get("/signin")
async def sign_in_form(request: Request, service: ServiceDep) -> Response:
    """Show the form, or lead on where no keys are asked for or somebody is signed in."""
    after = _local(request.query_params.get("next", ""))
    if service.keys is None or session_of(request, service) is not None:
        return RedirectResponse(after, 303)
    return _form(request, service, after=after)


@router.post("/signin")
async def sign_in(request: Request, service: ServiceDep) -> Response:
    """Take a key, open a session, go on; the form again if the key opens nothing (401) or no page (403)."""
    if service.keys is None:
        return RedirectResponse(HOME, 303)
    form = await _posted(request)
    nonce = request.cookies.get(_FORM_COOKIE, "")
    if not nonce or not same(form.get("csrf", ""), sessions_of(request).form_token(nonce)):
        raise Problem(403, "This form is out of date, or your browser keeps no cookies. Sign in again.")
    after = _local(form.get("next", ""))
    return _opened(request, service, service.keys, form.get("key", "").strip(), after)


def _opened(request: Request, service: Service, keys: KeyRing, key: str, after: str) -> Response:
    found = keys.find(key, now=service.clock())
    if found is None:
        return _form(request, service, after=after, refused=_OPENS_NOTHING, status=401)
    if SCORE_READ not in found.scopes:
        return _form(request, service, after=after, refused=_OPENS_NO_PAGE, status=403)
    # A token that was there before the sign-in opens nothing: it is always a new one.
    sessions_of(request).end(request.cookies.get(cookie_of(service), ""))
    token = sessions_of(request).begin(found)
    response = RedirectResponse(after, 303)
    _set(response, service, cookie_of(service), token, seconds=int(LASTS.total_seconds()))
    response.delete_cookie(_FORM_COOKIE, path="/")
    return response


@router.post("/signout")
async def sign_out(request: Request, service: ServiceDep) -> Response:
    """End the session; the form must carry its token, so that no other site can."""
    form = await _posted(request)
    token = request.cookies.get(cookie_of(service), "")
    session = sessions_of(request).of(token)
    if session is not None and not same(form.get("csrf", ""), session.csrf):
        raise Problem(403, "This form is out of date. Load the page again and sign out there.")
    sessions_of(request).end(token)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(cookie_of(service), path="/", secure=service.settings.secure)
    return response


def _form(
    request: Request, service: Service, *, after: str, refused: str | None = None, status: int = 200
) -> Response:
    nonce = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(16)
    context: dict[str, Any] = {
        "title": "Sign in",
        "here": "/signin",
        "csrf": None,
        "strip": [],
        "after": after,
        "refused": refused,
        "token": sessions_of(request).form_token(nonce),
    }
    response = answer("signin.html", context, status=status)
    _set(response, service, _FORM_COOKIE, nonce, seconds=3_600)
    return response


def _set(response: Response, service: Service, name: str, value: str, *, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=service.settings.secure,
        httponly=True,
        samesite="strict",
    )


async def _posted(request: Request) -> dict[str, str]:
    """Return the fields of a small form of our own pages; Problem 403, 413 or 415 for others."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM_KIND:
        raise Problem(415, f"Send the form as {_FORM_KIND}.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "This form was sent from another site.")
    body = await request.body()
    if len(body) > _LARGEST_FORM:
        raise Problem(413, f"This form holds at most {_LARGEST_FORM:,} bytes.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    except ValueError:
        raise Problem(422, "This form has too many fields.") from None
    return {name: values[-1] for name, values in fields.items()}


def _local(path: str) -> str:
    """Return a path of this site; anything else becomes the first page."""
    if not path.isprintable() or "\\" in path or len(path) > _LONGEST_PATH:
        return HOME
    parts = urlsplit(path)
    local = path.startswith("/") and not path.startswith("//")
    return path if local and not parts.scheme and not parts.netloc else HOME
