"""Which files a shop has besides its orders, and their reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.errors import DeclarationError, nearest
from contracts.tables import CUSTOMERS
from features.identity.link_files import SHAPE as LINKS
from features.identity.link_files import read_apart, read_links
from features.identity.links import Links
from features.kernel.other_tables import ATTRIBUTES
from features.tables import contacts, customers, events, products
from features.tables.account import TableReading, TableReport
from features.tables.contact_events import events_of
from features.tables.mapping import Shape, TableMapping, load_table_mapping

_SHAPES: dict[str, Shape] = {
    "events": events.SHAPE,
    "customers": customers.SHAPE,
    "products": products.SHAPE,
    "contacts": contacts.SHAPE,
    "links": LINKS,
}


@dataclass(frozen=True, kw_only=True)
class OtherFiles:
    """Files, folders or globs of each other table; each may be empty.

    apart: pairs of ids that are two people whatever links them. maps: by table, the TOML file that says which column
    is which. merges: whether ids of one person are merged at all.
    """

    events: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    apart: Path | None = None
    maps: Mapping[str, Path] = field(default_factory=dict)
    merges: bool = True

    def __post_init__(self) -> None:
        """Refuse a mapping for a table that is not there; raise DeclarationError."""
        for table in self.maps:
            if table not in _SHAPES:
                raise DeclarationError(f"there is no table '{table}'{nearest(table, _SHAPES) or '.'}")
            if not getattr(self, table):
                raise DeclarationError(f"there is a mapping for {table}, but no file of {table}. Give one.")

    @property
    def names(self) -> tuple[str, ...]:
        """All files, folders and globs that are named."""
        apart = () if self.apart is None else (str(self.apart),)
        maps = tuple(str(path) for path in self.maps.values())
        return (*(name for table in _SHAPES for name in getattr(self, table)), *apart, *maps)


@dataclass(frozen=True)
class OtherTables:
    """The other tables of a shop as known at the end of a day.

    customers: all descriptions in time. products: with the day since which each is known. evidence: which customer
    was seen with which key, in all of them; personal: e-mail addresses and telephone numbers of the customers table.
    contacts: contracts.tables.CONTACTS. refused: the quarantine of each table.
    """

    events: pa.Table | None = None
    customers: pa.Table | None = None
    products: TableReading | None = None
    links: Links | None = None
    apart: tuple[tuple[str, str], ...] = ()
    evidence: tuple[pa.Table, ...] = ()
    personal: pa.Table | None = None
    contacts: pa.Table | None = None
    reports: tuple[TableReport, ...] = ()
    refused: Mapping[str, pa.Table] = field(default_factory=dict)


def read_tables(files: OtherFiles, *, until: int, timezone: str) -> OtherTables:
    """Read the other tables up to the end of day `until`; raise DataError or DeclarationError."""
    asked: dict[str, Any] = {"until": until, "timezone": timezone}
    found: dict[str, Any] = {}
    readings: dict[str, Any] = {}
    for table, read in (
        ("events", events.read_events),
        ("contacts", contacts.read_contacts),
        ("customers", customers.read_customers),
        ("products", products.read_products),
        ("links", read_links),
    ):
        named = getattr(files, table)
        if named and (table != "links" or files.merges):
            readings[table] = read(list(named), mapping=_mapping(files, table), **asked)
    if "events" in readings:
        found["events"] = readings["events"].rows
    elif "contacts" in readings:
        found["events"] = events_of(readings["contacts"].rows)
    if "customers" in readings:
        found["customers"] = _without_empty(readings["customers"].versions)
        found["personal"] = readings["customers"].personal
    found["products"] = readings.get("products")
    found["contacts"] = readings["contacts"].rows if "contacts" in readings else None
    found["links"] = readings["links"].links if "links" in readings else None
    found["apart"] = read_apart(files.apart) if files.apart is not None and files.merges else ()
    return OtherTables(
        **found,
        evidence=tuple(_evidence(readings)),
        reports=tuple(one.report for one in readings.values()),
        refused={table: one.quarantine for table, one in readings.items()},
    )


def _mapping(files: OtherFiles, table: str) -> TableMapping | None:
    path = files.maps.get(table)
    return None if path is None else load_table_mapping(path, _SHAPES[table])


def _evidence(readings: Mapping[str, Any]) -> Iterator[pa.Table]:
    for table in ("events", "contacts"):
        if table in readings:
            yield readings[table].evidence


def _without_empty(versions: pa.Table) -> pa.Table:
    """Leave out the attributes that nobody has, so that the features that need them are off."""
    return versions.select(
        [
            name
            for name in CUSTOMERS.names
            if name not in ATTRIBUTES or versions[name].null_count < len(versions)
        ]
    )
