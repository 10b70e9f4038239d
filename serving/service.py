"""What the endpoints answer from, and how they ask for it.

`Service.current` is one model and one ranking that belong together. A request takes it once, at its beginning, so that
its whole answer comes from one version; a newer one takes over by one assignment, while requests run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from anyio import CapacityLimiter
from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from serving.guarding.keys import KeyRing
from serving.live import Scorer, Together
from serving.problems import Problem
from serving.settings import ServiceSettings
from serving.store import Store

# Bodies over 32 KiB wait for one of a few threads, so that neither the event loop nor the memory (up to 350 MB for a
# hostile 8 MiB) is theirs; a thread costs 0.2 ms, which a small body would notice.
SMALL_BYTES = 32 * 2**10
_BULK_THREADS = 2


@dataclass(frozen=True)
class Current:
    """One model and one ranking that answer together; store: None where no ranking is published."""

    store: Store | None
    scorer: Scorer

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.scorer.timezone)

    @property
    def fits(self) -> bool:
        """Whether the two tell values in the same currency."""
        return self.store is None or self.store.currency == self.scorer.currency


@dataclass
class Service:
    """A running service. keys: None answers everybody."""

    current: Current
    keys: KeyRing | None
    clock: Callable[[], datetime]
    settings: ServiceSettings
    together: Together = field(default_factory=Together)
    bulk: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_BULK_THREADS))


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


async def _current(service: ServiceDep) -> Current:
    return service.current


CurrentDep = Annotated[Current, Depends(_current)]


async def _published(current: CurrentDep) -> Store:
    if current.store is None:
        raise Problem(503, "No ranking is published. Run `repurchase rank` and start the server with it.")
    return current.store


PublishedStore = Annotated[Store, Depends(_published)]


def as_json(answer: BaseModel) -> Response:
    """Return an answer as JSON, written by pydantic itself (FastAPI would validate it a second time)."""
    return Response(answer.model_dump_json(), media_type="application/json")
