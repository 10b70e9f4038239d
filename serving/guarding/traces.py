"""Traces of requests by OpenTelemetry, where the extra `opentelemetry` is installed and an address is set.

One span per request, named after the method and the route's template; no path, id, key or address is in it. Nothing is
sent anywhere unless the operator names where to (OTEL_EXPORTER_OTLP_ENDPOINT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from starlette.types import Scope

from contracts.errors import ArtifactError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ERROR_FROM = 500


class Traces(Protocol):
    """What the gate asks of traces."""

    def begin(self, scope: Scope) -> Any:
        """Begin a request's span."""

    def end(self, span: Any, *, method: str, route: str, status: int) -> None:
        """End it, now that its route is known."""

    def close(self) -> None:
        """Send what is left."""


def traces_of(environment: Mapping[str, str]) -> Traces | None:
    """Return the traces that the environment asks for; ArtifactError if the packages for them are absent."""
    if not environment.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ArtifactError(
            f"{ENDPOINT} is set, but OpenTelemetry is not installed. Run `uv sync --extra opentelemetry`, or unset it."
        ) from None
    return OpenTelemetry(BatchSpanProcessor(OTLPSpanExporter()))


class OpenTelemetry:
    """Spans by the OpenTelemetry SDK. processor: what takes finished spans."""

    def __init__(self, processor: Any) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # OTEL_SERVICE_NAME, if it is set, goes before the name given here.
        self._provider = TracerProvider(resource=Resource.create({"service.name": "repurchase"}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("repurchase.serving")
        self._parent_of = TraceContextTextMapPropagator().extract
        self._kind = trace.SpanKind.SERVER
        self._failed = trace.Status(trace.StatusCode.ERROR)

    def begin(self, scope: Scope) -> Any:
        """Begin a request's span, under the caller's if a `traceparent` names one."""
        carrier = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        return self._tracer.start_span("request", context=self._parent_of(carrier), kind=self._kind)

    def end(self, span: Any, *, method: str, route: str, status: int) -> None:
        """Name the span and end it."""
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= _ERROR_FROM:
            span.set_status(self._failed)
        span.end()

    def close(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()
