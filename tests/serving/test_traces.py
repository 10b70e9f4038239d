from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from serving.guarding.traces import ENDPOINT, OpenTelemetry, traces_of
from tests.serving.guarded import guard, guarded
from tests.serving.shop import Client, CountingScorer, open_store

pytest.importorskip("opentelemetry.sdk")
JANE = "jane@example.com"


class Broken(CountingScorer):
    def card(self) -> dict[str, object]:
        raise KeyError(JANE)


def spans_of(app: Any, *paths: str, **headers: str) -> list[Any]:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    guard(app).traces = OpenTelemetry(SimpleSpanProcessor(kept))
    for path in paths:
        Client(app).get(path, headers=headers)
    return list(kept.get_finished_spans())


def test_a_span_is_named_after_the_route_and_holds_no_id(tmp_path: Path) -> None:
    span = spans_of(guarded(open_store(tmp_path, "jane")), "/v1/customers/jane")[0]
    assert span.name == "GET /v1/customers/{customer_id:id}"
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/customers/{customer_id:id}",
        "http.response.status_code": 200,
    }
    assert "jane" not in span.to_json()


def test_a_span_belongs_to_the_callers_trace() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    span = spans_of(guarded(), "/v1/model", traceparent=f"00-{trace}-b7ad6b7169203331-01")[0]
    assert f"{span.context.trace_id:032x}" == trace


def test_a_failed_request_is_a_failed_span_without_its_message() -> None:
    span = spans_of(guarded(scorer=Broken()), "/v1/model")[0]
    assert span.status.status_code.name == "ERROR" and "jane" not in span.to_json()


def test_without_an_address_nothing_is_traced() -> None:
    assert traces_of({}) is None and traces_of({ENDPOINT: ""}) is None


@pytest.fixture
def collector() -> Iterator[tuple[str, list[str]]]:
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_go_where_the_operator_says(
    collector: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, got = collector
    monkeypatch.setenv(ENDPOINT, address)
    traces = traces_of({ENDPOINT: address})
    assert traces is not None
    app = guarded()
    guard(app).traces = traces
    Client(app).get("/v1/model")
    traces.close()
    assert got == ["/v1/traces"]
