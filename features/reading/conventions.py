"""One mapping per file: given or recognised, then completed by what the file's own values settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from contracts.errors import DataError, nearest
from features.reading.columns import diff_of_columns
from features.reading.mapping import Mapping, complete, recognise, shown
from features.reading.numbers import is_id, shows_decimal
from features.reading.presets import IDS, NO_CURRENCY
from features.reading.sources import Source

# Files read together must agree on these parts; the others may come and go.
SHARED_PARTS = (
    "customer_id", "order_id", "ordered_time", "amount", "quantity", "unit_price", "product_id", "returned",
    "status", "cancelled_at",
)  # fmt: skip
# Up to this share of the values may contradict the decimal mark of the others; those cannot be read.
_CONTRADICTION_SHARE = 0.01


def mapping_of(source: Source, given: Mapping | None, *, first: Source | None = None) -> Mapping:
    """Return the mapping of one file; raise DataError if a column is missing.

    first: the first of the files read together; a message compares this one's columns with those.
    """
    try:
        mapping = recognise(source.columns) if given is None else complete(given, source.columns)
        _check_present(source.columns, mapping)
    except DataError as error:
        differ = "" if first is None else _difference(first, source)
        raise DataError(f"{source.path}: {error}{differ}") from None
    return mapping


def settle(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> Mapping:
    """Return a mapping with the decimal mark and the currency that the seen rows show, where it says neither.

    seen: the SQL condition of the rows that may be looked at. Raises DataError if they mix currencies without [rates].
    """
    if mapping.decimal is None:
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
            whole = f"regexp_full_match(c{place}, '[0-9]+\\.0')"
            ids = f"SELECT {whole} AS whole FROM {source.table} WHERE {seen} AND {is_id(f'c{place}')}"
            (others,) = con.execute(f"SELECT count(*) FROM ({ids} LIMIT 1000) WHERE NOT whole").fetchall()[0]
            if others:  # nearly always; else all must be looked at
                continue
            (floats, others) = con.execute(
                f"SELECT count(*) FILTER (whole), count(*) FILTER (NOT whole) FROM ({ids})"
            ).fetchall()[0]
            if floats and not others:
                found.append(part)
    return frozenset(found)


def common_mapping(sources: list[Source], mappings: list[Mapping]) -> Mapping:
    """Return the one mapping that speaks for all files; raise DataError if they do not belong together."""
    common = mappings[0]
    for source, mapping in zip(sources[1:], mappings[1:], strict=True):
        diff = _difference(sources[0], source)
        common = joined(common, mapping, names=(sources[0].path, source.path), diff=diff)
    return common


def joined(
    first: Mapping,
    other: Mapping,
    *,
    names: tuple[str, str] = ("what was read before", "the new file"),
    diff: str = "",
) -> Mapping:
    """Return one mapping for the files of two; raise DataError if they are not of one shop and one shape.

    names: of the two, and diff: how their columns differ, for the message.
    """
    if other.name != first.name or other.currency != first.currency:
        raise DataError(
            f"{names[1]} reads as '{other.name}' in {other.currency}, {names[0]} as '{first.name}' in "
            f"{first.currency}: these are not one shop's orders. Read them apart."
        )
    if other.discount_included != first.discount_included:
        raise DataError(
            f"{names[1]} has its amounts {_before(other)} the discount, {names[0]} {_before(first)} it. "
            "Read them apart, or say discount_included in a mapping."
        )
    for part in SHARED_PARTS:
        if (part in other.columns) != (part in first.columns):
            there, not_there = reversed(names) if part in other.columns else names
            raise DataError(
                f"{there} has a column for {part}, {not_there} has none.{diff} "
                "Give a mapping of the columns that both have."
            )
    order_columns = tuple(dict.fromkeys((*first.order_columns, *other.order_columns)))
    return replace(first, columns={**other.columns, **first.columns}, order_columns=order_columns)


def _before(mapping: Mapping) -> str:
    return "after" if mapping.discount_included else "before"


def _check_present(columns: Sequence[str], mapping: Mapping) -> None:
    extra = [mapping.source_column] if mapping.source_column else []
    wanted = dict.fromkeys((*mapping.columns.values(), *extra, *mapping.order_columns))
    missing = [column for column in wanted if column not in columns]
    if missing:
        more = f" Also missing: {shown(missing[1:])}." if len(missing) > 1 else ""
        raise DataError(
            f"the column '{missing[0]}' of mapping '{mapping.name}' is not there"
            f"{nearest(missing[0], columns) or '.'}{more} Found: {shown(columns)}."
        )


def _difference(first: Source, other: Source) -> str:
    """Return how the columns of another file differ, as a sentence that follows a message."""
    diff = diff_of_columns(first.columns, other.columns)
    return f" Compared with {first.path}, {other.path} has {diff}." if diff else ""


def _decimal(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> str:
    """Return ',' where numbers are written like 12,50 and not like 12.50; money decides before quantities."""
    for parts in (("amount", "unit_price"), ("discount", "cost"), ("quantity",)):
        places = [source.place_of(mapping.columns.get(part)) for part in parts]
        texts = [f"c{place}" for place in places if place is not None and source.types[place] == "VARCHAR"]
        if not texts:
            continue
        (commas, dots) = con.execute(
            f"""SELECT count(*) FILTER ({shows_decimal("x", ",")}), count(*) FILTER ({shows_decimal("x", ".")})
                FROM (SELECT unnest([{", ".join(texts)}]) AS x FROM {source.table} WHERE {seen})"""
        ).fetchall()[0]
        if commas or dots:
            return "," if dots <= commas * _CONTRADICTION_SHARE else "."
    return "."


def _currency(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> str:
    """Return the shop's currency: as said, else the one that the currency column holds."""
    codes = currencies(con, source, mapping, seen)
    if mapping.rates or not codes:
        return mapping.currency
    known = mapping.currency != NO_CURRENCY
    where = f"{source.path}: the column '{mapping.columns['currency']}'"
    if len(codes) > 1:
        shop = mapping.currency if known else codes[0]
        other = next(code for code in codes if code != shop)
        raise DataError(
            f"{where} mixes {', '.join(codes[:5])}. Say the shop's currency and a rate for each other one in the "
            f'mapping (currency = "{shop}", and below [rates] {other} = 1.23), or read each currency apart.'
        )
    is_code = len(codes[0]) == 3 and codes[0].isascii() and codes[0].isalpha()
    if known and is_code and codes[0] != mapping.currency:
        raise DataError(
            f"{where} holds {codes[0]}, but the shop's currency is {mapping.currency}. Say currency = "
            f'"{codes[0]}" in the mapping, or a rate for {codes[0]} below [rates].'
        )
    return codes[0] if is_code else mapping.currency


def currencies(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, seen: str) -> list[str]:
    """Return the currencies of the seen rows, in capitals, the most frequent first; blanks are none."""
    place = source.place_of(mapping.columns.get("currency"))
    if place is None:
        return []
    column = f"upper(trim(c{place}::VARCHAR))"
    rows = con.execute(
        f"""SELECT {column}, count(*) FROM {source.table} WHERE {seen} AND {column} <> ''
            GROUP BY 1 ORDER BY 2 DESC, 1"""
    ).fetchall()
    return [str(code) for code, _ in rows]
