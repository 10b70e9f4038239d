"""One request of a page: who asks, what is answered from, and how a page is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, Response

from serving.guarding.access import admit, demand
from serving.guarding.keys import EXPORT_PII, NOBODY_IN_PARTICULAR, SCORE_READ
from serving.pages.render import html_of
from serving.pages.sessions import Session, Sessions
from serving.pages.strip import strip_of
from serving.problems import Problem
from serving.service import Current, CurrentDep, Service, ServiceDep
from serving.store import Store


class SignInNeeded(Exception):
    """Nobody is signed in; the page is shown after that."""


@dataclass(frozen=True)
class Visitor:
    """Who looks. session: None where the service asks for no keys."""

    scopes: frozenset[str]
    session: Session | None = None

    @property
    def sees_addresses(self) -> bool:
        """Whether exports with e-mail addresses and the like are theirs."""
        return EXPORT_PII in self.scopes


def cookie_of(service: Service) -> str:
    """Return the session cookie's name; browsers hold `__Host-` cookies to this host and HTTPS."""
    return "__Host-repurchase" if service.settings.secure else "repurchase"


def sessions_of(request: Request) -> Sessions:
    """Return the sessions of this server."""
    sessions: Sessions = request.app.state.sessions
    return sessions


def session_of(request: Request, service: Service) -> Session | None:
    """Return the session of who is signed in, or None; a key that was revoked or has expired ends its session."""
    token = request.cookies.get(cookie_of(service), "")
    session = sessions_of(request).of(token)
    if session is None or service.keys is None:
        return None
    if not service.keys.holds(session.key, now=service.clock()):
        sessions_of(request).end(token)
        return None
    return session


async def visitor(request: Request, service: ServiceDep) -> Visitor:
    """Return who is signed in; SignInNeeded if nobody is."""
    if service.keys is None:
        return Visitor(admit(request, NOBODY_IN_PARTICULAR).scopes)
    session = session_of(request, service)
    if session is None:
        raise SignInNeeded
    demand(admit(request, session.key), SCORE_READ)
    return Visitor(session.key.scopes, session)


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in person, answered from one model and one ranking."""

    request: Request
    service: Service
    current: Current
    visitor: Visitor

    @property
    def store(self) -> Store:
        """The published ranking; Problem 503 if there is none."""
        if self.current.store is None:
            raise Problem(503, "No ranking is published. Run `repurchase rank` and start the server with it.")
        return self.current.store

    @property
    def piecewise(self) -> bool:
        """Whether a script on the page asks for the part of it that changes."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    @property
    def newer(self) -> bool:
        """Whether the page that a script asks for was opened with another ranking."""
        return self.request.query_params.get("seen", self.store.version) != self.store.version

    def piece(self, template: str, *, headers: Mapping[str, str], **context: Any) -> Response:
        """Return the part of a page that changes, and the strip: the ranking may be newer than the page."""
        strip = strip_of(self.current, now=self.service.clock())
        return answer("piece.html", {"piece": template, "strip": strip, **context}, headers=headers)

    def page(
        self,
        template: str,
        *,
        title: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """Return a whole page."""
        session = self.visitor.session
        shared = {
            "title": title,
            "here": self.request.url.path,
            "csrf": session.csrf if session else None,
            "strip": strip_of(self.current, now=self.service.clock()),
        }
        return answer(template, {**shared, **context}, status=status, headers=headers)


def answer(
    template: str, context: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a template's page with the policy that all pages have."""
    sent = {"content-security-policy": POLICY, "referrer-policy": "same-origin", "vary": "HX-Request, Cookie"}
    return HTMLResponse(html_of(template, context), status, headers={**sent, **(headers or {})})


POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


def sign_in_address(request: Request) -> str:
    """Return where to sign in, and where to go on afterwards."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/signin?next={quote(path, safe='')}" if request.method == "GET" else "/signin"


async def _visit(
    request: Request, service: ServiceDep, current: CurrentDep, who: Annotated[Visitor, Depends(visitor)]
) -> Visit:
    return Visit(request, service, current, who)


VisitDep = Annotated[Visit, Depends(_visit)]
