"""PostgreSQL for real: a server of the tests' own, started from the package pgserver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.errors import DataError
from tests import postgres
from tests.features.reading.loading import load

pytestmark = pytest.mark.postgres

TABLES = """
CREATE TABLE orders (customer_id text, order_id numeric(20,0), ordered_at timestamptz, amount numeric(20,2));
INSERT INTO orders VALUES ('007', 12345678901234567890, '2024-01-01 23:30+01', 19.90), ('b', 2, NULL, NULL);
CREATE TABLE other (a int);
CREATE VIEW big AS SELECT customer_id FROM orders WHERE amount > 10;
CREATE SCHEMA shop;
CREATE TABLE shop.kunden ("Kunden-Nr." text, "Größe" int, "数量" real, "so ""hi"" ja" uuid);
INSERT INTO shop.kunden VALUES ('ä', 3, 1.5, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
CREATE TABLE many AS SELECT i::text AS customer_id, i % 7 + 0.5::numeric AS amount, DATE '2024-01-01' + i % 365 AS day
  FROM generate_series(1, 100000) AS i;
CREATE TABLE odd (n numeric, at timestamp, yes boolean, note jsonb);
INSERT INTO odd VALUES ('NaN', 'infinity', true, '{"a": 1}'), (1.5, '2024-02-03 04:05:06', NULL, NULL);
CREATE ROLE guest LOGIN PASSWORD 'right';
CREATE DATABASE empty;
"""


@dataclass(frozen=True)
class Server:
    folder: Path

    def url(self, asked: str = "", *, database: str = "postgres") -> str:
        return f"postgresql:///{database}?host={self.folder}" + (f"&{asked}" if asked else "")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres.running() as (folder, running):
        rules = folder / "pg_hba.conf"
        rules.write_text("local all guest scram-sha-256\n" + rules.read_text())
        running.psql("SELECT pg_reload_conf();")
        running.psql(TABLES)
        yield Server(folder)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGPASSWORD", "PGPASSFILE", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGUSER", "postgres")


def test_a_table_is_read_with_its_types_and_ids_exactly(server: Server) -> None:
    loaded = load(server.url("table=orders"))
    assert loaded.columns == ("customer_id", "order_id", "ordered_at", "amount")
    assert loaded.types == ("VARCHAR", "DECIMAL(20,0)", "TIMESTAMP WITH TIME ZONE", "DECIMAL(18,2)")
    time = datetime(2024, 1, 1, 22, 30)
    assert loaded.rows == [
        ("007", Decimal("12345678901234567890"), time, Decimal("19.90")),
        ("b", 2, None, None),
    ]


def test_the_table_called_orders_is_read_when_none_is_named(server: Server) -> None:
    assert len(load(server.url()).rows) == 2


def test_a_view_is_read(server: Server) -> None:
    assert load(server.url("table=big")).rows == [("007",)]


def test_a_query_is_read_and_not_shown(server: Server) -> None:
    loaded = load(server.url("query=SELECT customer_id || '+%20' AS c FROM orders WHERE order_id = 2;"))
    assert loaded.rows == [("b+ ",)]
    assert "customer_id" not in loaded.sources[0].path


def test_a_table_of_another_schema_with_unicode_names_is_read(server: Server) -> None:
    loaded = load(server.url("table=shop.kunden"))
    assert loaded.columns == ("Kunden-Nr.", "Größe", "数量", 'so "hi" ja')
    assert loaded.rows == [("ä", 3, 1.5, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]


def test_values_without_a_decimal_and_types_without_an_arrow_type_are_read(server: Server) -> None:
    loaded = load(server.url("table=odd"))
    assert loaded.types == ("DOUBLE", "TIMESTAMP", "BOOLEAN", "VARCHAR")
    assert loaded.rows[1] == (1.5, datetime(2024, 2, 3, 4, 5, 6), None, None)
    assert loaded.rows[0][3] == '{"a": 1}'


def test_a_hundred_thousand_rows_are_streamed(server: Server) -> None:
    loaded = load(server.url("table=many"))
    assert len(loaded.rows) == 100_000
    assert {row[0] for row in loaded.rows} == {str(i) for i in range(1, 100_001)}
    assert sum(row[1] for row in loaded.rows) == sum(Decimal(i % 7) for i in range(1, 100_001)) + 50_000


def test_a_query_that_writes_is_refused_and_writes_nothing(server: Server) -> None:
    with pytest.raises(DataError, match="PostgreSQL does not answer"):
        load(server.url("query=WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone"))
    assert len(load(server.url("table=orders")).rows) == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("table=ordrs", r"no table or view 'ordrs', did you mean 'orders'\? There are: .*shop\.kunden"),
        ("query=SELECT nope FROM orders", 'column "nope" does not exist'),
        ("query=SELECT 1 AS a, 2 AS a", "'a' twice"),
        ("query=this is no query", "syntax error"),
    ],
)
def test_what_is_not_there_is_one_message(server: Server, asked: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        load(server.url(asked))
    assert "\n" not in str(error.value)


def test_an_empty_database_is_refused(server: Server) -> None:
    with pytest.raises(DataError, match="has no table or view"):
        load(server.url(database="empty"))


def test_an_unknown_database_is_refused(server: Server) -> None:
    with pytest.raises(DataError, match='database "nowhere" does not exist'):
        load(server.url(database="nowhere"))


def test_a_wrong_password_is_refused_and_not_echoed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "guest")
    monkeypatch.setenv("PGPASSWORD", "geheim")
    with pytest.raises(DataError, match="password authentication failed") as error:
        load(server.url("table=orders"))
    assert "geheim" not in str(error.value)


def test_the_password_comes_from_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "guest")
    monkeypatch.setenv("PGPASSWORD", "right")
    assert load(server.url("query=SELECT current_user::text AS me")).rows == [("guest",)]
    with pytest.raises(DataError, match="permission denied"):
        load(server.url("table=orders"))


def test_a_server_that_is_down_is_one_message() -> None:
    with pytest.raises(
        DataError, match=r"^postgresql://127\.0\.0\.1:1/db\?table=orders: .*onnection refused"
    ):
        load("postgresql://127.0.0.1:1/db?table=orders")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:geheim@host/db?table=orders",
        "postgresql://user:ge@h#ei/m?geheim@host/db",
        "postgresql://host/db?user=a&password=geheim",
        "postgres://user:geheim@/db?query=SELECT 1",
    ],
)
def test_a_password_in_the_url_is_refused_and_not_echoed(url: str) -> None:
    with pytest.raises(DataError, match="PGPASSWORD") as error:
        load(url)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("url", ["postgresql://host:port/db", "postgresql://[::1/db"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(DataError, match="this is no address"):
        load(url)
