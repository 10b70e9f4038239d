from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, DataError
from contracts.tables import PERSONAL
from serving.outputs.people import people_and_barred, read_people
from serving.settings import ServiceSettings

NOW = datetime(2024, 6, 1, tzinfo=UTC)
ROWS = [
    {"customer_id": "a", "email": "a@x.de", "phone": None, "consent_email": "yes"},
    {"customer_id": "b", "email": "b@x.de", "phone": None, "consent_email": "no"},
]


def parquet(folder: Path, table: pa.Table) -> Path:
    pq.write_table(table, folder / "people.parquet")
    return folder / "people.parquet"


def test_a_personal_table_is_taken_as_it_is(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{"customer_id": "a", "phone": "+4930123456"}], schema=PERSONAL)
    found, told = read_people(parquet(tmp_path, table), None, NOW)
    assert found is not None and (found.to_pylist(), told) == (table.to_pylist(), ())


def test_parquet_whose_consent_is_text_is_a_customers_file(tmp_path: Path) -> None:
    table, _ = read_people(parquet(tmp_path, pa.Table.from_pylist(ROWS)), None, NOW)
    assert table is not None
    assert table.select(["customer_id", "consent_email"]).to_pylist() == [
        {"customer_id": "a", "consent_email": True},
        {"customer_id": "b", "consent_email": False},
    ]


def test_a_personal_table_of_wrong_types_is_refused_not_guessed(tmp_path: Path) -> None:
    rows = [{**row, "known_day": day} for row, day in zip(ROWS, (5, 9), strict=True)]
    with pytest.raises(DataError, match="consent_email is string, not bool"):
        read_people(parquet(tmp_path, pa.Table.from_pylist(rows)), None, NOW)


def test_a_file_that_is_no_parquet_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "people.parquet").write_text("customer_id,email\na,a@x.de\n")
    with pytest.raises(DataError, match=r"people\.parquet: this is no Parquet file"):
        read_people(tmp_path / "people.parquet", None, NOW)


def test_a_service_reads_a_mapped_file_and_bars_by_address(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("who,mail\na,a@x.de\nb,b@x.de\n")
    (tmp_path / "map.toml").write_text('[columns]\ncustomer_id = "who"\nemail = "mail"\n')
    (tmp_path / "no.csv").write_text("email\nB@x.de\n")
    settings = ServiceSettings(
        personal=tmp_path / "people.csv",
        personal_map=tmp_path / "map.toml",
        suppressed=tmp_path / "no.csv",
    )
    people, barred = people_and_barred(settings, NOW)
    assert people is not None and people.num_rows == 2 and barred == {"b"}


def test_a_wrong_mapping_is_the_operators_in_a_service(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('[columns]\nmale = "mail"\n')
    settings = ServiceSettings(personal=tmp_path / "people.csv", personal_map=tmp_path / "map.toml")
    with pytest.raises(ArtifactError, match="male"):
        people_and_barred(settings, NOW)


def test_numbers_that_this_environment_cannot_read_are_an_operators_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    (tmp_path / "people.csv").write_text("customer_id,phone\na,+4930123456\n")
    with pytest.raises(ArtifactError, match="group reading"):
        read_people(tmp_path / "people.csv", None, NOW)
