"""A drawn world as a folder of Parquet files that every command reads without a mapping.

orders, contacts, customers, events, products    what a shop would export
truth                                            what no shop knows: each customer's chance, basket and lifts
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.known_campaigns import tables
from experiments.known_campaigns.events import events
from experiments.known_campaigns.world import CampaignWorld, draw


@dataclass(frozen=True)
class Written:
    """What was written: the rows of each table, and the returns among the order lines."""

    lines: int
    returns: int
    customers: int
    campaigns: int
    contacts: int
    events: int


def write(world: CampaignWorld, out: Path) -> Written:
    """Draw a world and write its tables into the folder `out`; each appears whole."""
    drawn = draw(world)
    chance = np.random.default_rng(np.random.SeedSequence([world.seed, 23]))
    lines, returns = tables.exported_lines(drawn, chance)
    sent = tables.contacts(drawn, chance)
    found = {
        "orders": lines,
        "contacts": sent.drop_columns(["day"]),
        "customers": tables.customers(drawn, chance),
        "events": events(drawn, sent, chance),
        "products": tables.products(drawn),
        "truth": tables.truth_table(drawn),
    }
    _write_all(found, out)
    return Written(
        lines.num_rows, returns, len(drawn.organic), len(drawn.sent), sent.num_rows, found["events"].num_rows
    )


def _write_all(found: dict[str, pa.Table], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    asides = {name: out / f".{name}.parquet.part" for name in found}
    try:
        for name, table in found.items():
            keep = name == "truth"  # its metadata; elsewhere text is read back as plain text
            pq.write_table(table, asides[name], compression="zstd", store_schema=keep)
        for name, aside in asides.items():
            aside.replace(out / f"{name}.parquet")
    finally:
        for aside in asides.values():
            aside.unlink(missing_ok=True)
