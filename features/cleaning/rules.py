"""Raw tables in, typed rows out: every row with its values, and the first row rule that refuses it, if one does.

What looks at one row alone is decided here, once, when a source is read. What looks at other rows, or at the
time at which it is asked, is decided in `clean`.

A typed row has `source`, `source_row` (1 is the first row after the header), `delivery` (where a file holds several),
`reason` (0, or the place of the rule in RULES plus one), `readable` (its numbers could be read), `back` (it takes
something back), the ids, `ordered_at`, `amount`, `quantity` and those optional columns that the mapping names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from contracts.tables import OPTIONAL_LINE_COLUMNS, ORDER_LINES
from features.identity.keys import email_key_sql, guest_id_sql, normal_email_sql
from features.reading.dates import DateStyle, literal, local_time
from features.reading.mapping import Mapping
from features.reading.numbers import id_sql, is_id, number_sql
from features.reading.presets import fold
from features.reading.sources import Source
from features.rulebook import RULES

IDS = ("customer_id", "order_id", "product_id")
NUMBERS = ("amount", "quantity", "unit_price", "discount", "cost")
TEXTS = ("category", "coupon", "channel", "country")

MOST_MONEY = 1e15
CODES = {rule.name: i + 1 for i, rule in enumerate(RULES)}
_YES = """('true', 't', '1', '1.0', 'yes', 'y', 'returned', 'return', 'refunded', 'refund', 'cancelled',
           'canceled')"""
# Columns that a typed row has only where the mapping names them.
_SOMETIMES = ("line_id", "cancelled_at", "email_key", "phone_key")


@dataclass(frozen=True)
class Reading:
    """What one source needs to be typed: its mapping, how its dates are written, which ids a float export wrote.

    plain: the id columns that hold ids throughout, no blanks and no words for nothing. optional: the order-line
    columns beyond the required ones that the typed rows have, of all sources read together.
    """

    source: Source
    mapping: Mapping
    style: DateStyle
    floats: frozenset[str]
    plain: frozenset[str]
    optional: tuple[str, ...]

    def column(self, part: str) -> tuple[str, str] | None:
        """Return the raw column of a part and its DuckDB type, None where the mapping has none."""
        place = self.source.place_of(self.mapping.columns.get(part))
        return None if place is None else (f"c{place}", self.source.types[place])


def optional_columns(mappings: Sequence[Mapping]) -> tuple[str, ...]:
    """Return the optional columns that the typed rows of these mappings have, in the contract's order."""
    mapped = {part for mapping in mappings for part in mapping.columns}
    mapped |= {"email_key"} if "email" in mapped else set()
    mapped |= {"phone_key"} if "phone" in mapped else set()
    delivery = ("delivery",) if any(mapping.source_column for mapping in mappings) else ()
    return (*(name for name in (*OPTIONAL_LINE_COLUMNS, *_SOMETIMES) if name in mapped), *delivery)


def kind_of(name: str) -> pa.DataType:
    """Return the Arrow type of an optional column of a typed row."""
    if name == "cancelled_at":
        return pa.timestamp("us")
    return pa.string() if name in _SOMETIMES or name == "delivery" else ORDER_LINES.field(name).type


def typed_rows(reading: Reading) -> str:
    """Return the SQL that makes the typed rows of one source."""
    mapping = reading.mapping
    kept = ", ".join(_optional(name, reading) for name in reading.optional)
    return f"""
        WITH filled AS ({_filled(reading)}),
        typed AS (SELECT {", ".join(_typed(reading))} FROM filled),
        valued AS (SELECT *, {_money(mapping)} AS money, {_pieces(mapping)} AS pieces, {_undone(mapping)} AS undone
                   FROM typed),
        turned AS (SELECT *, coalesce(undone OR pieces < 0 OR money < 0, false) AS back FROM valued)
        SELECT {reading.source.number}::INTEGER AS source, source_row, ordered_at, customer_id, order_id,
               (CASE WHEN back THEN -abs(pieces) ELSE pieces END)::DOUBLE AS quantity,
               (CASE WHEN back THEN 0e0 - abs(money) ELSE money END + 0e0)::DOUBLE AS amount,
               back, {_reason(mapping)} AS reason, {_readable(mapping)} AS readable{", " if kept else ""}{kept}
        FROM turned"""


def _filled(reading: Reading) -> str:
    """Return the SQL of the raw rows, with what stands on the first row of an order on all its rows."""
    source, mapping = reading.source, reading.mapping
    order = source.place_of(mapping.columns.get("order_id"))
    places = [place for place in map(source.place_of, mapping.order_columns) if place is not None]
    phone = source.place_of(mapping.columns.get("phone"))
    if phone is not None:
        return f"""SELECT rows.*, phone_key FROM ({_filled_down(source, order, places)}) AS rows
                   LEFT JOIN {phones_table(source)} AS phones ON rows.c{phone}::VARCHAR = phones.raw"""
    return _filled_down(source, order, places)


