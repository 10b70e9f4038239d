"""One mapping per file: given or recognised, then completed by what the file's own values settle."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from contracts.errors import DataError, nearest
from features.cleaning.rules import IDS, is_id
from features.reading.mapping import NO_CURRENCY, Mapping, recognise, shown
from features.reading.presets import fold
from features.reading.sources import Source

# Files read together must agree on these parts; the others may come and go.
SHARED_PARTS = ("order_id", "amount", "quantity", "unit_price", "product_id", "returned")


def mapping_of(source: Source, given: Mapping | None) -> Mapping:
    """Return the mapping of one file; raise DataError if a column is missing."""
    if given is not None:
        _check_present(source, given)
        return given
    try:
        return recognise(source.columns)
    except DataError as error:
        raise DataError(f"{source.path}: {error}") from None


def settle(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> Mapping:
    """Return a recognised mapping with the decimal mark and currency that the seen rows show.

    seen: the SQL condition of the rows that may be looked at. Raises DataError if they mix currencies.
    """
    mapping = replace(mapping, decimal=_decimal(con, source, mapping, seen))
    return replace(mapping, currency=_currency(con, source, mapping, seen))


def exported_as_floats(
    con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str
) -> frozenset[str]:
    """Return the id columns (our names) whose every seen value is a whole number with `.0` behind it.

    That is a float export: the ids never had it. Where only some values end so, they are kept as written.
    """
    found = []
    for part in IDS:
        place = source.place_of(mapping.columns.get(part))
        if place is not None and source.types[place] == "VARCHAR":
            (floats, others) = con.execute(
                f"""SELECT count(*) FILTER (whole), count(*) FILTER (NOT whole) FROM
                    (SELECT regexp_full_match(c{place}, '[0-9]+\\.0') AS whole FROM {source.table}
                     WHERE {seen} AND {is_id(f"c{place}")})"""
            ).fetchall()[0]
            if floats and not others:
                found.append(part)
    return frozenset(found)


def common_mapping(sources: list[Source], mappings: list[Mapping]) -> Mapping:
    """Return the one mapping that speaks for all files; raise DataError if they do not belong together."""
    first = mappings[0]
    columns: dict[str, str] = {}
    for source, mapping in zip(sources, mappings, strict=True):
        if mapping.name != first.name or mapping.currency != first.currency:
            raise DataError(
                f"{source.path} reads as '{mapping.name}' in {mapping.currency}, {sources[0].path} as "
                f"'{first.name}' in {first.currency}: these are not one shop's orders. Read them apart."
            )
        for part in SHARED_PARTS:
            if (part in mapping.columns) != (part in first.columns):
                there, not_there = (source, sources[0]) if part in mapping.columns else (sources[0], source)
                raise DataError(
                    f"{there.path} has a column for {part}, {not_there.path} has none. "
                    "Give a mapping of the columns that both have."
                )
        columns = {**mapping.columns, **columns}
    return replace(first, columns=columns)


def _check_present(source: Source, mapping: Mapping) -> None:
    for column in (*mapping.columns.values(), *([mapping.source_column] if mapping.source_column else [])):
        if column not in source.columns:
            raise DataError(
                f"{source.path}: the column '{column}' of mapping '{mapping.name}' is not there"
                f"{nearest(column, source.columns) or '.'} Found: {shown(source.columns)}."
            )


def _decimal(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> str:
    """Return ',' where money is written like 12,50 and never like 12.50."""
    for part in ("amount", "unit_price"):
        column = source.place_of(mapping.columns.get(part))
        if column is None or source.types[column] != "VARCHAR":
            continue
        (commas, dots) = con.execute(
            f"""SELECT count(*) FILTER (regexp_matches(c{column}, ',[0-9]{{1,2}}[^0-9.,]*$')),
                       count(*) FILTER (regexp_matches(c{column}, '\\.[0-9]{{1,2}}[^0-9.,]*$'))
                FROM {source.table} WHERE {seen}"""
        ).fetchall()[0]
        if commas and not dots:
            return ","
    return "."


def _currency(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> str:
    """Return the one currency that a column of that name holds, else the mapping's own."""
    found = [i for i, name in enumerate(source.columns) if fold(name) in ("currency", "currencycode")]
    if not found:
        return mapping.currency
    column = f"upper(trim(c{found[0]}::VARCHAR))"
    rows = con.execute(
        f"SELECT DISTINCT {column} FROM {source.table} WHERE {seen} AND {column} <> '' ORDER BY 1"
    ).fetchall()
    codes = [code for (code,) in rows]
    if len(codes) > 1:
        raise DataError(
            f"{source.path}: the column '{source.columns[found[0]]}' mixes {', '.join(codes[:5])}. "
            "Convert the amounts to one currency, or read each currency apart."
        )
    if (
        codes
        and mapping.currency == NO_CURRENCY
        and len(codes[0]) == 3
        and codes[0].isascii()
        and codes[0].isalpha()
    ):
        return str(codes[0])
    return mapping.currency
