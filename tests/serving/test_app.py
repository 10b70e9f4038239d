from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from serving.live import Scorer
from serving.store import Store
from tests.serving.shop import Client, CountingScorer, make_app, make_key, open_store, rate

PROVENANCE = {
    "model_version": "v1",
    "as_of": "1998-04-01",
    "scored_at": "1998-07-01T09:30:00Z",
    "valid_until": "1998-04-08",
    "currency": "USD",
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "out", *"abcde")


def test_health_needs_no_key(tmp_path: Path) -> None:
    client = Client(make_app(keys=make_key(tmp_path)[1]))
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json()["ranking"] is False


@pytest.mark.parametrize("path", ["/v1/model", "/v1/customers/a", "/v1/ranking", "/v1/score"])
def test_everything_else_needs_a_key(tmp_path: Path, path: str) -> None:
    client = Client(make_app(keys=make_key(tmp_path)[1]))
    answer = client.send("POST" if path == "/v1/score" else "GET", path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["authorization: Bearer {}", "authorization: bearer {}", "x-api-key: {}"])
def test_a_key_is_taken_from_either_header(tmp_path: Path, header: str) -> None:
    key, ring = make_key(tmp_path)
    name, _, value = header.format(key).partition(": ")
    assert Client(make_app(keys=ring)).get("/v1/model", headers={name: value}).status_code == 200


@pytest.mark.parametrize("header", ["Basic {}", "Bearer", "Bearer {}x", "{}"])
def test_a_wrong_key_is_refused(tmp_path: Path, header: str) -> None:
    key, ring = make_key(tmp_path)
    answer = Client(make_app(keys=ring)).get("/v1/model", headers={"authorization": header.format(key)})
    assert answer.status_code == 401 and key not in answer.text


def test_keys_can_be_switched_off_explicitly() -> None:
    assert Client(make_app(keys=None)).get("/v1/model").status_code == 200


def test_the_model_shows_its_card_and_the_published_ranking(store: Store) -> None:
    answer = Client(make_app(store)).get("/v1/model").json()
    assert answer["card"] == {"model": "counting", "auc": 0.5}
    assert answer["ranking"] == {**PROVENANCE, "customers": 5, "horizons": [30, 90]}


def test_a_customer_comes_with_scores_and_provenance(store: Store) -> None:
    answer = Client(make_app(store)).get("/v1/customers/b").json()
    assert answer["customer_id"] == "b" and answer["rank"] == 2
    assert answer["p_repurchase_90d"] == rate(90, 10)
    assert {name: answer[name] for name in PROVENANCE} == PROVENANCE


def test_any_horizon_is_answered_from_the_curve(store: Store) -> None:
    answer = Client(make_app(store)).get("/v1/customers/b?horizon=45&horizon=200").json()
    assert answer["p_repurchase_45d"] == pytest.approx(rate(45, 10), rel=1e-9)
    assert answer["p_repurchase_200d"] == pytest.approx(rate(200, 10), rel=1e-9)


@pytest.mark.parametrize("horizon", ["0", "366", "-1", "1e2", "x", "99999999999999999999", ""])
def test_a_horizon_beyond_the_curve_is_refused(store: Store, horizon: str) -> None:
    answer = Client(make_app(store)).get(f"/v1/customers/b?horizon={horizon}")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "customer_id", ["a/b", "/a", "a/", "ü", "a b", "a?b#c", "50%", "' OR 1=1 --", "日本"]
)
def test_ids_of_any_text_are_found(tmp_path: Path, customer_id: str) -> None:
    client = Client(make_app(open_store(tmp_path, customer_id)))
    answer = client.get(f"/v1/customers/{quote(customer_id, safe='')}")
    assert answer.json()["customer_id"] == customer_id


def test_an_unknown_customer_is_a_problem_without_the_id(store: Store) -> None:
    answer = Client(make_app(store)).get("/v1/customers/jane@example.com")
    assert answer.status_code == 404 and "jane" not in answer.text


@pytest.mark.parametrize("path", ["/v1/customers/a", "/v1/ranking"])
def test_without_a_ranking_it_says_what_to_do(path: str) -> None:
    answer = Client(make_app(None)).get(path)
    assert answer.status_code == 503 and "repurchase rank" in answer.json()["detail"]


def test_pages_lead_through_the_whole_ranking(store: Store) -> None:
    client, after, seen = Client(make_app(store)), "0", []
    while after:
        page = client.get("/v1/ranking", params={"limit": 2, "after": after}).json()
        seen += [item["customer_id"] for item in page["items"]]
        after = page["next"]
    assert seen == list("abcde") and page["customers"] == 5
    assert {name: page[name] for name in PROVENANCE} == PROVENANCE


def test_a_page_after_a_plain_rank_is_answered(store: Store) -> None:
    page = Client(make_app(store)).get("/v1/ranking?after=3").json()
    assert [item["rank"] for item in page["items"]] == [4, 5] and page["next"] is None


def test_a_cursor_of_another_ranking_is_gone(store: Store, tmp_path: Path) -> None:
    cursor = Client(make_app(store)).get("/v1/ranking?limit=1").json()["next"]
    newer = Client(make_app(open_store(tmp_path / "out", *"xyz")))
    assert newer.get("/v1/ranking", params={"after": cursor}).status_code == 410


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after=-1", "after=x", "after=" + "9" * 30]
)
def test_a_bad_page_is_refused(store: Store, query: str) -> None:
    assert Client(make_app(store)).get(f"/v1/ranking?{query}").status_code == 422


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/v1/model", 405)])
def test_routing_errors_are_problems(method: str, path: str, status: int) -> None:
    answer = Client(make_app()).send(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


JANE = "jane@example.com"


class BrokenScorer(CountingScorer):
    def card(self) -> dict[str, object]:
        raise KeyError(JANE)


def test_a_bug_is_a_problem_and_the_log_holds_no_message(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(scorer=BrokenScorer())
    with caplog.at_level(logging.INFO):
        answer = Client(app).get("/v1/model")
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert "KeyError" in caplog.text and "in card" in caplog.text
    assert "jane" not in caplog.text + answer.text


def test_logs_name_the_route_and_no_customer(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="repurchase.serving"):
        Client(make_app(store)).get("/v1/customers/jane@example.com")
    assert "GET /v1/customers/{customer_id:id} 404" in caplog.text
    assert "jane" not in "".join(record.getMessage() for record in caplog.records if record.name != "httpx")


def test_a_store_that_turns_bad_is_unavailable_not_a_crash(store: Store) -> None:
    client = Client(make_app(store))
    store.close()
    assert client.get("/v1/customers/a").status_code == 503


def test_the_document_tells_body_caps_problems_and_keys() -> None:
    document: dict[str, Any] = Client(make_app()).get("/openapi.json").json()
    score = document["paths"]["/v1/score"]["post"]
    assert score["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ScoreRequest")
    assert "100,000 orders" in document["components"]["schemas"]["ScoreRequest"]["description"]
    assert list(score["responses"]["422"]["content"]) == ["application/problem+json"]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}


def test_the_counting_scorer_is_a_scorer() -> None:
    scorer: Scorer = CountingScorer()
    assert scorer.horizons == (30, 90)