def phones_table(source: Source) -> str:
    """Return the name of the table of a source's distinct telephone numbers (raw, phone_key)."""
    return f"phones_{source.number}"


def _filled_down(source: Source, order: int | None, places: list[int]) -> str:
    if order is None or not places:
        return f"SELECT * FROM {source.table}"
    filled = ", ".join(_fill(f"c{place}", source.types[place]) for place in places)
    alone = f"CASE WHEN {is_id(f'c{order}')} THEN 0 ELSE source_row END"  # rows without an order number
    return f"""SELECT * REPLACE ({filled}) FROM {source.table}
               WINDOW orders AS (PARTITION BY c{order}, {alone} ORDER BY source_row)"""


def _fill(column: str, kind: str) -> str:
    value = f"nullif({column}, '')" if kind == "VARCHAR" else column
    return f"coalesce({value}, first_value({value} IGNORE NULLS) OVER orders) AS {column}"


def _typed(reading: Reading) -> list[str]:
    """Return the typed columns that the mapping names, each under our name."""
    mapping, selected = reading.mapping, ["source_row"]
    time = reading.column("ordered_at")
    assert time is not None
    selected.append(
        f"{local_time(*time, mapping.timezone, mapping.date_format, reading.style)} AS ordered_at"
    )
    for part in ("order_id", "product_id", "line_id"):
        selected.append(f"{_id(part, reading)} AS {part}")
    selected += _customer(reading)
    for part in NUMBERS:
        found = reading.column(part)
        if found:
            selected.append(f"{number_sql(*found, mapping.decimal)} AS {part}")
            blank = f" OR trim({found[0]}) = ''" if found[1] == "VARCHAR" else ""
            selected.append(f"({found[0]} IS NULL{blank}) AS no_{part}")
    for part in TEXTS:
        found = reading.column(part)
        if found:
            selected.append(f"nullif({found[0]}::VARCHAR, '') AS {part}")
    for part in ("currency", "status"):
        found = reading.column(part)
        if found:
            selected.append(f"{found[0]}::VARCHAR AS {part}")
    cancelled_at = reading.column("cancelled_at")
    if cancelled_at:
        at = local_time(*cancelled_at, mapping.timezone, mapping.date_format, reading.style)
        selected.append(f"{at} AS cancelled_at")
    returned = reading.column("returned")
    if returned:
        selected.append(f"coalesce(lower(trim({returned[0]}::VARCHAR)) IN {_YES}, false) AS returned")
    if mapping.source_column is not None:
        place = reading.source.place_of(mapping.source_column)
        selected.append(f"concat('{reading.source.number}:', c{place}::VARCHAR) AS delivery")
    return selected


def _optional(name: str, reading: Reading) -> str:
    """Return the SQL of an optional column of the typed row: null where this source has none."""
    if name == "delivery":
        return "delivery" if reading.mapping.source_column else f"'{reading.source.number}' AS delivery"
    mapped = {"email_key": "email", "phone_key": "phone"}.get(name, name)
    if mapped in reading.mapping.columns:
        return f"abs({name}) AS {name}" if name == "discount" else name
    kind = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE"}.get(kind_of(name), "TIMESTAMP")
    return f"NULL::{kind} AS {name}"


def ordered_at(source: Source, mapping: Mapping, style: DateStyle) -> str:
    """Return the SQL of a row's time, the shop's local time, from one column or two."""

    def column(part: str) -> tuple[str, str] | None:
        place = source.place_of(mapping.columns.get(part))
        return None if place is None else (f"c{place}", source.types[place])

    time = column("ordered_at")
    assert time is not None
    return local_time(*time, mapping.timezone, mapping.date_format, style, time_of_day=column("ordered_time"))


def _customer(reading: Reading) -> list[str]:
    """Return the customer and what is kept of e-mail address and telephone: hashes only."""
    email, own, selected = reading.column("email"), _id("customer_id", reading), []
    if email:
        address = f"CASE WHEN contains({email[0]}::VARCHAR, '@') THEN {email[0]}::VARCHAR END"
        if reading.mapping.rules.on("guest_checkout"):
            own = f"coalesce({own}, {guest_id_sql(address)})"
        selected = [f"{normal_email_sql(address)} AS address", f"{email_key_sql(address)} AS email_key"]
    if "phone" in reading.mapping.columns:
        selected.append("phone_key")
    return [f"{own} AS customer_id", *selected]


def _money(mapping: Mapping) -> str:
    """Return the SQL of what was paid for the goods, in the shop's currency."""
    money = "amount" if "amount" in mapping.columns else f"unit_price * {_count(mapping)}"
    if not mapping.discount_included and "discount" in mapping.columns:
        money = f"({money}) - sign({money}) * abs(coalesce(discount, 0))"
    if not mapping.rates or "currency" not in mapping.columns:
        return money
    return f"({money}) * {_rate(mapping)}"


