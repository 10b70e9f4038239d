"""The plan preview of a published ranking."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.plan.terms import ASSUMED_MARGIN
from campaigns.preview import PreviewTerms, columns_of, needed, preview
from serving.shapes.schemas_plan import PlanAnswer
from serving.store import Store
from serving.stored.where import Where
from tests.serving.asked_shop import service, store_of
from tests.serving.shop import Client


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_of(tmp_path_factory.mktemp("ranking") / "out", *"abcdefghij")


def planned(store: Store, **body: Any) -> dict[str, Any]:
    answer = Client(service(store)).send("POST", "/v1/plan/preview", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_answer_is_the_preview_of_the_ranking(store: Store) -> None:
    answer = planned(store, contact_cost=0.01, margin=0.4, customers=3)
    terms = PreviewTerms(0.01, 0.4, customers=3)
    found = preview(columns_of(store.table(Where(), needed(store.horizons, terms)), terms), terms)
    assert answer["chosen"] == pytest.approx(vars(found.at(3)))
    assert answer["best"] == pytest.approx(vars(found.best))
    assert len(answer["curve"]) == len(found.points) and answer["customers_considered"] == 10


def test_it_fits_its_shape_and_carries_the_provenance(store: Store) -> None:
    answer = planned(store, contact_cost=0.0)
    shaped = PlanAnswer.model_validate(answer).model_dump(mode="json", exclude_unset=True)
    assert shaped == answer and answer["currency"] == "USD" and answer["as_of"] == "1998-04-01"


def test_the_chosen_customers_are_named_best_first(store: Store) -> None:
    answer = planned(store, contact_cost=0.0, margin=0.5, customers=2)
    profits = [one["expected_profit"] for one in answer["customers"]]
    assert len(profits) == 2 and profits == sorted(profits, reverse=True)
    assert sum(profits) == pytest.approx(answer["chosen"]["profit"])


def test_at_most_a_hundred_are_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = store_of(tmp_path_factory.mktemp("ranking") / "out", *(f"{i:03d}" for i in range(150)))
    answer = planned(store, contact_cost=0.0, customers=150)
    assert len(answer["customers"]) == 100 and answer["chosen"]["contacted"] == 150


def test_only_customers_who_meet_the_filters_are_considered(store: Store) -> None:
    answer = planned(store, contact_cost=0.0, filters={"tier": ["focus"]})
    assert {one["customer_id"] for one in answer["customers"]} == set("adgj")


def test_nobody_costs_nothing(store: Store) -> None:
    answer = planned(store, contact_cost=1.0, filters={"search": "nobody"}, offers=[{"name": "discount_10"}])
    assert answer["chosen"]["contacted"] == 0 and answer["customers"] == [] and len(answer["curve"]) == 1


def test_a_budget_is_kept(store: Store) -> None:
    answer = planned(store, contact_cost=0.01, margin=0.9, budget=0.035)
    assert answer["chosen"]["contacted"] == 3 and answer["chosen"]["cost"] <= 0.035


def test_each_customer_gets_one_of_the_offers(store: Store) -> None:
    offers = [{"name": "message"}, {"name": "mine", "discount": 0.01, "lift": 0.5}]
    answer = planned(store, contact_cost=0.0, margin=0.5, offers=offers, customers=10)
    assert [one["name"] for one in answer["offers"]] == ["message", "mine"]
    assert sum(one["customers"] for one in answer["offers"]) == 10
    assert {one["offer"] for one in answer["customers"]} == {"mine"}


def test_assumptions_are_told(store: Store) -> None:
    answer = planned(store, contact_cost=0.0, offers=[{"name": "mine", "lift": 0.25}])
    said = " ".join(answer["assumptions"])
    assert answer["margin"] == ASSUMED_MARGIN and "a margin of 30%" in said
    assert "mine: one contact is assumed to convert 25.0%" in said and "consent" in said


def test_our_offer_with_another_lift_is_as_asked(store: Store) -> None:
    answer = planned(store, contact_cost=0.0, offers=[{"name": "discount_10", "lift": 0.3}], customers=1)
    p = answer["customers"][0]["p_without_contact"]
    assert answer["chosen"]["added"] == pytest.approx(0.3 * (1 - p))


def test_an_unknown_offer_without_a_lift_is_refused_with_the_known_ones(store: Store) -> None:
    body = {"contact_cost": 0, "offers": [{"name": "message"}, {"name": "voucher"}]}
    answer = Client(service(store)).send("POST", "/v1/plan/preview", json=body)
    (error,) = answer.json()["errors"]
    assert answer.status_code == 422 and error["loc"] == ["body", "offers", 1, "lift"]
    assert "coupon_small" in error["msg"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contact_cost": -1},
        {"contact_cost": True},
        {"contact_cost": 0, "margin": 0},
        {"contact_cost": 0, "customers": 1.5},
        {"contact_cost": 0, "response_days": 181},
        {"contact_cost": 0, "offers": [{"name": "x", "lift": 2}]},
        {"contact_cost": 0, "offers": [{"name": "message"}, {"name": "message"}]},
        {"contact_cost": 0, "offers": [{"name": "message"}] * 9},
        {"contact_cost": 0, "filters": {"tier": ["gold"]}},
        {"contact_cost": 0, "filters": {"tiers": ["focus"]}},
    ],
)
def test_what_cannot_be_meant_is_refused(store: Store, body: dict[str, Any]) -> None:
    assert Client(service(store)).send("POST", "/v1/plan/preview", json=body).status_code == 422


def test_other_response_days_are_read_from_the_curve(store: Store) -> None:
    month, week = (planned(store, contact_cost=0, customers=10, response_days=d)["chosen"] for d in (30, 7))
    assert 0 < week["buyers"] < month["buyers"]
