"""Scores in a table of a PostgreSQL database: one row a customer, brought up to date in one transaction.

Who writes and with what password comes from the environment, as for psql: PGUSER, PGPASSWORD, PGPASSFILE, PGSSLMODE.
Rows come in by COPY into a temporary table; ids are data there and never part of an SQL text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as url_quote

import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ArtifactError, DataError, DeclarationError
from contracts.tables import scores_schema
from features.reading.addresses import parse_database, scheme_of
from features.reading.databases import quoted

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

TABLE = "repurchase_scores"
_UPDATED = "updated_at"
_WAIT_SECONDS = 10
_LOCK_SECONDS = 300
_MOST_SAID = 8
_INCOMING, _BARRED = "repurchase_incoming", "repurchase_barred"
_SHAPE = """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped"""
_KEY = """
    SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
      AND i.indisvalid AND a.attname = 'customer_id'"""


@dataclass(frozen=True)
class Upserted:
    """What became of the rows: new ones, changed ones, ones that were the same, and rows taken away."""

    inserted: int
    updated: int
    unchanged: int
    removed: int


def upsert(
    url: str,
    batches: Iterable[pa.Table],
    *,
    horizons: tuple[int, ...],
    table: str = TABLE,
    remove_gone: bool = False,
    without: Collection[str] = frozenset(),
) -> Upserted:
    """Bring a table up to date with scores (contracts.tables.scores_schema), all of it or nothing.

    url: postgresql://host/database, without a password. table: its name, or schema.name; made if it is not there, with
    customer_id as the key and `updated_at`, which the server sets where a value changed. Customers who are not in the
    batches keep their row and its as_of; remove_gone takes them away. without: suppressed ids, whose rows are always
    taken away. Upserts into one table wait for each other. Raises DataError for text that PostgreSQL cannot hold,
    DeclarationError for a table of another shape, ArtifactError if the server does not do it.
    """
    schema = scores_schema(horizons)
    shown, uri = _address(url)
    target = ".".join(quoted(part) for part in table.split(".", 1))
    with _transaction(uri, shown) as server:
        _prepare(server, target, schema)
        rows = _copy(server, _INCOMING, (_storable(each, schema) for each in batches))
        if not rows:
            raise DataError("there is no customer to write into the database. Nothing was changed.")
        barred = pa.table({"customer_id": pa.array(sorted(without), pa.string())})
        _copy(server, _BARRED, [barred] if barred.num_rows else [])
        removed = _remove(server, target, remove_gone=remove_gone)
        inserted, updated = _merge(server, target, schema)
    return Upserted(inserted, updated, rows - inserted - updated, removed)


def require_driver() -> Any:
    """Return the driver's module; ArtifactError if it is not installed."""
    try:
        from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]
    except ImportError:
        raise ArtifactError(
            "PostgreSQL needs the package adbc-driver-postgresql, which is not installed. "
            "Run `uv sync --group reading`."
        ) from None
    return dbapi


@contextmanager
def _transaction(uri: str, shown: str) -> Iterator[Connection]:
    """Yield a connection whose work is committed at the end, or undone."""
    dbapi = require_driver()
    from adbc_driver_manager import Error

    try:
        with closing(dbapi.connect(uri)) as server:
            try:
                yield server
                server.commit()
            except BaseException:
                server.rollback()
                raise
    except Error as error:
        raise ArtifactError(
            f"{shown}: PostgreSQL did not take the scores ({_reason(error)}). Nothing was changed."
        ) from None


def _address(url: str) -> tuple[str, str]:
    """Return an address as it may be shown, and for libpq; an unreachable server is given up after some seconds."""
    if scheme_of(url) not in ("postgresql", "postgres"):
        raise DeclarationError(
            "this is no address of a PostgreSQL database. Write postgresql://host:5432/database."
        )
    address = parse_database(url)
    if address.table is not None or address.query is not None:
        raise DeclarationError(
            f"{address.shown}: an address to write to has no table= or query=. Name the table apart."
        )
    scheme, _, rest = address.rest.partition("://")
    if "connect_timeout=" not in rest:
        rest += f"{'&' if '?' in rest else '?'}connect_timeout={_WAIT_SECONDS}"
    return address.shown, f"{scheme}://{url_quote(rest, safe='/:@?&=%,.-_~+[]')}"


