"""Scores in PostgreSQL for real: a server of the tests' own, started from the package pgserver."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts.errors import ArtifactError, DataError, DeclarationError
from serving.outputs.postgres import Upserted, upsert
from tests import postgres
from tests.serving.outputs.scores import HORIZONS, ranking

pytestmark = pytest.mark.postgres
Row = tuple[Any, ...]


class Database:
    """An address, and a question."""

    def __init__(self, folder: Path) -> None:
        self.url = f"postgresql:///postgres?host={folder}"

    def rows(self, sql: str) -> list[Row]:
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]

        with closing(dbapi.connect(self.url, autocommit=True)) as server, closing(server.cursor()) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def upsert(self, *tables: pa.Table, **how: Any) -> Upserted:
        return upsert(self.url, tables, horizons=HORIZONS, **how)


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with postgres.running() as (folder, running):
        running.psql("CREATE ROLE guest LOGIN; CREATE SCHEMA shop;")
        yield Database(folder)


@pytest.fixture
def database(server: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    for name in ("PGHOST", "PGPORT", "PGPASSWORD", "PGPASSFILE", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGUSER", "postgres")
    server.rows("DROP TABLE IF EXISTS repurchase_scores")
    return server


def changed(table: pa.Table, column: str, values: dict[str, Any]) -> pa.Table:
    """Return a ranking with other values for some customers."""
    ids, old = table["customer_id"].to_pylist(), table[column].to_pylist()
    new = [values.get(own, value) for own, value in zip(ids, old, strict=True)]
    place = table.column_names.index(column)
    return table.set_column(place, table.schema.field(place), pa.array(new, table.schema.field(place).type))


def test_a_table_is_made_with_a_key_the_right_types_and_the_same_values(database: Database) -> None:
    table = ranking("0017", "b")
    assert database.upsert(table) == Upserted(inserted=2, updated=0, unchanged=0, removed=0)
    names = ", ".join(f'"{name}"' for name in table.column_names)
    rows = database.rows(f"SELECT {names} FROM repurchase_scores ORDER BY rank")
    assert [dict(zip(table.column_names, row, strict=True)) for row in rows] == table.to_pylist()
    types: dict[str, str] = dict(
        database.rows(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'repurchase_scores'::regclass AND attnum > 0"
        )
    )
    assert types["curve"] == "double precision[]" and types["updated_at"] == "timestamp with time zone"
    with pytest.raises(Exception, match="duplicate key"):
        database.rows("INSERT INTO repurchase_scores SELECT * FROM repurchase_scores LIMIT 1")


def test_only_rows_with_another_value_are_written_and_get_a_new_time(database: Database) -> None:
    table = ranking(*"abcdef")
    database.upsert(table)
    before: dict[str, datetime] = dict(database.rows("SELECT customer_id, updated_at FROM repurchase_scores"))
    curve = changed(table, "curve", {"c": [0.5] * 9})
    moved = changed(changed(curve, "tier", {"a": "reduce"}), "clv", {"b": 1.0})
    assert database.upsert(moved) == Upserted(inserted=0, updated=3, unchanged=3, removed=0)
    after: dict[str, datetime] = dict(database.rows("SELECT customer_id, updated_at FROM repurchase_scores"))
    assert [own for own in "abcdef" if after[own] > before[own]] == ["a", "b", "c"]
    assert database.rows("SELECT tier FROM repurchase_scores WHERE customer_id = 'a'") == [("reduce",)]


def test_customers_who_are_gone_keep_their_row_or_are_taken_away_if_asked(database: Database) -> None:
    database.upsert(ranking("a", "b", "c"))
    assert database.upsert(ranking("a")).removed == 0
    assert database.rows("SELECT count(*) FROM repurchase_scores") == [(3,)]
    assert database.upsert(ranking("a"), remove_gone=True).removed == 2
    assert database.rows("SELECT customer_id FROM repurchase_scores") == [("a",)]


def test_suppressed_customers_are_taken_away(database: Database) -> None:
    database.upsert(ranking("a", "b", "c"))
    assert database.upsert(ranking("a", "c"), without={"b", "unknown"}).removed == 1
    assert database.rows("SELECT customer_id FROM repurchase_scores ORDER BY 1") == [("a",), ("c",)]


def test_ids_are_data_whatever_they_hold(database: Database) -> None:
    ids = ["it's", '"; DROP TABLE repurchase_scores; --', "$1", "\\.", "\\N", "👩‍🚀", "a\tb\nc", " ", "‮abc"]
    database.upsert(ranking(*ids))
    assert database.upsert(ranking(*ids)) == Upserted(0, 0, len(ids), 0)
    found = database.rows("SELECT customer_id FROM repurchase_scores ORDER BY rank")
    assert [own for (own,) in found] == ids


def test_an_id_with_a_nul_is_refused_and_nothing_changes(database: Database) -> None:
    database.upsert(ranking("a"))
    with pytest.raises(DataError, match="1 customers have a NUL character in customer_id") as error:
        database.upsert(ranking("b"), ranking("x\0y"))
    assert "x" not in str(error.value).replace("export", "")
    assert database.rows("SELECT customer_id FROM repurchase_scores") == [("a",)]


def test_a_failure_in_the_middle_changes_nothing(database: Database) -> None:
    database.upsert(ranking("a"))

    def failing() -> Iterator[pa.Table]:
        yield ranking(*(f"{number}" for number in range(1000)))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        upsert(database.url, failing(), horizons=HORIZONS, remove_gone=True)
    assert database.rows("SELECT customer_id FROM repurchase_scores") == [("a",)]


def test_a_customer_who_comes_twice_is_refused_without_naming_him(database: Database) -> None:
    with pytest.raises(ArtifactError, match="Nothing was changed") as error:
        database.upsert(ranking("anna@example.com"), ranking("anna@example.com"))
    assert "anna" not in str(error.value)
    assert database.rows("SELECT to_regclass('repurchase_scores')::text") == [(None,)]


def test_two_upserts_at_once_both_succeed(database: Database) -> None:
    tables = [
        ranking(*(f"{number}" for number in range(500))),
        ranking(*(f"{number}" for number in range(250, 750))),
    ]
    found: list[Upserted] = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(database.upsert(each))) for each in tables
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.inserted for each in found) == [250, 500]
    assert database.rows("SELECT count(*) FROM repurchase_scores") == [(750,)]


def test_a_table_of_another_shape_is_refused_with_what_differs(database: Database) -> None:
    database.rows("CREATE TABLE repurchase_scores (customer_id varchar(20) PRIMARY KEY, hobby text)")
    with pytest.raises(
        DeclarationError,
        match=r"customer_id is character varying\(20\), not text; it has no column as_of, .* no column hobby\.",
    ):
        database.upsert(ranking("a"))


def test_a_ranking_of_other_horizons_is_refused(database: Database) -> None:
    database.upsert(ranking("a"))
    with pytest.raises(DeclarationError, match=r"no column p_repurchase_365d, .*\. Alter it"):
        upsert(database.url, [], horizons=(30, 90, 365))


def test_a_table_without_the_key_is_refused(database: Database) -> None:
    database.upsert(ranking("a"))
    database.rows("ALTER TABLE repurchase_scores DROP CONSTRAINT repurchase_scores_pkey")
    with pytest.raises(DeclarationError, match="no unique key on customer_id"):
        database.upsert(ranking("a"))


def test_the_name_of_the_table_is_quoted(database: Database) -> None:
    database.upsert(ranking("a"), table='shop.My "scores"; DROP')
    assert database.rows('SELECT count(*) FROM shop."My ""scores""; DROP"') == [(1,)]


def test_a_ranking_of_nobody_changes_nothing(database: Database) -> None:
    database.upsert(ranking("a"))
    with pytest.raises(DataError, match="no customer to write"):
        database.upsert(remove_gone=True)
    assert database.rows("SELECT count(*) FROM repurchase_scores") == [(1,)]


def test_who_may_not_write_is_told_so_in_one_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGUSER", "guest")
    with pytest.raises(ArtifactError, match="permission denied") as error:
        database.upsert(ranking("a"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["postgresql://user:geheim@host/db", "postgresql://host/db?user=a&password=geheim"]
)
def test_a_password_in_the_address_is_refused_and_not_echoed(url: str) -> None:
    with pytest.raises(DataError, match="PGPASSWORD") as error:
        upsert(url, [ranking("a")], horizons=HORIZONS)
    assert "geheim" not in str(error.value)


def test_a_server_that_is_down_is_one_message() -> None:
    with pytest.raises(ArtifactError, match=r"^postgresql://127\.0\.0\.1:1/db: .*onnection refused"):
        upsert("postgresql://127.0.0.1:1/db", [ranking("a")], horizons=HORIZONS)


def test_a_hundred_thousand_customers_are_written_and_updated_quickly(database: Database) -> None:
    small = ranking(*(f"{number}" for number in range(1000)))
    table = pa.concat_tables([small] * 100)
    ids = pc.cast(pa.array(range(100_000)), pa.string())
    table = table.set_column(0, small.schema.field(0), ids)
    started = time.perf_counter()
    assert database.upsert(table.slice(0, 50_000), table.slice(50_000)).inserted == 100_000
    assert time.perf_counter() - started < 60
    again = database.upsert(changed(table, "clv", {"5": 1.0, "70000": 2.0, "99999": 3.0}))
    assert again == Upserted(inserted=0, updated=3, unchanged=99_997, removed=0)
