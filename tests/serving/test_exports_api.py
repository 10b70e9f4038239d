"""Exports over the API: asked for, made in the background, fetched, removed."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from contracts.tables import PERSONAL
from serving.api.exports import jobs_of
from serving.guarding.access import EXPORT_PII, SCORE_READ
from serving.guarding.keys import KeyRing, new_key
from serving.outputs import FORMATS
from serving.shapes.schemas_exports import ExportAnswer
from serving.store import Store
from tests.serving.asked_shop import service, store_of
from tests.serving.shop import Client


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store_of(tmp_path_factory.mktemp("ranking") / "out", *"abcdef")


@pytest.fixture
def app(store: Store, tmp_path: Path) -> FastAPI:
    return service(store, exports=tmp_path / "exports")


def asked(app: FastAPI, *, key: str | None = None, header: str | None = None, **body: Any) -> httpx.Response:
    headers = {"idempotency-key": header} if header else {}
    return Client(app, key).send("POST", "/v1/exports", json=body, headers=headers)


def fetched(app: FastAPI, answer: httpx.Response, *, key: str | None = None) -> httpx.Response:
    assert answer.status_code == 202, answer.text
    assert jobs_of(app).wait(10)
    return Client(app, key).get(answer.headers["location"] + "/file")


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_an_export_is_made_and_fetched(app: FastAPI) -> None:
    begun = asked(app, format="csv", filters={"tier": ["focus"]})
    file = fetched(app, begun)
    done = Client(app).get(begun.headers["location"]).json()
    assert [row["customer_id"] for row in rows_of(file)] == ["a", "d"]
    assert (done["state"], done["rows"], done["currency"]) == ("done", 2, "USD")
    assert done["sha256"] == hashlib.sha256(file.content).hexdigest() and done["bytes"] == len(file.content)
    assert "attachment" in file.headers["content-disposition"] and file.headers["content-type"].startswith(
        "text/csv"
    )


def test_each_answer_fits_its_shape(app: FastAPI) -> None:
    begun = asked(app, format="jsonl")
    assert jobs_of(app).wait(10)
    for answer in (begun.json(), Client(app).get(begun.headers["location"]).json()):
        assert ExportAnswer.model_validate(answer).model_dump(mode="json", exclude_unset=True) == answer


@pytest.mark.parametrize(
    ("format", "magic"), [("jsonl", b'{"customer_id'), ("parquet", b"PAR1"), ("braze", b"{")]
)
def test_other_formats_are_written(app: FastAPI, format: str, magic: bytes) -> None:
    assert fetched(app, asked(app, format=format)).content.startswith(magic)


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_stage_that_nobody_is_in_today_makes_a_file_of_nobody(
    store: Store, tmp_path: Path, format: str
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("customer_id,email\na,a@x.de\n")
    app = service(store, exports=tmp_path / "exports", personal=people)
    begun = asked(app, format=format, filters={"lifecycle": ["churning"]})
    assert fetched(app, begun).status_code == 200
    assert Client(app).get(begun.headers["location"]).json()["rows"] == 0


def test_columns_and_limit_are_kept(app: FastAPI) -> None:
    rows = rows_of(fetched(app, asked(app, format="csv", columns=["customer_id", "rank"], limit=3)))
    assert rows == [{"customer_id": each, "rank": str(rank)} for rank, each in enumerate("abc", start=1)]


def test_whoever_is_suppressed_is_in_no_export(store: Store, tmp_path: Path) -> None:
    (tmp_path / "never.txt").write_text("customer_id\nb\n")
    app = service(store, exports=tmp_path / "exports", suppressed=tmp_path / "never.txt")
    begun = asked(app, format="csv")
    assert "b" not in [row["customer_id"] for row in rows_of(fetched(app, begun))]
    assert Client(app).get(begun.headers["location"]).json()["suppressed"] == 1


def test_without_the_suppression_list_nothing_is_exported(store: Store, tmp_path: Path) -> None:
    app = service(store, exports=tmp_path / "exports", suppressed=tmp_path / "gone.txt")
    begun = asked(app, format="csv")
    assert fetched(app, begun).status_code == 409
    failed = Client(app).get(begun.headers["location"]).json()
    assert failed["state"] == "failed" and str(tmp_path) not in failed["error"]


def test_the_same_idempotency_key_makes_one_export(app: FastAPI) -> None:
    first, again = (asked(app, format="csv", header="k-1") for _ in range(2))
    assert first.json()["id"] == again.json()["id"] and again.status_code == 202
    other = asked(app, format="jsonl", header="k-1")
    assert other.status_code == 422 and other.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]
    assert jobs_of(app).wait(10)


@pytest.mark.parametrize("key", ["a b", "k" * 256, "\x7f"])
def test_a_key_that_is_none_is_refused(app: FastAPI, key: str) -> None:
    assert asked(app, format="csv", header=key).status_code == 422


def test_a_removed_export_is_gone(app: FastAPI) -> None:
    begun = asked(app, format="csv")
    assert jobs_of(app).wait(10)
    client = Client(app)
    assert client.send("DELETE", begun.headers["location"]).status_code == 204
    assert client.get(begun.headers["location"]).status_code == 404
    assert client.get(begun.headers["location"] + "/file").status_code == 404


def test_without_a_folder_it_says_how_to_have_exports(store: Store) -> None:
    answer = asked(service(store), format="csv")
    assert answer.status_code == 503 and "--exports" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"format": "xlsx"},
        {"format": "csv", "columns": ["email"]},
        {"format": "csv", "addresses": True},
        {"format": "parquet", "excel_safe": True},
        {"format": "generic", "columns": ["customer_id", "curve"]},
        {"format": "csv", "limit": 0},
        {"format": "csv", "filters": {"tier": ["gold"]}},
        {"format": "csv", "path": "/etc/passwd"},
        {"format": "meta"},
    ],
)
def test_what_cannot_be_exported_is_refused(app: FastAPI, body: dict[str, Any]) -> None:
    assert asked(app, **body).status_code == 422


def test_the_formats_are_listed(app: FastAPI) -> None:
    answer = Client(app).get("/v1/exports/formats").json()
    told = {one["name"]: one["addresses"] for one in answer["formats"]}
    assert told["csv"] == "never" and told["klaviyo"] == "on request" and told["meta"] == "always"
    assert answer["columns"][0] == "customer_id" and answer["model_version"] == "v1"


# ---------------------------------------------------------------- addresses
@pytest.fixture
def guarded(store: Store, tmp_path: Path) -> tuple[FastAPI, str, str]:
    """A service with keys and a personal table, a key that may read scores, and one that may export addresses."""
    people = [{"customer_id": "a", "known_day": None, "email": "a@shop.example", "phone": None}]
    pq.write_table(pa.Table.from_pylist(people, schema=PERSONAL), tmp_path / "personal.parquet")
    file = tmp_path / "keys.json"
    plain = new_key(file, "plain", scopes=(SCORE_READ,))
    trusted = new_key(file, "trusted", scopes=(SCORE_READ, EXPORT_PII))
    personal = tmp_path / "personal.parquet"
    app = service(store, keys=KeyRing.load(file), exports=tmp_path / "exports", personal=personal)
    return app, plain, trusted


@pytest.mark.parametrize("body", [{"format": "meta"}, {"format": "klaviyo", "addresses": True}])
def test_addresses_need_their_scope(guarded: tuple[FastAPI, str, str], body: dict[str, Any]) -> None:
    app, plain, _ = guarded
    answer = asked(app, key=plain, **body)
    assert answer.status_code == 403 and "export:pii" in answer.text


def test_with_the_scope_addresses_are_hashed_for_others(guarded: tuple[FastAPI, str, str]) -> None:
    app, _, trusted = guarded
    file = fetched(app, asked(app, key=trusted, format="meta"), key=trusted)
    assert hashlib.sha256(b"a@shop.example").hexdigest() in file.text and "@" not in file.text


def test_a_service_takes_a_customers_file_and_heeds_its_consent(store: Store, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("customer_id,email,accepts_marketing\na,a@x.de,yes\nb,b@x.de,no\nc,c@x.de,\n")
    app = service(store, exports=tmp_path / "exports", personal=people)
    file = fetched(app, asked(app, format="generic", columns=["rank"], addresses=True))
    assert [(row["customer_id"], row["email"]) for row in rows_of(file)] == [("a", "a@x.de")]


def test_without_being_asked_for_addresses_stay_away(guarded: tuple[FastAPI, str, str]) -> None:
    app, plain, _ = guarded
    file = fetched(app, asked(app, key=plain, format="generic"), key=plain)
    assert len(rows_of(file)) == 6 and "@" not in file.text


def test_an_export_is_seen_by_its_own_key_alone(guarded: tuple[FastAPI, str, str]) -> None:
    app, plain, trusted = guarded
    begun = asked(app, key=trusted, format="meta")
    assert jobs_of(app).wait(10)
    assert Client(app, plain).get(begun.headers["location"]).status_code == 404
    assert Client(app, plain).get(begun.headers["location"] + "/file").status_code == 404
