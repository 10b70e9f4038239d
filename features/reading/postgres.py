"""A table, view or query of a PostgreSQL server as a raw table, streamed in batches, in a read-only transaction.

Who asks and with what password comes from the environment, as for psql: PGUSER, PGPASSWORD, PGPASSFILE, PGSSLMODE.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote as url_quote

import duckdb
import pyarrow as pa

from contracts.errors import ArtifactError, DataError
from features.reading.addresses import Address
from features.reading.columns import require_distinct
from features.reading.databases import choose_table, chosen_sql, quoted
from features.reading.raw_table import Raw

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

_WAIT_SECONDS = 10
_TABLES = """
    SELECT n.nspname::text AS schema, c.relname::text AS name, pg_table_is_visible(c.oid) AS visible
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND NOT c.relispartition
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY 1, 2"""


def load_postgres(con: duckdb.DuckDBPyConnection, number: int, address: Address) -> Raw:
    """Load what an address names as `raw_<number>`.

    Raises DataError if the server, the table or the query does not answer, ArtifactError without the package.
    """
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
    except ImportError:
        raise ArtifactError(
            f"{address.shown}: PostgreSQL needs the package adbc-driver-postgresql, which is not installed. "
            "Run `uv sync --group reading`."
        ) from None
    try:
        with closing(dbapi.connect(_uri(address))) as server:
            _run(server, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return _stream(con, number, server, address)
    except (Error, duckdb.Error) as error:
        raise DataError(f"{address.shown}: PostgreSQL does not answer: {_reason(error)}.") from None


def _uri(address: Address) -> str:
    """Return the address for libpq; an unreachable server is given up after some seconds."""
    scheme, _, rest = address.rest.partition("://")
    if "connect_timeout=" not in rest:
        rest += f"{'&' if '?' in rest else '?'}connect_timeout={_WAIT_SECONDS}"
    return f"{scheme}://{url_quote(rest, safe='/:@?&=%,.-_~+[]')}"


def _stream(con: duckdb.DuckDBPyConnection, number: int, server: Connection, address: Address) -> Raw:
    asked = f"({address.query}\n) AS asked"
    if address.query is None:
        tables = _tables(server)
        asked = chosen_sql(tables, choose_table(list(tables), address))
    schema = _schema(server, asked)
    require_distinct(schema.names, where=address.shown)
    fields = ", ".join(_field(field) for field in schema)
    with closing(server.cursor()) as cursor:
        cursor.execute(f"SELECT {fields} FROM {asked}")
        con.register("incoming", cursor.fetch_record_batch())
        try:
            places = "".join(f", {quoted(name)} AS c{i}" for i, name in enumerate(schema.names))
            con.execute(
                f"""CREATE OR REPLACE TEMP TABLE raw_{number} AS
                    SELECT row_number() OVER () AS source_row{places} FROM incoming"""
            )
        finally:
            con.unregister("incoming")
    for place, field in enumerate(schema):
        if _name_of(field) == "numeric":
            _give_decimals(con, f"raw_{number}", f"c{place}")
    described = con.execute(f"SELECT * FROM raw_{number} LIMIT 0").description or []
    return Raw(columns=tuple(schema.names), types=tuple(str(entry[1]) for entry in described[1:]))


def _run(server: Connection, sql: str) -> None:
    with closing(server.cursor()) as cursor:
        cursor.execute(sql)


def _tables(server: Connection) -> dict[str, tuple[str, str, bool]]:
    """Return each table as it may be named -> its schema and name; visible ones also without their schema."""
    with closing(server.cursor()) as cursor:
        cursor.execute(_TABLES)
        rows = cursor.fetchall()
    return {
        name if visible else f"{schema}.{name}": (str(schema), str(name), False)
        for schema, name, visible in rows
    }


def _schema(server: Connection, asked: str) -> pa.Schema:
    with closing(server.cursor()) as cursor:
        cursor.execute(f"SELECT * FROM {asked} LIMIT 0")
        return cursor.fetch_record_batch().schema


def _field(field: pa.Field) -> str:
    """Return the SQL of a column: what Arrow has no type for comes as text."""
    kind = field.type
    plain = _name_of(field) == "" and (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
    )
    return quoted(field.name) if plain else f"{quoted(field.name)}::text AS {quoted(field.name)}"


def _name_of(field: pa.Field) -> str:
    """Return the server's own name of a type that Arrow does not have, else an empty string."""
    return (field.metadata or {}).get(b"ADBC:postgresql:typname", b"").decode()


def _give_decimals(con: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    """Turn numeric, which comes as text, into exact decimals; into floats where some value is none."""
    (whole, fraction, odd) = con.execute(
        f"""SELECT coalesce(max(length(regexp_replace(split_part({column}, '.', 1), '[^0-9]', '', 'g'))), 1),
                   coalesce(max(length(split_part({column}, '.', 2))), 0),
                   count(*) FILTER (NOT regexp_full_match({column}, '-?[0-9]+(\\.[0-9]+)?'))
            FROM {table}"""
    ).fetchall()[0]
    exact = not odd and whole + fraction <= 38
    kind = f"DECIMAL({max(18, whole + fraction)}, {fraction})" if exact else "DOUBLE"
    con.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind}")


def _reason(error: Exception) -> str:
    """Return what the server or libpq says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(line for line in lines if not _is_noise(line)) or type(error).__name__
    return text[:400].rstrip(".")


def _is_noise(line: str) -> bool:
    return line.startswith(("Query was:", "LINE ", "^", "SELECT ", "SQLSTATE"))