def _rate(mapping: Mapping) -> str:
    """Return the SQL of a row's rate: 1 in the shop's own currency or none, null where none is given."""
    code = _currency_code()
    whens = " ".join(f"WHEN {code} = {literal(name)} THEN {rate!r}" for name, rate in mapping.rates.items())
    return f"CASE WHEN {code} IS NULL OR {code} = {literal(mapping.currency)} THEN 1e0 {whens} END"


def _currency_code() -> str:
    return "nullif(upper(trim(currency)), '')"


def _pieces(mapping: Mapping) -> str:
    if "amount" in mapping.columns and "quantity" in mapping.columns:
        return "CASE WHEN no_quantity THEN 1 ELSE quantity END"
    return _count(mapping)


def _count(mapping: Mapping) -> str:
    return "quantity" if "quantity" in mapping.columns else "1e0"


def _undone(mapping: Mapping) -> str:
    prefix = mapping.cancelled_order_prefix
    tests = [f"starts_with(order_id, {literal(prefix)})"] if prefix else []
    tests += ["returned"] if "returned" in mapping.columns else []
    return " OR ".join(f"coalesce({test}, false)" for test in tests) or "false"


def _reason(mapping: Mapping) -> str:
    """Return the SQL of the first row rule that refuses the row, as its code; 0 for none."""
    price = "unit_price" in mapping.columns and "amount" not in mapping.columns
    has_quantity = "quantity" in mapping.columns
    tests = {
        "unreadable_date": "ordered_at IS NULL",
        "missing_customer": "customer_id IS NULL",
        "test_order": _test_order(mapping),
        "unpaid_order": _status(mapping, mapping.unpaid_statuses),
        "cancelled_order": _status(
            mapping, mapping.cancelled_statuses, dated="cancelled_at" in mapping.columns
        ),
        "other_currency": f"{_rate(mapping)} IS NULL"
        if mapping.rates and "currency" in mapping.columns
        else None,
        "missing_quantity": "no_quantity AND pieces IS NULL" if has_quantity else None,
        "unreadable_quantity": "pieces IS NULL" if has_quantity else None,
        "zero_quantity": "pieces = 0" if has_quantity else None,
        "unreadable_amount": f"money IS NULL OR NOT isfinite(money) OR abs(money) > {MOST_MONEY}",
        "negative_price": "unit_price < 0" if price else None,
        "not_a_product": _not_a_product(mapping.not_products),
    }
    whens = " ".join(
        f"WHEN {tests[rule.name]} THEN {CODES[rule.name]}"
        for rule in RULES
        if tests.get(rule.name) and (rule.fixed or mapping.rules.on(rule.name))
    )
    return f"(CASE {whens} ELSE 0 END)::TINYINT"


def _test_order(mapping: Mapping) -> str | None:
    columns = [name for name in ("customer_id", "email") if name in mapping.columns]
    if not mapping.test_customers or not columns:
        return None
    joined = literal("|".join(f"(?:{pattern})" for pattern in mapping.test_customers))
    names = {"customer_id": "customer_id", "email": "address"}
    # Looking for the sign first is twenty times as quick.
    at = all("@" in pattern for pattern in mapping.test_customers)
    tests = [
        (f"contains({names[one]}, '@') AND " if at else "")
        + f"regexp_full_match({names[one]}, {joined}, 'i')"
        for one in columns
    ]
    return " OR ".join(f"coalesce({test}, false)" for test in tests)


def _status(mapping: Mapping, words: Sequence[str], *, dated: bool = False) -> str | None:
    """Return the SQL that says whether an order's status is one of these words; a dated cancellation is none."""
    if "status" not in mapping.columns or not words:
        return None
    folded = "regexp_replace(lower(status), '[^\\p{L}\\p{N}]', '', 'g')"
    found = f"coalesce({folded} IN ({', '.join(literal(fold(word)) for word in words)}), false)"
    return f"{found} AND cancelled_at IS NULL" if dated else found


def _readable(mapping: Mapping) -> str:
    parts = [part for part in ("amount", "quantity", "unit_price") if part in mapping.columns]
    return " AND ".join(f"(no_{part} OR {part} IS NOT NULL)" for part in parts)


def _not_a_product(patterns: Sequence[str]) -> str | None:
    if not patterns:
        return None
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return f"coalesce(regexp_full_match(product_id, {literal(joined)}, 'i'), false)"


def _id(part: str, reading: Reading) -> str:
    """Return the SQL of an id; a column that holds nothing but ids is taken as it is."""
    found = reading.column(part)
    if found is None:
        return "NULL::VARCHAR"
    if part in reading.plain - reading.floats:
        return found[0]
    return id_sql(*found, was_float=part in reading.floats)
