from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.guarding.metrics import age_seconds, is_stale
from tests.serving.guarded import guard, guarded
from tests.serving.shop import Client, histories, make_key, open_store, order


def value(page: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    assert found is not None, f"{name} is not in\n{page}"
    return float(found[1])


def test_requests_are_counted_by_route_method_and_status_without_ids(tmp_path: Path) -> None:
    client = Client(guarded(open_store(tmp_path, "jane")))
    for path in ("/v1/customers/jane", "/v1/customers/jane", "/v1/customers/joe", "/joe"):
        client.get(path)
    page = client.get("/metrics").text
    route = 'method="GET",route="/v1/customers/{customer_id:id}"'
    assert value(page, f'repurchase_requests_total{{{route},status="200"}}') == 2
    assert value(page, f'repurchase_requests_total{{{route},status="404"}}') == 1
    assert value(page, 'repurchase_requests_total{method="GET",route="(no route)",status="404"}') == 1
    assert value(page, f"repurchase_request_seconds_count{{{route}}}") == 3
    assert "jane" not in page and "joe" not in page


def test_made_up_methods_share_one_label() -> None:
    client = Client(guarded())
    for method in ("FOO", "BAR", "BAZ"):
        client.send(method, "/v1/model")
    page = client.get("/metrics").text
    assert value(page, 'repurchase_requests_total{method="other",route="/v1/model",status="405"}') == 3


def test_scored_customers_are_counted_on_every_way() -> None:
    client = Client(guarded())
    client.score(histories(a=[order("1998-03-02")], b=[]))
    rows = [{"customer_id": "c", "ordered_at": "1998-03-02", "amount": 1.0}]
    client.send("POST", "/invocations", json={"dataframe_records": rows})
    assert value(client.get("/metrics").text, "repurchase_scored_customers_total") == 3


def test_the_ranking_and_the_model_are_told(tmp_path: Path) -> None:
    page = Client(guarded(open_store(tmp_path, *"abc"))).get("/metrics").text
    assert value(page, 'repurchase_model_info{currency="USD",version="v1"}') == 1
    assert value(page, "repurchase_ranking_rows") == 3
    assert value(page, "repurchase_ranking_valid") == 0
    assert value(page, "repurchase_ranking_age_seconds") == 0


def test_without_a_ranking_nothing_is_told_of_one() -> None:
    assert "repurchase_ranking" not in Client(guarded()).get("/metrics").text


def test_two_applications_count_apart() -> None:
    one, other = guarded(), guarded()
    Client(one).get("/v1/model")
    guard(one).metrics.swaps.labels(kind="store", result="refused").inc()
    page = Client(other).get("/metrics").text
    assert 'route="/v1/model"' not in page
    assert value(page, 'repurchase_swaps_total{kind="store",result="refused"}') == 0


def test_a_refused_key_file_and_refused_requests_are_told(tmp_path: Path) -> None:
    key, ring = make_key(tmp_path)
    ring.failures = 2
    client = Client(guarded(keys=ring, per_minute=1), key)
    for _ in range(3):
        client.get("/v1/model")
    page = guard(client.app).metrics.page(client.app.state.service, now=datetime.now(UTC)).decode()
    assert value(page, "repurchase_keys_reload_failures_total") == 2
    assert value(page, "repurchase_rate_limited_total") == 2


def test_the_process_tells_its_memory() -> None:
    assert value(Client(guarded()).get("/metrics").text, "process_resident_memory_bytes") > 1e7


def test_the_type_is_that_of_prometheus_text() -> None:
    assert Client(guarded()).get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "text", ["1998-07-01T09:30:00+00:00", "1998-07-01T09:30:00", "1998-07-01T11:30:00+02:00"]
)
def test_an_age_is_counted_from_any_way_of_writing_a_time(text: str) -> None:
    now = datetime(1998, 7, 1, 10, 30, tzinfo=UTC)
    assert age_seconds(text, now) == age_seconds(datetime.fromisoformat(text), now) == 3600


@pytest.mark.parametrize(("day", "stale"), [("2026-03-01", False), ("2026-02-28", True)])
def test_a_ranking_is_stale_after_its_last_day(day: str, stale: bool) -> None:
    assert is_stale(day, datetime(2026, 3, 1, 23, 59)) is stale
