"""Raw tables in, judged lines out: every row typed, dated and given the reason why it is refused, if it is.

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | its date is missing or cannot be read |
| future_date | it is later than the current time |
| absurd_date | ten years without any row lie between it and the bulk, or it is before 1970-01-02 |
| missing_customer | it has no customer: blank, or a word such as nan or null |
| missing_quantity | it has no quantity, and no amount either |
| unreadable_quantity | its quantity is not a finite number |
| zero_quantity | its quantity is 0 |
| unreadable_amount | its amount or price is missing, not a finite number, or beyond 1e15 |
| negative_price | its unit price is below zero, as in bad-debt adjustments |
| not_a_product | its product_id is postage, a fee, a manual entry, a voucher, … by `not_products` |
| no_valid_order | its customer has returns only, no sale |

The first reason that fits, in this order, is given. Rows after `until` are dropped before anything else
looks at them. Only `absurd_date` and `no_valid_order` look at other rows, and never at later ones than
`until`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

import duckdb

from contracts.days import to_date
from features.reading.dates import DateStyle, literal, local_time
from features.reading.mapping import Mapping
from features.reading.sources import Source

REASONS = (
    "malformed_row", "unreadable_date", "future_date", "absurd_date", "missing_customer", "missing_quantity",
    "unreadable_quantity", "zero_quantity", "unreadable_amount", "negative_price", "not_a_product",
    "no_valid_order",
)  # fmt: skip
IDS = ("customer_id", "order_id", "product_id")
NUMBERS = ("amount", "quantity", "unit_price", "discount", "cost")
TEXTS = ("category", "coupon", "channel", "country")
PARTS = (*IDS, *NUMBERS, *TEXTS, "returned")

MOST_MONEY = 1e15
ABSURD_GAP_DAYS = 3653
_NO_ID = "('', 'nan', 'null', 'none', 'nil', 'n/a', '#n/a', '<na>', 'nat')"
_YES = """('true', 't', '1', '1.0', 'yes', 'y', 'returned', 'return', 'refunded', 'refund', 'cancelled',
           'canceled')"""


def is_id(column: str) -> str:
    """Return the SQL that says whether a column holds an id, not a blank or a word for nothing."""
    return f"coalesce(lower(trim({column}::VARCHAR)) NOT IN {_NO_ID}, false)"


def typed_select(
    source: Source, mapping: Mapping, style: DateStyle, delivery: str, floats: frozenset[str]
) -> str:
    """Return the SQL that types one raw table.

    delivery: the expression that names a row's delivery. floats: id columns that a float export wrote.
    """
    place = {name: i for i, name in enumerate(source.columns)}

    def column(part: str) -> tuple[str, str] | None:
        name = mapping.columns.get(part)
        return None if name is None else (f"c{place[name]}", source.types[place[name]])

    selected = [f"{source.number} AS source", "source_row", f"{delivery} AS delivery"]
    time = column("ordered_at")
    assert time is not None
    selected.append(f"{local_time(*time, mapping.timezone, mapping.date_format, style)} AS ordered_at")
    for part in PARTS:
        found = column(part)
        selected.append(f"{_typed(part, found, mapping.decimal, part in floats)} AS {part}")
        if part in ("amount", "quantity", "unit_price"):
            blank = "true" if found is None else f"({found[0]} IS NULL OR trim({found[0]}::VARCHAR) = '')"
            selected.append(f"{blank} AS no_{part}")
    return f"SELECT {', '.join(selected)} FROM {source.table}"


def _typed(part: str, found: tuple[str, str] | None, decimal: str, is_float: bool) -> str:
    if found is None:
        kind = "DOUBLE" if part in NUMBERS else "BOOLEAN" if part == "returned" else "VARCHAR"
        return f"NULL::{kind}"
    column, kind = found
    if part in IDS:
        return _id(column, kind, is_float)
    if part in NUMBERS:
        return _number(column, kind, decimal)
    if part == "returned":
        return f"coalesce(lower(trim({column}::VARCHAR)) IN {_YES}, false)"
    return f"nullif({column}::VARCHAR, '')"


def _id(column: str, kind: str, is_float: bool) -> str:
    """Return an id as text exactly as written; the '.0' of a float export goes."""
    text = f"{column}::VARCHAR"
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{column} = floor({column}) AND abs({column}) < 1e18"
        text = f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
    elif kind.startswith("DECIMAL"):
        text = f"regexp_replace({column}::VARCHAR, '\\.0+$', '')"
    elif is_float:
        text = f"regexp_replace({column}, '\\.0$', '')"
    elif kind == "BLOB":
        text = f"decode({column})"
    return f"CASE WHEN {is_id(column)} THEN {text} END"


def _number(column: str, kind: str, decimal: str) -> str:
    if kind != "VARCHAR":
        value = f"try_cast({column} AS DOUBLE)"
    elif decimal == ",":
        value = f"try_cast(replace(regexp_replace({column}, '[\\s.£$€¥'']', '', 'g'), ',', '.') AS DOUBLE)"
    else:
        spaced = f"regexp_replace({column}, '[\\s£$€¥'']', '', 'g')"
        grouped = f"CASE WHEN regexp_full_match({spaced}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+(\\.[0-9]*)?') "
        grouped += f"THEN replace({spaced}, ',', '') ELSE {spaced} END"
        value = f"coalesce(try_cast({column} AS DOUBLE), try_cast({grouped} AS DOUBLE))"
    return f"nullif(nullif(nullif({value}, 'nan'::DOUBLE), 'inf'::DOUBLE), '-inf'::DOUBLE)"


def bulk_of_days(con: duckdb.DuckDBPyConnection, now: datetime | None) -> tuple[int, int]:
    """Return the first and last day of the bulk: around the median, not cut off by a gap of ten years."""
    days = con.execute(
        f"""SELECT epoch_ms(ordered_at) // 86400000 AS day, count(*) FROM typed
            WHERE ordered_at >= TIMESTAMP '1970-01-02' AND {_up_to(now)} GROUP BY 1 ORDER BY 1"""
    ).fetchall()
    if not days:
        return 1, 1
    running = list(accumulate(count for _, count in days))
    first = last = bisect_left(running, running[-1] / 2)
    while first > 0 and days[first][0] - days[first - 1][0] <= ABSURD_GAP_DAYS:
        first -= 1
    while last + 1 < len(days) and days[last + 1][0] - days[last][0] <= ABSURD_GAP_DAYS:
        last += 1
    return int(days[first][0]), int(days[last][0])


def judge(con: duckdb.DuckDBPyConnection, mapping: Mapping, now: datetime | None) -> None:
    """Make table `judged`: the typed rows with amount, quantity, `back` (takes something back) and `reason`.

    A row takes back if its order is cancelled by prefix, if it says so, or if its quantity or amount is
    negative.
    """
    has_amount = "amount" in mapping.columns
    prefix = mapping.cancelled_order_prefix
    cancelled = f"coalesce(starts_with(order_id, {literal(prefix)}), false)" if prefix else "false"
    quantity = "quantity" if "quantity" in mapping.columns else "1e0"
    money = "amount" if has_amount else f"unit_price * {quantity}"
    if has_amount and "quantity" in mapping.columns:
        quantity = "CASE WHEN no_quantity THEN 1 ELSE quantity END"
    con.execute(
        f"""CREATE TEMP TABLE judged AS
            WITH valued AS (
              SELECT * EXCLUDE (amount, quantity), {money} AS money, {quantity} AS pieces,
                     {cancelled} AS undone
              FROM typed)
            SELECT * EXCLUDE (money, pieces, undone, returned, discount), abs(discount) AS discount,
              undone OR coalesce(returned, false) OR pieces < 0 OR money < 0 AS back,
              CASE WHEN back THEN -abs(pieces) ELSE pieces END AS quantity,
              CASE WHEN back THEN 0e0 - abs(money) ELSE money END + 0e0 AS amount,
              {_reason(con, mapping, now)} AS reason
            FROM valued"""
    )


def _reason(con: duckdb.DuckDBPyConnection, mapping: Mapping, now: datetime | None) -> str:
    first, last = bulk_of_days(con, now)
    before, after = to_date(first).isoformat(), to_date(last + 1).isoformat()
    price = "unit_price" in mapping.columns and "amount" not in mapping.columns
    tests: list[tuple[str, str]] = [
        ("unreadable_date", "ordered_at IS NULL"),
        ("future_date", f"NOT {_up_to(now)}" if now else "false"),
        ("absurd_date", f"ordered_at < TIMESTAMP '{before}' OR ordered_at >= TIMESTAMP '{after}'"),
        ("missing_customer", "customer_id IS NULL"),
        ("missing_quantity", "no_quantity AND pieces IS NULL"),
        ("unreadable_quantity", "pieces IS NULL"),
        ("zero_quantity", "pieces = 0"),
        ("unreadable_amount", f"money IS NULL OR NOT isfinite(money) OR abs(money) > {MOST_MONEY}"),
        ("negative_price", "unit_price < 0" if price else "false"),
        ("not_a_product", _not_a_product(mapping.not_products)),
    ]
    whens = " ".join(f"WHEN {test} THEN '{reason}'" for reason, test in tests if test != "false")
    return f"CASE {whens} END"


def _up_to(now: datetime | None) -> str:
    return f"(ordered_at <= TIMESTAMP '{now.isoformat(sep=' ')}')" if now else "true"


def _not_a_product(patterns: Sequence[str]) -> str:
    if not patterns:
        return "false"
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return f"coalesce(regexp_full_match(product_id, {literal(joined)}, 'i'), false)"
