from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.tables import PERSONAL
from serving.guarding.keys import EXPORT_PII, SCORE_READ, KeyRing, new_key
from serving.store import Store
from tests.serving.pages_shop import Browser, pages_app, pages_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", "a", "b")


def signed_in(store: Store, folder: Path, *scopes: str, **settings: Any) -> Browser:
    """Return a browser signed in with a key of these scopes, in front of a shop that has a personal table."""
    rows = [
        {"customer_id": "a", "email": "Anna@Example.com"},
        {"customer_id": "b", "email": "bob@example.com"},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=PERSONAL), folder / "personal.parquet")
    key = new_key(folder / "keys.json", "anna", scopes=scopes)
    ring = KeyRing.load(folder / "keys.json")
    browser = Browser(pages_app(store, keys=ring, personal=folder / "personal.parquet", **settings))
    browser.sign_in(key)
    return browser


def test_addresses_need_their_scope(store: Store, tmp_path: Path) -> None:
    browser = signed_in(store, tmp_path, SCORE_READ)
    assert browser.get("/export?format=meta").status_code == 403
    assert "format=meta" not in browser.get("/customers").text


@pytest.mark.parametrize("name", ["klaviyo", "braze", "generic", "csv", "jsonl"])
def test_without_the_scope_no_file_holds_an_address(store: Store, tmp_path: Path, name: str) -> None:
    answer = signed_in(store, tmp_path, SCORE_READ).get(f"/export?format={name}")
    assert answer.status_code == 200 and b"xample.com" not in answer.content


def test_with_the_scope_files_for_other_tools_hold_addresses(store: Store, tmp_path: Path) -> None:
    browser = signed_in(store, tmp_path, SCORE_READ, EXPORT_PII)
    assert "format=meta" in browser.get("/customers").text
    assert browser.get("/export?format=meta").headers["x-rows"] == "2"
    assert "anna@example.com" in browser.get("/export?format=braze").text.lower()


def test_scores_alone_never_hold_addresses(store: Store, tmp_path: Path) -> None:
    browser = signed_in(store, tmp_path, SCORE_READ, EXPORT_PII)
    assert "xample.com" not in browser.get("/export?format=csv").text


def test_a_suppressed_address_keeps_its_customer_out(store: Store, tmp_path: Path) -> None:
    (tmp_path / "no.csv").write_text("email\nANNA@example.com\n")
    answer = signed_in(store, tmp_path, SCORE_READ, suppressed=tmp_path / "no.csv").get(
        "/export?format=jsonl"
    )
    assert (answer.headers["x-rows"], answer.headers["x-suppressed"]) == ("1", "1")


def test_nothing_is_left_behind(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    browser = Browser(pages_app(store))
    for query in ("format=csv", "format=parquet&tier=gold", "format=jsonl&tier=platin"):
        browser.get(f"/export?{query}")
    assert list(tmp_path.iterdir()) == []
