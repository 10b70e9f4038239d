"""Rows delivered twice: a row counts as often as the one source that has it most often.

A source is a file or, where the mapping names a `source_column`, one value of it inside a file. Rows are
alike if everything that is mapped is alike. Exact duplicates inside one source stay: two equal lines may
well be two sales. A surplus row bears the same date as its twin, so nothing after a cutoff can change what
is merged before it.
"""

from __future__ import annotations

import duckdb

from features.cleaning.rules import PARTS


def find_surplus(con: duckdb.DuckDBPyConnection) -> int:
    """Make table `surplus` (source, source_row) of the rows to merge, and return how many there are."""
    con.execute("CREATE TEMP TABLE surplus (source INTEGER, source_row BIGINT)")
    if con.execute("SELECT count(DISTINCT delivery) FROM typed").fetchall()[0][0] < 2:
        return 0
    # Two 64-bit hashes with different beginnings: chance equality is out of reach at any number of rows.
    parts = ", ".join(("ordered_at", *PARTS))
    day = "epoch_ms(ordered_at) // 86400000"
    shared = f"SELECT {day} FROM typed GROUP BY 1 HAVING count(DISTINCT delivery) > 1"
    readable = " AND ".join(
        f"(no_{part} OR {part} IS NOT NULL)" for part in ("amount", "quantity", "unit_price")
    )
    con.execute(
        f"""INSERT INTO surplus
            WITH keyed AS MATERIALIZED (
              SELECT source, source_row, delivery, hash({parts}) AS a, hash('again', {parts}) AS b
              FROM typed WHERE {day} IN ({shared}) AND {readable}),
            counted AS (SELECT a, b, delivery, count(*) AS n FROM keyed GROUP BY ALL),
            chosen AS (
              SELECT a, b, arg_min(delivery, (-n, delivery)) AS stays FROM counted
              GROUP BY a, b HAVING count(*) > 1)
            SELECT source, source_row FROM keyed JOIN chosen USING (a, b) WHERE delivery <> stays"""
    )
    return int(con.execute("SELECT count(*) FROM surplus").fetchall()[0][0])
