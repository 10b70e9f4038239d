"""Who is new, gone or moved since the previous ranking: all that a tool needs that bills by data point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ArtifactError
from serving.disk import sync

CHANGED_SHARE = 0.1
SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("change", pa.string(), nullable=False),  # new, gone or moved
        pa.field("old_tier", pa.string()),
        pa.field("tier", pa.string()),
        pa.field("old_percentile", pa.float64()),
        pa.field("percentile", pa.float64()),
        pa.field("old_value", pa.float64()),  # expected value of the main horizon, currency
        pa.field("value", pa.float64()),
    ]
)
_MEMORY = "1GB"
_ROWS = 100_000
_JOINED = """
CREATE TEMP TABLE joined AS
SELECT coalesce(b.customer_id, a.customer_id) AS customer_id,
       CASE WHEN a.customer_id IS NULL THEN 'new' WHEN b.customer_id IS NULL THEN 'gone' ELSE 'moved' END AS change,
       a.tier AS old_tier, b.tier AS tier,
       a.percentile AS old_percentile, b.percentile AS percentile,
       a.value AS old_value, b.expected_value AS value
FROM (SELECT customer_id, tier, percentile, {value} AS value FROM read_parquet($old)) a
FULL JOIN (SELECT customer_id, tier, percentile, expected_value FROM read_parquet($now)) b
ON a.customer_id = b.customer_id
"""
# Bands are tenths: (90, 100], (80, 90], …
_MOVED = """
SELECT * FROM joined
WHERE change <> 'moved' OR tier IS DISTINCT FROM old_tier
   OR ceil(percentile / 10) <> ceil(old_percentile / 10)
   OR abs(value - old_value) > $share * abs(old_value)
ORDER BY percentile DESC NULLS LAST, customer_id
"""
_TIERS = (
    "SELECT old_tier, tier, count(*) FROM joined WHERE change = 'moved' GROUP BY ALL ORDER BY old_tier, tier"
)


@dataclass(frozen=True)
class Moves:
    """Counts of a comparison. tiers: customers of both rankings by (old tier, new tier)."""

    new: int
    gone: int
    moved: int
    tiers: tuple[tuple[str, str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        tiers = [{"from": old, "to": new, "customers": count} for old, new, count in self.tiers]
        return {"new": self.new, "gone": self.gone, "moved": self.moved, "tiers": tiers}


def write_changed(path: Path, *, old: Path, now: Path, value: str, share: float = CHANGED_SHARE) -> Moves:
    """Write who changed (SCHEMA), best first, and return the counts.

    old: scores.parquet of the previous ranking; now: Parquet of serving.batch.history.COLUMNS; value: the column of
    `old` with the main horizon's value (if it has none, values are not compared). share: of the earlier value, by more
    than which a value must have changed.
    """
    has_value = value in pq.read_schema(old).names
    column = '"' + value.replace('"', '""') + '"' if has_value else "NULL::DOUBLE"
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": str(path.parent)}) as con:
            con.execute(_JOINED.format(value=column), {"old": str(old), "now": str(now)})
            reader = con.sql(_MOVED, params={"share": share}).to_arrow_reader(_ROWS)
            counts = _write(path, reader)
            tiers = con.execute(_TIERS).fetchall()
    except duckdb.Error as error:
        raise ArtifactError(f"{old}: it cannot be compared with the new ranking ({error}).") from error
    return Moves(counts["new"], counts["gone"], counts["moved"], tuple(tiers))


def _write(path: Path, reader: pa.RecordBatchReader) -> dict[str, int]:
    counts = {"new": 0, "gone": 0, "moved": 0}
    aside = path.with_name(f".{path.name}.writing")
    with pq.ParquetWriter(aside, SCHEMA, compression="zstd") as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(SCHEMA))
            for pair in batch["change"].value_counts().to_pylist():
                counts[pair["values"]] += pair["counts"]
    sync(aside)
    aside.replace(path)
    return counts
