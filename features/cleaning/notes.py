"""What the counts alone do not say about a reading: a sentence each, where there is something to say."""

from __future__ import annotations

import duckdb

from features.reading.mapping import Mapping
from features.reading.sources import Source

_ENCODINGS = {"latin-1": "Latin-1", "windows-1252": "Windows-1252"}


def build_notes(
    con: duckdb.DuckDBPyConnection, *, sources: list[Source], mapping: Mapping, merged: int
) -> tuple[str, ...]:
    """Return the notes on the tables `final`, `judged` and `surplus`."""
    notes = [
        *_overlap(con, merged),
        *_cancellations(con, "product_id" in mapping.columns),
        *_fee_orders(con),
        *_free(con),
        *_duplicates(con, mapping),
        *_made_orders(con, mapping),
        *(
            f"{source.path} is not UTF-8 and was read as {_ENCODINGS[source.encoding]}."
            for source in sources
            if source.encoding in _ENCODINGS
        ),
    ]
    return tuple(notes)


def _overlap(con: duckdb.DuckDBPyConnection, merged: int) -> list[str]:
    if not merged:
        return []
    (nameless, nameless_merged) = con.execute(
        """SELECT count(*), count(*) FILTER (reason = 'delivered_twice') FROM judged
           WHERE customer_id IS NULL AND ordered_at IS NOT NULL"""
    ).fetchall()[0]
    note = f"{merged:,} rows were delivered twice by overlapping sources and count once."
    if nameless:
        note += (
            f" {nameless:,} rows have no customer, {nameless_merged:,} of them among those delivered twice."
        )
    return [note]


def _cancellations(con: duckdb.DuckDBPyConnection, by_product: bool) -> list[str]:
    (cancelled, next_days, whole) = con.execute(
        """SELECT count(cancelled_day), count(*) FILTER (cancelled_day > day),
                  (SELECT count(*) FROM (SELECT 1 FROM final WHERE NOT returned GROUP BY customer_id, order_id
                                         HAVING count(*) = count(cancelled_day)))
           FROM final"""
    ).fetchall()[0]
    product = "product_id" if by_product else "1"
    (partial, alone) = con.execute(
        f"""WITH sold AS (SELECT customer_id, {product} AS product, min(ordered_at) AS since FROM final
                          WHERE NOT returned GROUP BY ALL),
                 back AS (SELECT customer_id, {product} AS product, ordered_at FROM final
                          WHERE returned AND NOT reverses)
            SELECT count(*) FILTER (since <= ordered_at),
                   count(*) FILTER (since IS NULL OR since > ordered_at)
            FROM back LEFT JOIN sold ON back.customer_id = sold.customer_id
                                    AND back.product IS NOT DISTINCT FROM sold.product"""
    ).fetchall()[0]
    notes = []
    if cancelled:
        notes.append(
            f"{cancelled:,} sale lines are cancelled, {next_days:,} of them on a later day; they count "
            f"until then. {whole:,} orders are cancelled as a whole."
        )
    if partial or alone:
        notes.append(
            f"{partial:,} returned lines match no whole sale line (partial returns) and {alone:,} come "
            "without an earlier sale; they take back money only."
        )
    return notes


def _fee_orders(con: duckdb.DuckDBPyConnection) -> list[str]:
    (orders,) = con.execute(
        """SELECT count(*) FROM (
             SELECT customer_id, order_id FROM judged
             WHERE NOT back AND (reason IS NULL OR reason = 'not_a_product') GROUP BY ALL
             HAVING count(*) FILTER (reason IS NULL) = 0)"""
    ).fetchall()[0]
    return (
        [f"{orders:,} orders hold no product, only postage, fees and the like: no orders."] if orders else []
    )


def _free(con: duckdb.DuckDBPyConnection) -> list[str]:
    (lines, orders, customers) = con.execute(
        """WITH sale AS (SELECT customer_id, order_id, amount FROM final WHERE NOT returned),
                total AS (SELECT customer_id, order_id, sum(amount) AS amount FROM sale GROUP BY ALL)
           SELECT (SELECT count(*) FROM sale WHERE amount = 0), (SELECT count(*) FROM total WHERE amount = 0),
                  (SELECT count(*) FROM (SELECT 1 FROM total GROUP BY customer_id HAVING max(amount) = 0))"""
    ).fetchall()[0]
    if not lines:
        return []
    return [
        f"{lines:,} sale lines are free and kept; {orders:,} orders are free as a whole, and {customers:,} "
        "customers have free orders only."
    ]


def _duplicates(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    made = {"line", "reverses", "cancelled_day"} | (
        {"order_id"} if "order_id" not in mapping.columns else set()
    )
    content = ", ".join(name for name in con.table("final").columns if name not in made)
    (count,) = con.execute(f"SELECT count(*) - count(DISTINCT hash({content})) FROM final").fetchall()[0]
    return [f"{count:,} kept lines equal another line of the same source; both are kept."] if count else []


def _made_orders(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> list[str]:
    if "order_id" not in mapping.columns:
        return ["The source has no order number: each gets one made of customer, time and rank."]
    (count,) = con.execute(
        "SELECT count(*) FROM judged WHERE reason IS NULL AND order_id IS NULL"
    ).fetchall()[0]
    return (
        [f"{count:,} kept lines have no order number and got one made of customer and time."] if count else []
    )
