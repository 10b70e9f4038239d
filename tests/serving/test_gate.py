from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from tests.serving.guarded import guard, guarded
from tests.serving.shop import Client

STRICT = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
UUID = "0b9b2f3a-1c2d-4e5f-8a9b-0c1d2e3f4a5b"


def slow_app(seconds: float, **limits: Any) -> FastAPI:
    app = guarded()

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(seconds)
        return "done"

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    for name, value in limits.items():
        setattr(guard(app), name, value)
    return app


async def together(app: FastAPI, *paths: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return list(await asyncio.gather(*(client.get(path) for path in paths)))


@pytest.mark.parametrize("path", ["/health/live", "/v1/model", "/nowhere", "/v1/ranking"])
def test_every_answer_has_the_strict_headers(path: str) -> None:
    headers = Client(guarded()).get(path).headers
    assert {name: headers.get(name) for name in STRICT} == STRICT
    assert headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize(
    "path",
    ["/health/live", "/health/ready", "/ping", "/v1/model", "/docs", "/openapi.json", "/signin", "/nowhere"],
)
def test_head_is_answered_as_get_without_its_body(path: str) -> None:
    client = Client(guarded())
    got, head = client.get(path), client.send("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == got.headers.get(name)


def test_head_is_no_way_around_what_get_needs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="repurchase.serving"):
        assert Client(guarded()).send("HEAD", "/v1/customers/jane").status_code == 503
    assert "HEAD /v1/customers/{customer_id:id} 503" in caplog.text and "jane" not in caplog.messages[0]


def test_a_method_that_is_not_allowed_names_those_that_are() -> None:
    answer = Client(guarded()).send("DELETE", "/v1/model")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert Client(guarded()).send("HEAD", "/v1/score").headers["allow"] == "POST"


def test_a_page_may_set_its_own_policy_and_caching() -> None:
    app = guarded()
    own = {"content-security-policy": "default-src 'self'", "cache-control": "max-age=60"}

    @app.get("/page")
    async def page() -> Response:
        return Response("", headers=own)

    headers = Client(app).get("/page").headers
    assert {name: headers.get_list(name) for name in own} == {name: [value] for name, value in own.items()}
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_no_other_origin_is_ever_let_in(method: str) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "GET"}
    answer = Client(guarded()).send(method, "/v1/model", headers=asked)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code == (200 if method == "GET" else 405)


@pytest.mark.parametrize("sent", [UUID, UUID.replace("-", "")])
def test_a_well_formed_request_id_is_taken_over(sent: str) -> None:
    assert Client(guarded()).get("/v1/model", headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "jane@example.com", "+49 151 12345678", "x" * 5_000, UUID + "0"])
def test_any_other_request_id_is_replaced(sent: str) -> None:
    given = Client(guarded()).get("/v1/model", headers={"x-request-id": sent}).headers["x-request-id"]
    assert given != sent and len(given) == 32 and int(given, 16) >= 0


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
)
def test_no_endpoint_takes_parts_or_compressed_bodies(headers: dict[str, str]) -> None:
    answer = Client(slow_app(0)).send("POST", "/echo", content=b"x", headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (415, "close")


def test_too_many_at_work_are_sent_away_at_once_but_probes_are_not() -> None:
    app = slow_app(0.2, max_at_work=2)
    answers = asyncio.run(together(app, "/slow", "/slow", "/slow", "/health/live"))
    assert [each.status_code for each in answers] == [200, 200, 503, 200]
    assert answers[2].headers["retry-after"] == "1"
    assert guard(app).at_work == 0


def test_an_answer_that_takes_too_long_is_a_problem() -> None:
    app = slow_app(10, max_seconds=0.05)
    started = time.perf_counter()
    answer = Client(app).get("/slow")
    assert (answer.status_code, answer.json()["status"]) == (504, 504)
    assert time.perf_counter() - started < 2 and guard(app).at_work == 0


def test_a_body_that_does_not_come_is_a_problem() -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(10)

    answer = Client(slow_app(0, max_seconds=0.05)).send("POST", "/echo", content=stuck())
    # httpx's transport has the whole body before it calls; over a socket: tests/serving/test_server.py
    assert answer.status_code in (408, 504)


def test_an_answer_that_has_begun_has_longer() -> None:
    app = slow_app(0, max_seconds=0.1)

    @app.get("/file")
    async def file() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x"
                await asyncio.sleep(0.05)

        return StreamingResponse(pieces())

    assert Client(app).get("/file").content == b"xxxx"


def test_a_line_tells_route_status_and_request(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="repurchase.serving"):
        Client(guarded()).get("/v1/customers/jane@example.com?x=jane")
    record = next(each for each in caplog.records if "customer_id" in each.getMessage())
    fields: dict[str, Any] = record.__dict__["fields"]
    assert (fields["method"], fields["status"]) == ("GET", 503) and fields["ms"] >= 0
    assert "jane" not in record.getMessage() + str(fields)
