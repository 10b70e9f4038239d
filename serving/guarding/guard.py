"""What guards one application: its metrics, limits, audit log and traces, and whether it is about to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from starlette.applications import Starlette

from serving.guarding.audit import Audit
from serving.guarding.limits import MAX_ANSWER_SECONDS, MAX_AT_WORK, MAX_SECONDS, RateLimit
from serving.guarding.metrics import Metrics
from serving.guarding.traces import Traces
from serving.service import Service
from serving.shapes.posted import MAX_BODY_BYTES


@dataclass
class Guard:
    """The guard of a running application.

    needs_ranking: not ready before a ranking is published. draining: told to stop, and no longer ready.
    """

    clock: Callable[[], datetime]
    metrics: Metrics = field(default_factory=Metrics)
    rate: RateLimit | None = None
    audit: Audit | None = None
    traces: Traces | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    max_at_work: int = MAX_AT_WORK
    max_seconds: float = MAX_SECONDS
    max_answer_seconds: float = MAX_ANSWER_SECONDS
    needs_ranking: bool = False
    at_work: int = 0
    draining: bool = False

    @classmethod
    def of(cls, service: Service) -> Guard:
        """Return the guard that a service's settings ask for; ArtifactError if the audit log cannot be opened."""
        settings, guard = service.settings, cls(service.clock)
        if settings.per_minute:
            guard.rate = RateLimit(settings.per_minute)
        if settings.audit is not None:
            guard.audit = Audit(settings.audit, on_failure=guard.metrics.audit_failures.inc)
        return guard


def guard_of(app: Starlette) -> Guard:
    """Return the guard of an application, made when it is first asked for."""
    found: Guard | None = getattr(app.state, "guard", None)
    if found is None:
        found = app.state.guard = Guard.of(app.state.service)
    return found
