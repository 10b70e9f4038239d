from __future__ import annotations

from typing import Any

import pytest

from serving.shapes.posted import MAX_ORDERS_EACH
from tests.serving.shop import Client, histories, make_app, order, rate

CLIENT = Client(make_app())


def score(**orders: list[dict[str, Any]]) -> dict[str, Any]:
    answer = CLIENT.score(histories(**orders))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_posted_history_is_scored() -> None:
    answer = score(a=[order("1998-03-02")])
    assert answer["scores"][0]["recency_days"] == 30
    assert answer["scores"][0]["p_repurchase_90d"] == rate(90, 30)
    assert answer["not_scored"] == []


def test_the_answer_carries_its_provenance() -> None:
    answer = score(a=[order("1998-03-02")])
    names = ("model_version", "as_of", "as_of_from", "scored_at", "valid_until", "currency", "horizons")
    assert [answer[name] for name in names] == [
        "v1", "1998-04-01", "model", "1998-07-01T09:30:00Z", "1998-04-08", "USD", [30, 90],
    ]  # fmt: skip


def test_scores_come_in_the_order_of_the_request() -> None:
    answer = score(z=[order("1998-03-02")], a=[order("1998-03-03")], m=[order("1998-03-04")])
    assert [each["customer_id"] for each in answer["scores"]] == ["z", "a", "m"]


def test_nobody_who_was_posted_is_lost() -> None:
    answer = score(a=[order("1998-03-02")], none=[], back=[order("1998-03-02", -5.0)])
    assert [each["customer_id"] for each in answer["not_scored"]] == ["none", "back"]
    assert "no order on or before 1998-04-01" in answer["not_scored"][0]["reason"]


def test_without_anybody_scored_the_answer_is_whole() -> None:
    answer = score(a=[])
    assert (answer["scores"], answer["valid_until"], answer["currency"]) == ([], None, "USD")


def test_as_of_is_taken_from_the_request_and_echoed() -> None:
    body = {"as_of": "1998-03-12", **histories(a=[order("1998-03-02"), order("1998-03-20")])}
    answer = CLIENT.score(body).json()
    assert (answer["as_of"], answer["as_of_from"]) == ("1998-03-12", "request")
    assert answer["scores"][0]["recency_days"] == 10


def test_a_later_order_moves_the_default_as_of() -> None:
    answer = score(a=[order("1998-05-20")], b=[order("1998-05-10")])
    assert (answer["as_of"], answer["as_of_from"]) == ("1998-05-20", "last_order")
    assert [each["recency_days"] for each in answer["scores"]] == [0, 10]


def test_an_order_in_the_future_does_not_move_it() -> None:
    answer = score(a=[order("2031-01-01")], b=[order("1998-05-10")])
    assert answer["as_of"] == "1998-05-10"
    assert [each["customer_id"] for each in answer["not_scored"]] == ["a"]


def test_orders_after_as_of_change_nothing() -> None:
    early = {"as_of": "1998-03-12", **histories(a=[order("1998-03-02")])}
    later = {"as_of": "1998-03-12", **histories(a=[order("1998-03-02"), order("1998-03-13", product_id="x")])}
    assert CLIENT.score(early).json() == CLIENT.score(later).json()


def test_horizons_can_be_asked() -> None:
    answer = CLIENT.score({"horizons": [7, 365, 7], **histories(a=[order("1998-03-02")])}).json()
    assert answer["horizons"] == [7, 365]
    assert answer["scores"][0]["p_repurchase_7d"] == rate(7, 30)


def test_a_horizon_beyond_the_models_is_refused() -> None:
    answer = CLIENT.score({"horizons": [366], **histories(a=[order("1998-03-02")])})
    assert answer.status_code == 422 and answer.json()["errors"][0]["loc"] == ["body", "horizons"]


def test_a_customer_may_stand_once() -> None:
    body = {"customers": [{"customer_id": "jane", "orders": []}] * 2}
    answer = CLIENT.score(body)
    assert answer.status_code == 422 and "jane" not in answer.text
    assert answer.json()["errors"][0]["type"] == "duplicate_customer"


@pytest.mark.parametrize(
    "customers",
    [
        [],
        [{"customer_id": str(number), "orders": []} for number in range(1_001)],
        [{"customer_id": "a", "orders": [order("1998-03-02")] * (MAX_ORDERS_EACH + 1)}],
        [{"customer_id": str(number), "orders": [order("1998-03-02")] * 9_999} for number in range(11)],
    ],
    ids=["no customer", "1,001 customers", "10,001 orders", "109,989 orders in all"],
)
def test_the_caps_hold(customers: list[dict[str, Any]]) -> None:
    assert CLIENT.score({"customers": customers}).status_code == 422


def test_a_large_request_is_scored() -> None:
    body = {
        "customers": [{"customer_id": str(n), "orders": [order("1998-03-02")] * 20} for n in range(1_000)]
    }
    assert len(CLIENT.score(body).json()["scores"]) == 1_000


def test_the_example_of_the_document_works() -> None:
    document = CLIENT.get("/openapi.json").json()
    example = document["components"]["schemas"]["ScoreRequest"]["examples"][0]
    answer = CLIENT.score(example)
    assert [each["customer_id"] for each in answer.json()["scores"]] == ["A-17"]
