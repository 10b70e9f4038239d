from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fastapi import Depends

from serving.guarding.access import ADMIN, EXPORT_PII, SCORE_READ, CurrentKey, demand, require
from serving.guarding.keys import KeyRing, new_key
from tests.serving.guarded import guarded
from tests.serving.shop import Client


def client(folder: Path, *scopes: str, per_minute: int = 0) -> Client:
    key = new_key(folder / "keys.json", "tool", scopes=scopes)
    app = guarded(keys=KeyRing.load(folder / "keys.json"), per_minute=per_minute)

    @app.get("/both", dependencies=[Depends(require(SCORE_READ)), Depends(require(EXPORT_PII))])
    async def both(current: CurrentKey) -> str:
        demand(current, SCORE_READ)
        return current.name

    return Client(app, key)


@pytest.mark.parametrize(
    ("scopes", "model", "metrics"),
    [
        ([SCORE_READ], 200, 403),
        ([ADMIN], 403, 200),
        ([EXPORT_PII], 403, 403),
        ([SCORE_READ, ADMIN], 200, 200),
    ],
)
def test_a_key_opens_what_its_scopes_say_and_no_scope_holds_another(
    tmp_path: Path, scopes: list[str], model: int, metrics: int
) -> None:
    asked = client(tmp_path, *scopes)
    assert [asked.get(path).status_code for path in ("/v1/model", "/metrics")] == [model, metrics]


def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    answer = client(tmp_path, ADMIN).get("/v1/model")
    assert answer.json()["detail"] == "This key lacks the scope score:read."
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_endpoint_may_need_two_scopes_and_costs_one_request(tmp_path: Path) -> None:
    asked = client(tmp_path, SCORE_READ, EXPORT_PII, per_minute=10)
    answer = asked.get("/both")
    assert (answer.json(), answer.headers["ratelimit"]) == ("tool", '"minute";r=9;t=6')
    assert client(tmp_path, SCORE_READ).get("/both").status_code == 403


def test_an_expired_key_is_no_key(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "guest", expires=date(2026, 2, 28))
    late = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
    assert (
        Client(guarded(keys=KeyRing.load(tmp_path / "keys.json"), now=late), key).get("/v1/model").status_code
        == 401
    )


def test_too_many_requests_of_a_key_wait(tmp_path: Path) -> None:
    asked = client(tmp_path, SCORE_READ, ADMIN, per_minute=2)
    answers = [asked.get("/v1/model") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "30"
    assert [each.headers["ratelimit"] for each in answers] == [
        '"minute";r=1;t=30', '"minute";r=0;t=60', '"minute";r=0;t=60',
    ]  # fmt: skip


def test_health_is_asked_without_limit(tmp_path: Path) -> None:
    asked = client(tmp_path, SCORE_READ, per_minute=1)
    assert {asked.get("/health/live").status_code for _ in range(5)} == {200}


def test_a_wrong_key_uses_nobodys_allowance(tmp_path: Path) -> None:
    asked = client(tmp_path, SCORE_READ, per_minute=1)
    for _ in range(3):
        assert Client(asked.app, "rp_wrong").get("/v1/model").status_code == 401
    assert asked.get("/v1/model").status_code == 200


def test_without_keys_all_share_one_allowance() -> None:
    asked = Client(guarded(per_minute=1))
    assert [asked.get("/v1/model").status_code for _ in range(2)] == [200, 429]


def test_the_document_names_the_scope_of_each_endpoint() -> None:
    paths = guarded().openapi()["paths"]
    assert paths["/v1/score"]["post"]["description"].endswith("Needs a key with the scope `score:read`.")
    assert paths["/metrics"]["get"]["description"].endswith("Needs a key with the scope `admin`.")
    assert paths["/health/live"]["get"]["description"].endswith("Needs no key.")
    assert paths["/health/live"]["get"]["security"] == []
