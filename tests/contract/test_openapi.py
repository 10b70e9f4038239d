"""The service held against its own OpenAPI document by schemathesis: whatever endpoints there are.

No answer is a 5xx, none has a status, type or shape that the document does not tell.
"""

from __future__ import annotations

import re
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from serving.live_scorer import LiveScorer
from serving.server import server
from tests.serving.guarded import guarded
from tests.serving.shop import open_store
from tests.serving_alone import make_bundle

schemathesis = pytest.importorskip("schemathesis")
pytestmark = pytest.mark.contract

NOW = datetime(1998, 7, 1, 9, 30, tzinfo=UTC)
EXAMPLES = 15
KNOWN = {"name": "repurchase", "customer_id": "a", "export_id": "none"}  # ids that chance would not find


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("contract")
    scorer = LiveScorer(make_bundle(folder / "model"), lambda: NOW)
    app = guarded(open_store(folder / "ranking", *"abc"), scorer=scorer, exports=folder / "exports")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        running = server(app, host="127.0.0.1", port=0)
        thread = threading.Thread(target=running.run, args=([listening],))
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        thread.join()


def checks() -> list[Any]:
    names = (
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    )
    found = schemathesis.checks
    return [found.not_a_server_error, *(found.CHECKS.get_one(name) for name in names)]


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_every_answer_is_one_that_the_document_tells(address: str, mode: str) -> None:
    document = schemathesis.openapi.from_url(f"{address}/openapi.json")
    failed = []
    for found in document.get_all_operations():
        operation = found.ok()
        strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode])

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=strategy)
        def holds(case: Any) -> None:
            if mode == "POSITIVE":
                case.path_parameters = {name: KNOWN[name] for name in case.path_parameters or ()}
            case.call_and_validate(checks=checks(), timeout=30)

        try:
            holds()
        except Unsatisfiable:
            continue  # nothing about it can be wrong
        except Exception as error:
            failed.append(f"{operation.label}: {error}")
    assert not failed, "\n\n".join(failed)
    assert len(asked_routes(address)) >= len(document.raw_schema["paths"])


def asked_routes(address: str) -> set[str]:
    """Return the routes that the server has answered, from its own metrics."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        page = answer.read().decode()
    return set(re.findall(r'^repurchase_requests_total\{[^}]*route="(/[^"]*)"', page, re.MULTILINE))