def _prepare(server: Connection, target: str, schema: pa.Schema) -> None:
    """Wait for other upserts of the table, make it or check its shape, and make the temporary tables."""
    _ask(server, f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
    _ask(server, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"repurchase {target}")
    columns = [
        f"{quoted(field.name)} {_kind(field)}{'' if field.nullable else ' NOT NULL'}" for field in schema
    ]
    found = {name: (kind, needed) for name, kind, needed in _ask(server, _SHAPE, target)}
    if found:
        _require_shape(found, target, schema)
        if not _ask(server, _KEY, target)[0][0]:
            raise DeclarationError(
                f"the table {target} has no unique key on customer_id alone. Add one, or name another table."
            )
    else:
        made = [
            *columns,
            f"{quoted(_UPDATED)} timestamp with time zone NOT NULL DEFAULT statement_timestamp()",
        ]
        _ask(server, f"CREATE TABLE {target} ({', '.join(made)}, PRIMARY KEY (customer_id))")
    _ask(server, f"CREATE TEMPORARY TABLE {_INCOMING} ({', '.join(columns)}) ON COMMIT DROP")
    _ask(server, f"CREATE TEMPORARY TABLE {_BARRED} (customer_id text NOT NULL) ON COMMIT DROP")


def _require_shape(found: dict[str, tuple[str, bool]], target: str, schema: pa.Schema) -> None:
    """Raise DeclarationError if an existing table is not what this ranking fills."""
    needed = {field.name: _kind(field) for field in schema} | {_UPDATED: "timestamp with time zone"}
    strict = [field.name for field in schema if field.nullable and found.get(field.name, ("", False))[1]]
    wrong = [
        f"{name} is {found[name][0]}, not {kind}"
        for name, kind in needed.items()
        if name in found and found[name][0] != kind
    ]
    wrong += [f"{name} may not be null there" for name in strict]
    lacking = [name for name in needed if name not in found]
    unknown = [name for name in found if name not in needed]
    wrong += [f"it has no column {_listed(lacking)}"] if lacking else []
    wrong += [f"the ranking has no column {_listed(unknown)}"] if unknown else []
    if wrong:
        raise DeclarationError(
            f"the table {target} has another shape than this ranking: {'; '.join(wrong[:_MOST_SAID])}. Alter it, drop "
            "it, or name another table."
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_SAID} more" if len(names) > _MOST_SAID else ""
    return ", ".join(names[:_MOST_SAID]) + more


def _kind(field: pa.Field) -> str:
    """Return PostgreSQL's type of a column."""
    kind = field.type
    if pa.types.is_list(kind):
        return "double precision[]"
    if pa.types.is_timestamp(kind):
        return "timestamp with time zone"
    return {
        pa.string(): "text", pa.float64(): "double precision", pa.int64(): "bigint", pa.int32(): "integer",
        pa.date32(): "date",
    }[kind]  # fmt: skip


def _storable(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table as declared; DataError for text with NUL, which PostgreSQL cannot hold."""
    declared = table.select(schema.names).cast(schema)
    for field in schema:
        if pa.types.is_string(field.type):
            count = pc.sum(pc.match_substring(declared[field.name], "\0")).as_py()
            if count:
                raise DataError(
                    f"{count:,} customers have a NUL character in {field.name}, which PostgreSQL cannot hold. "
                    "Nothing was changed. Mend them in the orders, or export to a file."
                )
    return declared


def _copy(server: Connection, name: str, tables: Iterable[pa.Table]) -> int:
    """Copy tables into a temporary table and return how many rows they had."""
    rows = 0
    for table in tables:
        with closing(server.cursor()) as cursor:
            cursor.adbc_ingest(name, table, mode="append", temporary=True)
        rows += table.num_rows
    _ask(server, f"ANALYZE {name} (customer_id)")
    return rows


def _remove(server: Connection, target: str, *, remove_gone: bool) -> int:
    """Take away the rows of suppressed customers and, if asked, of those who are not in the ranking."""
    gone = (
        f" OR NOT EXISTS (SELECT FROM {_INCOMING} AS i WHERE i.customer_id = t.customer_id)"
        if remove_gone
        else ""
    )
    counted = _ask(
        server,
        f"""WITH gone AS (
              DELETE FROM {target} AS t
              WHERE EXISTS (SELECT FROM {_BARRED} AS b WHERE b.customer_id = t.customer_id){gone} RETURNING 1)
            SELECT count(*) FROM gone""",
    )
    return int(counted[0][0])


def _merge(server: Connection, target: str, schema: pa.Schema) -> tuple[int, int]:
    """Insert new customers, update those with another value, and return how many of each."""
    names = [quoted(name) for name in schema.names]
    values = [name for name in names if name != '"customer_id"']
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    old, new = (", ".join(f"{side}.{name}" for name in values) for side in ("t", "excluded"))
    counted = _ask(
        server,
        f"""WITH done AS (
              INSERT INTO {target} AS t ({", ".join(names)}) SELECT {", ".join(names)} FROM {_INCOMING}
              ON CONFLICT (customer_id) DO UPDATE SET {sets}, {quoted(_UPDATED)} = statement_timestamp()
              WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING xmax = 0 AS fresh)
            SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM done""",
    )
    return int(counted[0][0]), int(counted[0][1])


def _ask(server: Connection, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    with closing(server.cursor()) as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall()) if cursor.description else []


def _reason(error: Exception) -> str:
    """Return what the server or libpq says, in one line: neither the statement nor the values of rows."""
    said = re.search(r"(?:ERROR|FATAL):\s*(.+)", str(error))
    text = said[1] if said else " ".join(str(error).split())
    return text[:300].rstrip(".") or type(error).__name__
