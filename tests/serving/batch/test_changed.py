from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.batch.changed import SCHEMA, Moves, write_changed

Row = dict[str, Any]


def old(folder: Path, *rows: tuple[str, str, float, float]) -> Path:
    names = ("customer_id", "tier", "percentile", "expected_value_90d")
    pq.write_table(
        pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), folder / "old.parquet"
    )
    return folder / "old.parquet"


def now(folder: Path, *rows: tuple[str, str, float, float]) -> Path:
    names = ("customer_id", "tier", "percentile", "expected_value")
    pq.write_table(
        pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), folder / "now.parquet"
    )
    return folder / "now.parquet"


BEFORE = (
    ("same", "focus", 95.0, 100.0),
    ("tier", "focus", 85.0, 50.0),
    ("band", "reduce", 41.0, 5.0),
    ("little", "reduce", 35.0, 10.0),
    ("much", "reduce", 25.0, 10.0),
    ("gone'; --", "reduce", 15.0, 1.0),
)
AFTER = (
    ("same", "focus", 100.0, 100.0),
    ("tier", "cultivate", 85.0, 50.0),
    ("band", "reduce", 40.0, 5.0),
    ("little", "reduce", 35.0, 11.0),
    ("much", "reduce", 25.0, 11.05),
    ("new", "reduce", 15.0, 1.0),
)


def changed(folder: Path, value: str = "expected_value_90d") -> tuple[Moves, list[Row]]:
    path = folder / "changed.parquet"
    moves = write_changed(path, old=old(folder, *BEFORE), now=now(folder, *AFTER), value=value)
    assert pq.read_schema(path).equals(SCHEMA)
    return moves, pq.read_table(path).to_pylist()


def test_new_gone_and_moved_customers_stand_there_and_nobody_else(tmp_path: Path) -> None:
    _, rows = changed(tmp_path)
    found = [(row["customer_id"], row["change"]) for row in rows]
    assert found == [
        ("tier", "moved"),
        ("band", "moved"),
        ("much", "moved"),
        ("new", "new"),
        ("gone'; --", "gone"),
    ]


def test_old_and_new_values_stand_side_by_side(tmp_path: Path) -> None:
    _, rows = changed(tmp_path)
    row = next(row for row in rows if row["customer_id"] == "much")
    assert (row["old_value"], row["value"], row["old_tier"], row["tier"]) == (10.0, 11.05, "reduce", "reduce")
    gone = next(row for row in rows if row["change"] == "gone")
    assert (gone["old_percentile"], gone["percentile"], gone["value"]) == (15.0, None, None)


def test_a_value_has_moved_by_a_share_of_the_earlier_one_up_and_down(tmp_path: Path) -> None:
    before, after = ((("a", "reduce", 5.0, 10.0), ("b", "reduce", 4.0, value)) for value in (10.0, 8.95))
    for share, moved in ((0.1, ["b"]), (0.11, [])):
        write_changed(
            tmp_path / "c", old=old(tmp_path, *before), now=now(tmp_path, *after), value="expected_value_90d",
            share=share,
        )  # fmt: skip
        assert pq.read_table(tmp_path / "c")["customer_id"].to_pylist() == moved


def test_the_counts_and_the_tiers_from_and_to_add_up(tmp_path: Path) -> None:
    moves, _ = changed(tmp_path)
    assert (moves.new, moves.gone, moves.moved) == (1, 1, 3)
    assert moves.tiers == (("focus", "cultivate", 1), ("focus", "focus", 1), ("reduce", "reduce", 3))


def test_values_of_another_horizon_are_not_compared(tmp_path: Path) -> None:
    moves, rows = changed(tmp_path, value="expected_value_30d")
    assert moves.moved == 2 and all(row["old_value"] is None for row in rows)
