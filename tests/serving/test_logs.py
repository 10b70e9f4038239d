from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from serving.guarding import logs
from tests.serving.guarded import guarded
from tests.serving.shop import Client, CountingScorer

JANE = "jane@example.com"
UUID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def restored() -> Iterator[None]:
    root, names = logging.root, ("repurchase", "uvicorn", *logs._QUIET)
    before = root.handlers, root.level, {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers, level, levels = before
    root.setLevel(level)
    for name, one in levels.items():
        logging.getLogger(name).setLevel(one)
    logging.captureWarnings(False)


class Broken(CountingScorer):
    def card(self) -> dict[str, object]:
        raise KeyError(JANE)


@pytest.mark.usefixtures("restored")
def test_json_lines_say_which_request_they_are_of() -> None:
    to = io.StringIO()
    logs.start(as_json=True, to=to)
    Client(guarded()).get("/v1/model", headers={"x-request-id": UUID})
    line = json.loads(to.getvalue().splitlines()[-1])
    assert line["level"] == "info" and line["request_id"] == UUID
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/model", 200)
    assert line["time"].endswith("+00:00") and line["ms"] >= 0


@pytest.mark.usefixtures("restored")
def test_plain_lines_say_so_too() -> None:
    to = io.StringIO()
    logs.start(as_json=False, to=to)
    Client(guarded()).get("/v1/model", headers={"x-request-id": UUID})
    line = to.getvalue().splitlines()[-1]
    assert "INFO" in line and "GET /v1/model 200" in line and line.endswith(f"[{UUID}]")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_bug_is_logged_without_its_message(as_json: bool) -> None:
    to = io.StringIO()
    logs.start(as_json=as_json, to=to)
    Client(guarded(scorer=Broken())).get("/v1/model")
    assert "KeyError" in to.getvalue() and "in card" in to.getvalue() and "jane" not in to.getvalue()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("as_json", [True, False])
def test_a_librarys_exception_is_logged_without_its_message(as_json: bool) -> None:
    to = io.StringIO()
    logs.start(as_json=as_json, to=to)
    try:
        raise ValueError(JANE)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    assert "ValueError" in to.getvalue() and "it failed" in to.getvalue() and "jane" not in to.getvalue()


@pytest.mark.usefixtures("restored")
def test_others_are_heard_from_warnings_on() -> None:
    to = io.StringIO()
    logs.start(as_json=True, to=to)
    logging.getLogger("httpx").info("GET https://example.com/customers/jane")
    logging.getLogger("other").warning("heard")
    assert [json.loads(line)["message"] for line in to.getvalue().splitlines()] == ["heard"]
