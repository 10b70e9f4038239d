"""What Prometheus scrapes."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from serving.api.versioned import router_of
from serving.guarding.access import ADMIN
from serving.guarding.guard import guard_of
from serving.guarding.metrics import CONTENT_TYPE
from serving.service import ServiceDep

router = router_of(tag="operations", scope=ADMIN)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
def metrics(request: Request, service: ServiceDep) -> Response:
    """Return counters and the standing of model and ranking, in Prometheus' text format.

    A key is asked for on every address, loopback too: behind a proxy on the same machine all requests come from there.
    """
    page = guard_of(request.app).metrics.page(service, now=service.clock())
    return Response(page, media_type=CONTENT_TYPE)
