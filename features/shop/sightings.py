"""Which own id was seen with which e-mail address or telephone, gathered from all tables of a shop.

Of 10 million customers nearly all have an address of their own: DuckDB keeps what was seen, on disk if it must, and
gives back what several ids share.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from contracts.days import to_date
from features.identity.evidence import ALWAYS, EVIDENCE
from features.identity.keys import email_key_sql
from features.prepared.partitions import Partitions, frame
from features.tables.values import day_of

KEYS = ("email_key", "phone_key")
MEMORY = "1GB"


@dataclass(frozen=True)
class Sightings:
    """What was seen so far: (own_id, key, first_day), in a DuckDB table."""

    con: duckdb.DuckDBPyConnection

    def add_orders(self, rows: Partitions, *, until: int, now: datetime | None) -> None:
        """Add the keys of the rows up to the end of day `until` that no row rule refuses."""
        keys = [key for key in KEYS if key in rows.optional]
        if not keys:
            return
        columns, known = ["customer_id", "ordered_at", "reason", *keys], _known(rows, until=until, now=now)
        for partition in range(rows.count):
            self._add(
                rows.rows(partition).select(columns),
                [f"customer_id, {key}, {day_of('min(ordered_at)')}" for key in keys],
                [f"{key} IS NOT NULL AND {known} GROUP BY customer_id, {key}" for key in keys],
            )

    def add_personal(self, personal: pa.Table) -> None:
        """Add personal data (contracts.tables.PERSONAL; telephone numbers in E.164)."""
        day = f"coalesce(known_day, {ALWAYS})"
        keys = {"email": email_key_sql("email"), "phone": "('phone:' || sha256(phone))"}
        self._add(
            personal,
            [f"customer_id, {key}, {day}" for key in keys.values()],
            [f"{name} IS NOT NULL AND {key} IS NOT NULL" for name, key in keys.items()],
        )

    def add(self, evidence: pa.Table) -> None:
        """Add EVIDENCE."""
        self._add(evidence, ["own_id, key, first_day"], ["true"])

    def shared(self) -> pa.Table:
        """Return the EVIDENCE of the keys that several ids have."""
        table = self.con.sql(
            """SELECT own_id, key, min(first_day) AS first_day FROM seen
               WHERE key IN (SELECT key FROM seen GROUP BY key HAVING min(own_id) <> max(own_id))
               GROUP BY own_id, key ORDER BY key, own_id"""
        ).to_arrow_table()
        return table.cast(EVIDENCE).combine_chunks()

    def _add(self, table: pa.Table, selected: list[str], conditions: list[str]) -> None:
        self.con.register("added", table)
        for what, condition in zip(selected, conditions, strict=True):
            self.con.execute(f"INSERT INTO seen SELECT {what} FROM added WHERE {condition}")
        self.con.unregister("added")


@contextmanager
def nothing_seen() -> Iterator[Sightings]:
    """Open an empty gathering of sightings."""
    with (
        tempfile.TemporaryDirectory(prefix="repurchase-") as folder,
        duckdb.connect(config={"temp_directory": folder}) as con,
    ):
        con.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
        con.execute("SET enable_progress_bar = false")
        con.execute("CREATE TEMP TABLE seen (own_id VARCHAR, key VARCHAR, first_day INTEGER)")
        yield Sightings(con)


def _known(rows: Partitions, *, until: int, now: datetime | None) -> str:
    """Return the SQL condition of typed rows that cleaning neither refuses by their date nor leaves for later."""
    asked = frame(rows, until=until, now=now)
    tests = ["reason = 0", f"ordered_at < TIMESTAMP '{to_date(until + 1).isoformat()}'"]
    if rows.mapping.rules.on("absurd_date"):
        tests.append(f"ordered_at >= TIMESTAMP '{to_date(asked.bulk[0]).isoformat()}'")
    if asked.now is not None and rows.mapping.rules.on("future_date"):
        tests.append(f"ordered_at <= TIMESTAMP '{asked.now.isoformat(sep=' ')}'")
    return " AND ".join(tests)
