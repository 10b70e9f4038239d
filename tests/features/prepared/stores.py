"""Prepared orders for tests: made of literal files, read back as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.orders import plain
from features.prepared.partitions import Partitions
from features.prepared.process import Tally, process
from features.prepared.store import Prepared
from tests.features.cleaning.shop import write

OLD = ("a,1,2024-01-01,5", "b,2,2024-01-02,6")
NEW = ("a,3,2024-01-03,7", "c,4,2024-01-03,8")


def prepared(folder: Path, *, partitions: int = 2) -> Prepared:
    """Prepare the old orders in `folder`/prepared."""
    return Prepared.create(write(folder, *OLD, name="old.csv"), folder / "prepared", partitions=partitions)


def lines_of(rows: Partitions, tally: Tally | None = None, *, until: int | None = None) -> pa.Table:
    """Return the order lines of all partitions, sorted by customer."""
    parts = process(rows, lambda _, lines: lines, tally or Tally(), until=until, now=None)
    lines = plain(pa.concat_tables([plain(part) for _, part in parts]))
    return lines.take(pc.sort_indices(lines, [("customer_id", "ascending")])).combine_chunks()


def account_of(rows: Partitions) -> dict[str, Any]:
    """Return the account of the rows, without names of files."""
    tally = Tally()
    lines_of(rows, tally)
    return {name: value for name, value in vars(tally.report(rows)).items() if name != "files"}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
