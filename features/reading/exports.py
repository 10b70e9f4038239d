"""Exports of several tables: where the files of one are together, they become one raw table by a join.

Olist: orders, order items and customers, each as one file or several; products and the translation of their
categories where they are there. Every item keeps its place (`source_row`) in its own file. An order without items is
a row with a negative `source_row`: its place among the orders. An item whose order is missing stays, without a date.
So each item and each order is read once, and what cannot be an order line is refused and counted.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from contracts.errors import DataError
from features.reading.presets import fold
from features.reading.sources import Source, quote

# Which columns tell a table of Olist; payments, reviews, sellers and geolocation play no part.
ROLES = {
    "orders": ("order_id", "customer_id", "order_status", "order_purchase_timestamp"),
    "items": ("order_id", "order_item_id", "product_id", "price"),
    "customers": ("customer_id", "customer_unique_id"),
    "products": ("product_id", "product_category_name"),
    "categories": ("product_category_name", "product_category_name_english"),
}
_NEEDED = ("orders", "items", "customers")
_KEYS = {
    "orders": "order_id",
    "customers": "customer_id",
    "products": "product_id",
    "categories": "product_category_name",
}
# How each table is found from the rows before it, in this order.
_JOINS = {"customers": "orders", "products": "items", "categories": "products"}


def combine(con: duckdb.DuckDBPyConnection, sources: list[Source]) -> list[Source]:
    """Join the tables of a known export inside DuckDB; any other sources come back as they are.

    Joined sources are one for each file of items, under its number; the notes of the first tell what was left out.
    Raises DataError if some tables of an export are there and one that is needed is missing.
    """
    tables: dict[str, list[Source]] = {}
    for source in sources:
        tables.setdefault(_role_of(source), []).append(source)
    if "orders" not in tables or not tables.keys() & {"items", "customers"}:
        return sources
    _require_all(tables)
    notes = [note for role in _KEYS if role in tables for note in _make_table(con, role, tables[role])]
    joined = [_replace_by_join(con, place, tables) for place in range(len(tables["items"]))]
    unused = tables.get("", [])
    for source in (source for role in _KEYS for source in tables.get(role, [])):
        _drop(con, source.table)
    if unused:
        names = ", ".join(source.path for source in unused)
        notes.append(f"Left out, since they hold no orders, items, customers or products: {names}.")
    others = [source for source in sources if source not in tables["items"]]
    told = (*joined[0].notes, *(note for source in others for note in source.notes))
    return [replace(joined[0], notes=(*told, *notes)), *joined[1:]]


def _role_of(source: Source) -> str:
    columns = {fold(column) for column in source.columns}
    return next((role for role, names in ROLES.items() if {fold(name) for name in names} <= columns), "")


def _require_all(tables: dict[str, list[Source]]) -> None:
    missing = next((role for role in _NEEDED if role not in tables), None)
    if missing:
        raise DataError(
            f"{tables['orders'][0].path}: these are the orders of an Olist export, but the table of its {missing} "
            f"is missing (a file with the columns {', '.join(ROLES[missing])}). Give the folder with all its files."
        )


def _make_table(con: duckdb.DuckDBPyConnection, role: str, sources: list[Source]) -> list[str]:
    """Make `export_<role>` under the source's names, with `_place` and each key once; return what to tell."""
    key = _KEYS[role]
    parts = " UNION ALL BY NAME ".join(f"({_named(source)})" for source in sources)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE export_{role} AS
            SELECT * FROM (SELECT *, row_number() OVER (ORDER BY _source, source_row) AS _place FROM ({parts}))
            QUALIFY {key} IS NULL OR row_number() OVER (PARTITION BY {key} ORDER BY _place) = 1"""
    )
    reads = " + ".join(f"(SELECT count(*) FROM {source.table})" for source in sources)
    (surplus,) = con.execute(f"SELECT {reads} - (SELECT count(*) FROM export_{role})").fetchall()[0]
    if not surplus:
        return []
    return [f"{surplus:,} rows of the {role} repeat the {key} of an earlier row and play no part."]


def _named(source: Source) -> str:
    """Return the SELECT of a raw table under the source's own names."""
    named = "".join(f", c{place} AS {quote(name)}" for place, name in _names(source).items())
    return f"SELECT {source.number} AS _source, source_row{named} FROM {source.table}"


def _names(source: Source) -> dict[int, str]:
    """Return the name of each column by its place; those of the roles are written as we do, nameless ones go."""
    known = {fold(name): name for names in ROLES.values() for name in names}
    named: dict[int, str] = {}
    taken = {"", "_source", "_place", "source_row"}
    for place, column in enumerate(source.columns):
        name = known.get(fold(column), column)
        if name.casefold() not in taken:
            named[place] = name
            taken.add(name.casefold())
    return named


def _replace_by_join(con: duckdb.DuckDBPyConnection, place: int, tables: dict[str, list[Source]]) -> Source:
    """Replace the raw table of one file of items by its join; the first also takes the orders without items."""
    items = tables["items"][place]
    base = _named(items)
    if place == 0:
        sold = " UNION ALL ".join(f"SELECT order_id::VARCHAR FROM ({_named(one)})" for one in tables["items"])
        base += f""" UNION ALL BY NAME SELECT -_place AS source_row, order_id FROM export_orders
                     ANTI JOIN ({sold}) AS sold(id) ON order_id::VARCHAR = id"""
    owners = dict.fromkeys(_names(items).values(), "items")
    joins = ""
    for role, source in (("orders", "items"), *_JOINS.items()):
        if role in tables and source in tables:
            key = _KEYS[role]
            joins += f" LEFT JOIN export_{role} AS {role} ON {source}.{key}::VARCHAR = {role}.{key}::VARCHAR"
            for name in (name for table in tables[role] for name in _names(table).values()):
                owners.setdefault(name, role)
    columns = ", ".join(f"{_value(name, role)} AS c{i}" for i, (name, role) in enumerate(owners.items()))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE joined AS SELECT items.source_row, {columns} FROM ({base}) AS items{joins}"
    )
    _drop(con, items.table)
    con.execute(f"ALTER TABLE joined RENAME TO {items.table}")
    types = tuple(str(row[1]) for row in con.execute(f"DESCRIBE {items.table}").fetchall()[1:])
    return replace(items, columns=tuple(owners), types=types)


def _value(name: str, role: str) -> str:
    """Return the SQL of a column; a category without a translation keeps its name."""
    if role == "categories":
        return f"coalesce({role}.{quote(name)}, products.product_category_name)"
    return f"{role}.{quote(name)}"


def _drop(con: duckdb.DuckDBPyConnection, table: str) -> None:
    views = con.execute("SELECT count(*) FROM duckdb_views() WHERE view_name = ?", [table]).fetchall()[0][0]
    con.execute(f"DROP {'VIEW' if views else 'TABLE'} IF EXISTS {table}")
