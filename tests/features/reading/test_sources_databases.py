"""SQLite and DuckDB files: tables, views and queries, opened for reading only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from contracts.errors import DataError
from features.reading.sources import find_files
from tests.features.reading.loading import load


def sqlite(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return f"sqlite:///{path}"


def duck(path: Path, *statements: str) -> str:
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)
    return f"duckdb:///{path}"


ORDERS = "CREATE TABLE orders (customer TEXT, id INTEGER, amount REAL, mixed)"
ROWS = "INSERT INTO orders VALUES ('007', 1152921504606846977, 1.5, 7), (NULL, 2, 2.0, x'c3a4'), ('é', 3, 1e20, 'z')"


def test_an_sqlite_table_is_read_with_its_kinds_of_values(tmp_path: Path) -> None:
    loaded = load(sqlite(tmp_path / "o.db", ORDERS, ROWS))
    assert loaded.types == ("VARCHAR", "BIGINT", "DOUBLE", "VARCHAR")
    assert loaded.rows == [
        ("007", 1152921504606846977, 1.5, "7"), (None, 2, 2.0, "ä"), ("é", 3, 1e20, "z"),
    ]  # fmt: skip


def test_a_view_a_query_and_a_name_with_spaces_are_read(tmp_path: Path) -> None:
    url = sqlite(
        tmp_path / "o.db", ORDERS, ROWS, "CREATE VIEW v AS SELECT id FROM orders", 'CREATE TABLE "a ""b&" (x)'
    )
    assert len(load(f"{url}?table=v").rows) == 3
    assert load(f'{url}?table=a "b%26').rows == []
    assert load(f"{url}?query=SELECT id + 1 AS n FROM orders WHERE id % 2 = 0 AND 'a&b' <> '%20';").rows == [
        (3,)
    ]


def test_many_sqlite_rows_are_read_in_batches(tmp_path: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"
    loaded = load(sqlite(tmp_path / "o.db", f"CREATE TABLE t AS {many}"))
    assert loaded.rows == [(i,) for i in range(1, 50_001)]


def test_sqlite_text_that_is_not_utf_8_is_no_crash(tmp_path: Path) -> None:
    url = sqlite(tmp_path / "o.db", "CREATE TABLE t (a)", "INSERT INTO t VALUES (CAST(x'61ff62' AS TEXT))")
    assert load(url).rows == [("a\ufffdb",)]


def test_a_duckdb_table_stays_where_it_is(tmp_path: Path) -> None:
    url = duck(tmp_path / "o.duckdb", "CREATE TABLE t AS SELECT range AS i, 'x' AS s FROM range(3)")
    loaded = load(url)
    assert (loaded.types, loaded.rows) == (("BIGINT", "VARCHAR"), [(0, "x"), (1, "x"), (2, "x")])
    assert loaded.numbers == [1, 2, 3]


def test_duckdb_views_schemas_and_queries_are_read(tmp_path: Path) -> None:
    url = duck(
        tmp_path / "o.duckdb",
        "CREATE TABLE t AS SELECT range AS i FROM range(5)",
        "CREATE VIEW orders AS SELECT * FROM t WHERE i > 2",
        "CREATE SCHEMA shop; CREATE TABLE shop.t (a VARCHAR); INSERT INTO shop.t VALUES ('here')",
    )
    assert load(url).rows == [(3,), (4,)]
    assert load(f"{url}?table=shop.t").rows == [("here",)]
    assert load(f"{url}?query=SELECT max(i) AS m FROM t").rows == [(4,)]


def test_two_tables_of_one_duckdb_file_are_read_together(tmp_path: Path) -> None:
    url = duck(tmp_path / "o.duckdb", "CREATE TABLE a AS SELECT 1 AS x; CREATE TABLE b AS SELECT 2 AS x")
    assert load([f"{url}?table=a", f"{url}?table=b"]).rows == [(1,), (2,)]


@pytest.mark.parametrize("make", [sqlite, duck])
def test_which_table_is_meant_must_be_clear(tmp_path: Path, make: object) -> None:
    assert callable(make)
    url = make(tmp_path / "o.db", "CREATE TABLE sales (a INT)", "CREATE TABLE other (a INT)")
    with pytest.raises(DataError, match=r"say which table to read, as \?table=name. There are: other, sales"):
        load(url)
    with pytest.raises(
        DataError, match=r"no table or view 'sale', did you mean 'sales'\? There are: other, sales"
    ):
        load(f"{url}?table=sale")
    assert load(f"{make(tmp_path / 'o.db', 'CREATE TABLE Order_Lines (b INT)')}").columns == ("b",)


@pytest.mark.parametrize("scheme", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("/{folder}/none.db", "there is no file .*, did you mean 'text.db'"),
        ("/{folder}/text.db?table=t", "cannot read this"),
        ("none.db", "three slashes"),
        ("/", "three slashes"),
        ("/{folder}/text.db?tabel=t", "setting 'tabel' is not known, did you mean 'table'"),
        ("/{folder}/text.db?table=a&query=SELECT 1", "both table= and query="),
    ],
)
def test_an_address_that_names_nothing_is_refused(tmp_path: Path, scheme: str, rest: str, words: str) -> None:
    (tmp_path / "text.db").write_text(
        "this is no database at all, only text that is long enough to be one" * 99
    )
    with pytest.raises(DataError, match=words):
        load(f"{scheme}://{rest.format(folder=tmp_path)}")


@pytest.mark.parametrize("make", [sqlite, duck])
def test_a_query_cannot_change_the_database(tmp_path: Path, make: object) -> None:
    assert callable(make)
    url = make(tmp_path / "o.db", "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)")
    for query in ("DELETE FROM t", "SELECT nope FROM t", "SELECT 1) ; DROP TABLE t --"):
        with pytest.raises(DataError, match="cannot read this"):
            load(f"{url}?query={query}")
    assert load(url).rows == [(1,)]


def test_a_database_named_as_a_file_says_how_to_name_it(tmp_path: Path) -> None:
    sqlite(tmp_path / "o.db", "CREATE TABLE t (a)")
    duck(tmp_path / "o.duckdb", "CREATE TABLE t (a INT)")
    for name, scheme in {"o.db": "sqlite", "o.duckdb": "duckdb"}.items():
        with pytest.raises(DataError, match=rf"{scheme}:///{tmp_path}/{name}\?table=orders"):
            load(tmp_path / name)


def test_a_query_is_not_shown(tmp_path: Path) -> None:
    url = sqlite(tmp_path / "o.db", ORDERS)
    (item,) = find_files(f"{url}?query=SELECT * FROM orders WHERE customer = 'ann@example.org'")
    assert "ann" not in str(item) + repr(item)
    assert str(item) != str(find_files(f"{url}?query=SELECT 1 AS a")[0])
    assert find_files([item]) == find_files(item) == [item]
