"""Who may do what: an API key on every request, with the scopes that it needs.

Scopes stand for themselves, none holds another: a key that scrapes /metrics (admin) reads no customer, a key that
reads scores exports no address. A key may have several.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from serving.guarding.guard import guard_of
from serving.guarding.keys import ADMIN, EXPORT_PII, NOBODY_IN_PARTICULAR, SCOPES, SCORE_READ, Key
from serving.problems import Problem
from serving.service import Service

__all__ = [
    "ADMIN",
    "EXPORT_PII",
    "SCOPES",
    "SCORE_READ",
    "CurrentKey",
    "admit",
    "demand",
    "require",
    "sent_key",
]

# FastAPI's own security classes cost 0.1 ms per request; these are for the OpenAPI document.
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
_WANTED = "Send a valid API key as `Authorization: Bearer …` or `X-API-Key: …`."


class Require:
    """The dependency that lets only requests in whose key has a scope; Problem 401, 403 or 429."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> None:
        """Check one request; its key is then `request.state.key`."""
        demand(await current_key(request), self.scope)


def require(scope: str) -> Require:
    """Return the dependency for a scope."""
    return Require(scope)


async def current_key(request: Request) -> Key:
    """Return the key of a request, known or found now; Problem 401 or 429.

    Where keys are switched off everybody is the same one, with every scope.
    """
    known: Key | None = request.scope["state"].get("key")
    if known is not None:
        return known
    service: Service = request.app.state.service
    if service.keys is None:
        return admit(request, NOBODY_IN_PARTICULAR)
    found = service.keys.find(sent_key(request), now=service.clock())
    if found is None:
        raise Problem(401, _WANTED, headers={"www-authenticate": "Bearer"})
    return admit(request, found)


CurrentKey = Annotated[Key, Depends(current_key)]


def demand(key: Key, scope: str) -> None:
    """Raise Problem 403 unless a key has a scope."""
    if scope not in key.scopes:
        raise Problem(403, f"This key lacks the scope {scope}.")


def admit(request: Request, key: Key) -> Key:
    """Let a key in: it is noted for the audit log and pays one request; Problem 429 if it has none left."""
    state, guard = request.scope["state"], guard_of(request.app)
    state["key"] = key
    if guard.rate is not None:
        state["allowance"] = allowance = guard.rate.take(key.name)
        if not allowance.granted:
            guard.metrics.rate_limited.inc()
            limit = f"This key may send {allowance.per_minute:,} requests in a minute."
            raise Problem(429, limit, headers={"retry-after": str(allowance.retry_after_s)})
    return key


def sent_key(request: Request) -> str:
    """Return the key that a request carries, or an empty text."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
