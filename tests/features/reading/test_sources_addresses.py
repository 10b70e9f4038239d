"""Objects in a store, and what an address may not hold."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from contracts.errors import ArtifactError, DataError
from features.reading.objects import load_from
from features.reading.sources import find_files
from tests.features.reading.loading import load


def has_httpfs() -> bool:
    found = duckdb.execute(
        "SELECT installed FROM duckdb_extensions() WHERE extension_name = 'httpfs'"
    ).fetchall()
    return found == [(True,)]


@pytest.mark.skipif(has_httpfs(), reason="the extension httpfs is installed here")
@pytest.mark.parametrize("url", ["s3://bucket/o.parquet", "gs://bucket/*.csv", "https://host/o.csv.gz"])
def test_without_the_extension_an_object_is_refused_and_nothing_is_fetched(url: str) -> None:
    with pytest.raises(DataError, match=r"need DuckDB's extension httpfs, which is not installed"):
        load(url)


def test_only_parquet_and_text_are_read_from_a_store() -> None:
    with pytest.raises(DataError, match=r"Name a \.parquet or \.csv"):
        load("s3://bucket/o.xlsx")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:geheim@host/o.csv",
        "s3://key:geheim@bucket/o.parquet",
        "https://host/o.csv?X-Amz-Signature=geheim",
        "https://host/o.csv?sig=geheim&x=1",
        "https://host/o.csv?token=geheim",
    ],
)
def test_a_credential_in_an_address_is_refused_and_not_echoed(url: str) -> None:
    with pytest.raises(DataError, match="holds a credential") as error:
        load(url)
    assert "geheim" not in str(error.value)


def test_a_port_and_an_at_sign_are_no_credential() -> None:
    assert [str(item) for item in find_files("https://host:8443/a@b/o.csv?version=2")] == [
        "https://host:8443/a@b/o.csv"
    ]


def test_an_unknown_scheme_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="begin with postgre:// cannot be read, did you mean 'postgres"):
        load("postgre://host/db")


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("a,b\n1,2\n")
    assert load(f"file://{tmp_path}/o.csv").rows == [("1", "2")]


def test_what_a_store_gives_is_read_like_files(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("id,n\n007,1.10\n12345678901234567890,2\n")
    with duckdb.connect() as con:
        raw = load_from(con, 0, str(tmp_path / "*.csv"), parquet=False, shown="o")
        con.execute(f"COPY (SELECT c0 AS id FROM raw_0) TO '{tmp_path}/o.parquet' (FORMAT parquet)")
        load_from(con, 1, str(tmp_path / "*.parquet"), parquet=True, shown="o")
        assert (raw.columns, raw.types) == (("id", "n"), ("VARCHAR", "VARCHAR"))
        assert con.execute("SELECT * FROM raw_0").fetchall() == [
            (1, "007", "1.10"),
            (2, "12345678901234567890", "2"),
        ]
        assert con.execute("SELECT * FROM raw_1").fetchall() == [(1, "007"), (2, "12345678901234567890")]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("python_calamine", "{folder}/o.xlsx"),
        ("deltalake", "{folder}/table"),
        ("adbc_driver_postgresql", "postgresql://127.0.0.1:1/db?table=t"),
    ],
)
def test_without_its_package_a_source_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    (tmp_path / "o.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "table/_delta_log").mkdir(parents=True)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ArtifactError, match="uv sync --group reading"):
        load(name.format(folder=tmp_path))
