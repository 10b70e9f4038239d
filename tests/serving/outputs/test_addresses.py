from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import DataError
from contracts.tables import PERSONAL
from serving.outputs.addresses import addresses_of, read_personal

CONSENT = pa.schema([*PERSONAL, pa.field("consent_email", pa.bool_()), pa.field("consent_sms", pa.bool_())])


def person(own: str, email: str | None = None, phone: str | None = None, **more: Any) -> dict[str, Any]:
    return {"customer_id": own, "email": email, "phone": phone, **more}


def reached(*rows: dict[str, Any], schema: pa.Schema = PERSONAL) -> list[tuple[Any, ...]]:
    table = addresses_of(pa.Table.from_pylist(list(rows), schema=schema)).table
    return [tuple(row.values()) for row in table.to_pylist()]


def test_the_last_known_address_counts() -> None:
    old, new = person("a", "old@x.de", "+491701111111"), person("a", "new@x.de", known_day=9000)
    assert reached(old, new) == reached(new, old) == [("a", "new@x.de", "+491701111111")]


def test_what_is_no_address_is_none() -> None:
    assert reached(person("a", "n/a", "0170 123"), person("b", " B@x.de\n")) == [
        ("a", None, None),
        ("b", "B@x.de", None),
    ]


def test_an_address_needs_a_yes_where_the_table_tells_consent() -> None:
    rows = [
        person("no", "a@x.de", "+491701111111", consent_email=False, consent_sms=True),
        person("unknown", "b@x.de", "+491702222222"),
        person("yes", "c@x.de", "+491703333333", consent_email=True),
    ]
    assert reached(*rows, schema=CONSENT) == [
        ("no", None, "+491701111111"),
        ("unknown", None, None),
        ("yes", "c@x.de", None),
    ]


def test_a_consent_taken_back_is_none() -> None:
    given = person("a", "a@x.de", known_day=9000, consent_email=True)
    taken = person("a", "a@x.de", known_day=9001, consent_email=False)
    assert reached(given, taken, schema=CONSENT) == [("a", None, None)]


def test_consent_to_letters_is_none_to_calls() -> None:
    schema = pa.schema([*PERSONAL, pa.field("consent_email", pa.bool_())])
    rows = [person("a", "a@x.de", "+491701111111", consent_email=True), person("b", None, "+491702222222")]
    assert reached(*rows, schema=schema) == [("a", "a@x.de", None), ("b", None, None)]


def test_what_was_assumed_of_consent_is_said() -> None:
    told = addresses_of(pa.Table.from_pylist([person("a")], schema=CONSENT))
    untold = addresses_of(pa.Table.from_pylist([person("a")], schema=PERSONAL))
    assert told.assumed.startswith("Addresses are given out only with a known consent")
    assert "nobody was left out for want of it" in untold.assumed


def test_a_table_without_addresses_is_refused() -> None:
    with pytest.raises(DataError, match="no column email, phone"):
        addresses_of(pa.table({"customer_id": ["a"]}))


def test_ids_that_are_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="customer_id is int64, not string"):
        addresses_of(pa.table({"customer_id": [7], "email": ["a@x.de"], "phone": [None]}))


def test_a_personal_table_is_read_from_parquet(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([person("a", "a@x.de")], schema=PERSONAL)
    pq.write_table(table, tmp_path / "personal.parquet")
    assert read_personal(tmp_path / "personal.parquet").equals(table)


def test_a_personal_table_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    for name, words in (("gone.parquet", "no such file"), ("torn.parquet", "no Parquet file")):
        with pytest.raises(DataError, match=words):
            read_personal(tmp_path / name)
