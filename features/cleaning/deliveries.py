"""Rows delivered twice: a row counts as often as the one source that has it most often.

A source is a file or, where the mapping names a `source_column`, one value of it inside a file. Rows with an order
number are alike if customer, order, time, product, line, pieces and money are; of rows without one everything else
that is mapped must be alike, too. What a source may tell later or not at all (a status, the time of a cancellation,
a category) comes from the source that knows most: cancelled wins over paid, paid over not yet paid. A surplus row
bears the same date as its twin, so nothing after a cutoff can change what is merged before it.
"""

from __future__ import annotations

import pyarrow as pa

from features.cleaning.rules import CODES
from features.cleaning.sorting import Ints
from features.cleaning.sql import cursor

_ALIKE = (
    "customer_id", "ordered_at", "order_id", "line_id", "product_id", "back", "quantity", "amount", "unit_price",
)  # fmt: skip
_OURS = ("source", "source_row", "reason", "readable", "delivery", "place", "cancelled_at")
# How much a row knows of its order's fate: not yet paid, paid, taken back.
_STATE = f"CASE reason WHEN {CODES['cancelled_order']} THEN 2 WHEN {CODES['unpaid_order']} THEN 0 ELSE 1 END"


def find_surplus(rows: pa.Table) -> Ints:
    """Return the places of the typed rows that another delivery has as well."""
    source = "source::VARCHAR"
    delivery = f"coalesce(delivery, {source})" if "delivery" in rows.column_names else source
    alike = [name for name in rows.column_names if name in _ALIKE]
    more = [name for name in rows.column_names if name not in (*alike, *_OURS)]
    # Two 64-bit hashes with different beginnings: chance equality is out of reach at any number of rows.
    content = ", ".join([*alike, f"CASE WHEN order_id IS NULL THEN hash({', '.join(['0', *more])}) END"])
    cancelled_at = "cancelled_at" if "cancelled_at" in rows.column_names else "NULL::TIMESTAMP"
    known = " + ".join(["0", *(f"({name} IS NOT NULL)::INT" for name in more)])
    day = "epoch_us(ordered_at) // 86400000000"
    shared = f"SELECT {day} FROM typed GROUP BY 1 HAVING count(DISTINCT {delivery}) > 1"
    with cursor() as con:
        con.register("typed", rows)
        found = con.execute(
            f"""WITH numbered AS (SELECT *, row_number() OVER () - 1 AS place FROM typed),
                keyed AS MATERIALIZED (
                  SELECT place, {delivery} AS delivery, hash({content}) AS a, hash('again', {content}) AS b,
                         {cancelled_at} AS cancelled, {_STATE} AS state, reason, {known} AS known,
                         hash({", ".join(["0", *more])})::HUGEINT AS told
                  FROM numbered WHERE {day} IN ({shared}) AND readable),
                counted AS (
                  SELECT a, b, delivery,
                         (-count(*), -count(cancelled), min(cancelled), -max(state), -sum(known), sum(told),
                          max(reason), delivery) AS preference
                  FROM keyed GROUP BY a, b, delivery),
                chosen AS (
                  SELECT a, b, arg_min(delivery, preference) AS stays FROM counted GROUP BY a, b HAVING count(*) > 1)
                SELECT place FROM keyed JOIN chosen USING (a, b) WHERE delivery <> stays"""
        ).fetchnumpy()
    return found["place"]
