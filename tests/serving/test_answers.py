"""What the API says about customers of the published ranking: one, many, and page by page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic_core import from_json

from serving.answering.answers import written
from serving.shapes.schemas import CustomerAnswer, LookupAnswer, RankingAnswer
from serving.store import Store
from tests.serving.asked_shop import service, store_of
from tests.serving.shop import Client

PROVENANCE = {
    "model_version": "v1",
    "as_of": "1998-04-01",
    "scored_at": "1998-07-01T09:30:00Z",
    "valid_until": "1998-04-08",
    "currency": "USD",
}
ORDERS = {"b": [("1998-01-01", 10.0), ("1998-01-11", 30.0), ("1998-03-22", 5.0)]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_of(tmp_path_factory.mktemp("ranking") / "out", *"abcdef")


def ids(answer: dict[str, Any]) -> str:
    return "".join(item["customer_id"] for item in answer["items"])


# ---------------------------------------------------------------- one customer
@pytest.mark.parametrize("query", ["", "?horizon=45", "?history=true", "?reasons=true"])
def test_a_customer_is_written_as_its_shape_would_write_it(store: Store, query: str) -> None:
    text = Client(service(store)).get(f"/v1/customers/b{query}").text
    shaped = CustomerAnswer.model_validate_json(text).model_dump(mode="json", exclude_unset=True)
    assert from_json(text) == shaped


def test_every_customer_has_a_summary_of_its_orders(store: Store) -> None:
    history = Client(service(store)).get("/v1/customers/b").json()["history"]
    assert history == {"order_days": 1, "last_order": "1998-03-22", "amount_per_order_day": 10.0}


def test_the_order_days_come_when_asked_for_latest_first(tmp_path: Path) -> None:
    store = store_of(tmp_path / "out", "a", "b", orders=ORDERS)
    history = Client(service(store)).get("/v1/customers/b?history=true").json()["history"]
    assert history["first_order"] == "1998-01-01" and history["amount"] == 45.0
    assert history["mean_gap_days"] == 40.0
    assert history["recent"][0] == {"day": "1998-03-22", "amount": 5.0} and len(history["recent"]) == 3


def test_at_most_twenty_order_days_are_shown(tmp_path: Path) -> None:
    many = {"a": [(f"1997-{1 + day // 28:02d}-{1 + day % 28:02d}", float(day)) for day in range(50)]}
    store = store_of(tmp_path / "out", "a", orders=many)
    recent = Client(service(store)).get("/v1/customers/a?history=true").json()["history"]["recent"]
    assert [one["amount"] for one in recent] == [float(day) for day in range(49, 29, -1)]


def test_what_is_missing_is_said(store: Store) -> None:
    answer = Client(service(store)).get("/v1/customers/b?history=true&reasons=true").json()
    assert "without this customer's orders" in answer["history"]["missing"]
    assert answer["reasons"]["items"] == [] and "cannot say why" in answer["reasons"]["missing"]


# ---------------------------------------------------------------- many ids
def lookup(store: Store, *customer_ids: Any, **more: Any) -> dict[str, Any]:
    body = {"customer_ids": list(customer_ids), **more}
    return dict(Client(service(store)).send("POST", "/v1/customers:lookup", json=body).json())


def test_many_are_found_in_the_order_asked(store: Store) -> None:
    answer = lookup(store, "c", "nobody", "a", "c", "someone@example.com")
    assert ids(answer) == "cac" and answer["not_found"] == [1, 4]
    assert {name: answer[name] for name in PROVENANCE} == PROVENANCE
    shaped = LookupAnswer.model_validate_json(bytes(written(answer).body))
    assert shaped.model_dump(mode="json", exclude_unset=True) == answer


def test_ids_that_are_not_found_are_not_repeated(store: Store) -> None:
    assert "example" not in str(lookup(store, "someone@example.com"))


def test_only_the_columns_asked_for_come_beside_id_and_rank(store: Store) -> None:
    answer = lookup(store, "b", columns=["tier", "curve", "rank"])
    assert list(answer["items"][0]) == ["customer_id", "rank", "tier", "curve"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer_ids": []},
        {"customer_ids": ["a"] * 1001},
        {"customer_ids": [1]},
        {"customer_ids": ["a"], "columns": []},
        {"customer_ids": ["a"], "columns": ["email"]},
        {"customer_ids": ["a"], "column": ["rank"]},
        {"customer_ids": "a"},
    ],
)
def test_a_lookup_that_does_not_fit_is_refused(store: Store, body: dict[str, Any]) -> None:
    assert Client(service(store)).send("POST", "/v1/customers:lookup", json=body).status_code == 422


def test_a_thousand_ids_are_answered_at_once(store: Store) -> None:
    answer = lookup(store, *("a" for _ in range(1000)), columns=["percentile"])
    assert len(answer["items"]) == 1000


# ---------------------------------------------------------------- pages and filters
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "abcdef"),
        ("tier=focus", "ad"),
        ("tier=focus&tier=reduce", "acdf"),
        ("tier=focus&lifecycle=lost", "d"),
        ("country=FR", "be"),
        ("confidence=high", "abcdef"),
        ("percentile_min=98", "abc"),
        ("percentile_max=97.5", "def"),
        ("p_min=.5&p_max=.57", "bc"),
        ("value_min=5.9", "a"),
        ("last_order_from=1998-03-12", "abc"),
        ("last_order_to=1998-03-12", "cdef"),
        ("search=a", "a"),
        ("search=nobody", ""),
    ],
)
def test_a_filter_leaves_those_who_meet_all_of_it(store: Store, query: str, found: str) -> None:
    answer = Client(service(store)).get(f"/v1/ranking?count=true&{query}").json()
    assert ids(answer) == found
    assert (answer["count"], answer["customers"]) == (len(found), 6)


def test_a_page_is_written_as_its_shape_would_write_it(store: Store) -> None:
    text = Client(service(store)).get("/v1/ranking?limit=2&count=true").text
    shaped = RankingAnswer.model_validate_json(text).model_dump(mode="json", exclude_unset=True)
    assert from_json(text) == shaped


def test_pages_lead_through_the_filtered_ranking(store: Store) -> None:
    client, after, seen = Client(service(store)), "0", ""
    while after:
        page = client.get("/v1/ranking", params={"limit": 1, "after": after, "tier": "focus"}).json()
        seen, after = seen + ids(page), page["next"]
    assert seen == "ad"


def test_a_cursor_is_of_one_filter(store: Store) -> None:
    client = Client(service(store))
    cursor = client.get("/v1/ranking?limit=1&tier=focus").json()["next"]
    answer = client.get("/v1/ranking", params={"after": cursor, "tier": "reduce"})
    assert answer.status_code == 422 and "another filter" in answer.json()["errors"][0]["msg"]
    assert client.get("/v1/ranking", params={"after": cursor}).status_code == 422


def test_a_cursor_of_a_filter_is_of_one_ranking(store: Store, tmp_path: Path) -> None:
    cursor = Client(service(store)).get("/v1/ranking?limit=1&tier=focus").json()["next"]
    newer = Client(service(store_of(tmp_path / "out", *"xyzw")))
    assert newer.get("/v1/ranking", params={"after": cursor, "tier": "focus"}).status_code == 410


def test_a_word_that_does_not_exist_is_refused_with_those_that_do(store: Store) -> None:
    answer = Client(service(store)).get("/v1/ranking?tier=focuss")
    (error,) = answer.json()["errors"]
    assert answer.status_code == 422 and error["loc"] == ["query", "tier"]
    assert error["msg"] == "There is no such tier, did you mean 'focus'? Known: focus, cultivate, reduce."


@pytest.mark.parametrize(
    "query", ["lifecycle=churning", "segment=almost%20lost", "confidence=low", "country=AQ", "country=Narnia"]
)
def test_a_word_that_nobody_has_today_is_an_empty_page(store: Store, query: str) -> None:
    answer = Client(service(store)).get(f"/v1/ranking?count=true&{query}")
    assert answer.status_code == 200 and (answer.json()["items"], answer.json()["count"]) == ([], 0)


def test_a_country_in_other_letters_is_refused(store: Store) -> None:
    answer = Client(service(store)).get("/v1/ranking?country=de")
    assert answer.status_code == 422 and "did you mean 'DE'?" in answer.json()["errors"][0]["msg"]


def test_nobody_can_be_planned_for(store: Store) -> None:
    posted = {"contact_cost": 0.5, "filters": {"lifecycle": ["churning"]}}
    answer = Client(service(store)).send("POST", "/v1/plan/preview", json=posted)
    assert answer.status_code == 200 and answer.json()["customers_considered"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "percentile_min=101",
        "p_min=nan",
        "p_max=2",
        "value_min=inf",
        "last_order_from=yesterday",
        "tiers=focus",
        "columns=email",
        "count=perhaps",
        "search=" + "x" * 5_000,
        "tier=" + "&tier=".join(["focus"] * 60),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(store: Store, query: str) -> None:
    assert Client(service(store)).get(f"/v1/ranking?{query}").status_code == 422


@pytest.mark.parametrize(
    "own", ["line\nbreak", "ends\n", "a/b", "x" * 600, "\u202eright to left", "Ünï😀", "a b+c?d#e"]
)
def test_one_rule_for_ids_wherever_they_are_asked(tmp_path: Path, own: str) -> None:
    client = Client(service(store_of(tmp_path / "out", own, "other")))
    asked = client.get(f"/v1/customers/{quote(own, safe='')}")
    looked_up = client.send("POST", "/v1/customers:lookup", json={"customer_ids": [own]})
    searched = client.get("/v1/ranking", params={"search": own})
    assert asked.json()["customer_id"] == own
    assert [one["customer_id"] for one in looked_up.json()["items"]] == [own]
    assert [one["customer_id"] for one in searched.json()["items"]] == [own]


def test_an_id_that_is_too_long_is_refused_everywhere(store: Store) -> None:
    client, own = Client(service(store)), "x" * 4_097
    answers = (
        client.get(f"/v1/customers/{own}"),
        client.send("POST", "/v1/customers:lookup", json={"customer_ids": [own]}),
        client.get("/v1/ranking", params={"search": own}),
    )
    assert {answer.status_code for answer in answers} == {422}


def test_every_get_refuses_a_parameter_that_it_does_not_know(store: Store, tmp_path: Path) -> None:
    client = Client(service(store, exports=tmp_path / "exports"))
    paths = client.get("/openapi.json").json()["paths"]
    gets = [
        re.sub(r"{[^}]*}", "a", path) for path in paths if path.startswith("/v1/") and "get" in paths[path]
    ]
    answers = [client.get(f"{path}?horizons=45") for path in gets]
    assert len(gets) >= 6 and {answer.status_code for answer in answers} == {422}
    assert {answer.json()["errors"][0]["type"] for answer in answers} == {"extra_forbidden"}


def test_a_page_of_chosen_columns_is_short(store: Store) -> None:
    item = (
        Client(service(store))
        .get("/v1/ranking?columns=tier&columns=p_repurchase_90d&limit=1")
        .json()["items"][0]
    )
    assert list(item) == ["customer_id", "rank", "tier", "p_repurchase_90d"]
