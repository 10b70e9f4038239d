from __future__ import annotations

import csv
import json
import zipfile
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts.errors import DeclarationError
from serving.outputs import hashes
from serving.outputs.audiences import BrazeWriter, KlaviyoWriter, google_writer, meta_writer

ANNA = {"customer_id": "1", "clv": 12.5, "tier": "focus", "email": "Anna@x.de", "phone": "+491701111111"}
BERT = {"customer_id": "2", "clv": 3.0, "tier": None, "email": None, "phone": None}


def many(count: int, text: str = "") -> pa.Table:
    return pa.table({"customer_id": [str(n) for n in range(count)], "note": [text] * count})


def klaviyo(path: Path, table: pa.Table) -> list[dict[str, Any]]:
    with closing(KlaviyoWriter(path, packed=True)) as file:
        file.write(table)
    with zipfile.ZipFile(path) as archive:
        bodies = [archive.read(name) for name in sorted(archive.namelist())]
    assert all(len(body) <= 5_000_000 for body in bodies)
    return [json.loads(body) for body in bodies]


def profiles(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["data"]["attributes"]["profiles"]["data"]
    return found


def braze(path: Path, table: pa.Table) -> list[dict[str, Any]]:
    with closing(BrazeWriter(path)) as file:
        file.write(table)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_klaviyo_gets_profiles_with_scores_as_properties_and_nothing_unknown(tmp_path: Path) -> None:
    (body,) = klaviyo(tmp_path / "a.zip", pa.Table.from_pylist([ANNA, BERT]))
    assert body["data"]["type"] == "profile-bulk-import-job"
    anna = {"external_id": "1", "email": "Anna@x.de", "phone_number": "+491701111111"}
    assert profiles(body) == [
        {"type": "profile", "attributes": {**anna, "properties": {"clv": 12.5, "tier": "focus"}}},
        {"type": "profile", "attributes": {"external_id": "2", "properties": {"clv": 3.0}}},
    ]


def test_klaviyo_gets_at_most_ten_thousand_profiles_a_request(tmp_path: Path) -> None:
    bodies = klaviyo(tmp_path / "a.zip", many(20_001))
    assert [len(profiles(body)) for body in bodies] == [10_000, 10_000, 1]
    ids = [each["attributes"]["external_id"] for body in bodies for each in profiles(body)]
    assert ids == [str(n) for n in range(20_001)]


def test_klaviyo_gets_at_most_five_megabytes_a_request(tmp_path: Path) -> None:
    bodies = klaviyo(tmp_path / "a.zip", many(120, "ä" * 50_000))
    assert [len(profiles(body)) for body in bodies] == [49, 49, 22]


def test_the_same_customers_make_the_same_archive(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        klaviyo(tmp_path / name, many(3))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_klaviyos_one_file_is_one_request_and_more_is_refused(tmp_path: Path) -> None:
    with closing(KlaviyoWriter(tmp_path / "a.json", packed=False)) as file:
        file.write(many(10_000))
    assert len(profiles(json.loads((tmp_path / "a.json").read_text()))) == 10_000
    file = KlaviyoWriter(tmp_path / "a.json", packed=False)
    file.write(many(10_001))
    with pytest.raises(DeclarationError, match=r"end with \.zip"):
        file.close()


def test_braze_gets_at_most_75_objects_a_request(tmp_path: Path) -> None:
    bodies = braze(tmp_path / "a.jsonl", many(160))
    assert [len(body["attributes"]) for body in bodies] == [75, 75, 10]
    assert [each["external_id"] for body in bodies for each in body["attributes"]] == [
        str(n) for n in range(160)
    ]


def test_braze_gets_attributes_of_our_name_and_null_clears_one(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([ANNA | {"as_of": date(2024, 1, 2)}, BERT | {"as_of": date(2024, 1, 2)}])
    (body,) = braze(tmp_path / "a.jsonl", table)
    known = {"_update_existing_only": True, "repurchase_as_of": "2024-01-02"}
    anna = {"external_id": "1", "email": "Anna@x.de", "phone": "+491701111111", "repurchase_tier": "focus"}
    assert body["attributes"] == [
        anna | known | {"repurchase_clv": 12.5},
        {"external_id": "2", "repurchase_clv": 3.0, "repurchase_tier": None} | known,
    ]


def test_meta_gets_hashes_and_the_id_as_it_is(tmp_path: Path) -> None:
    with closing(meta_writer(tmp_path / "a.csv")) as file:
        file.write(pa.Table.from_pylist([ANNA, BERT | {"email": "b@x.de"}]))
    with (tmp_path / "a.csv").open(newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    assert rows == [
        {
            "EMAIL": hashes.meta_email("anna@x.de"),
            "PHONE": hashes.meta_phone("491701111111"),
            "EXTERN_ID": "1",
        },
        {"EMAIL": hashes.meta_email("b@x.de"), "PHONE": "", "EXTERN_ID": "2"},
    ]


def test_google_gets_hashes_and_nothing_else(tmp_path: Path) -> None:
    with closing(google_writer(tmp_path / "a.csv")) as file:
        file.write(pa.Table.from_pylist([ANNA]))
    lines = (tmp_path / "a.csv").read_bytes().decode().split("\r\n")
    assert lines == [
        "Email,Phone",
        f"{hashes.google_email('anna@x.de')},{hashes.google_phone('+491701111111')}",
        "",
    ]
