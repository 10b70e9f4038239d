"""Whom an export may address, and whom it may not hold: the personal table and the suppression list, read from files.

A personal table (Parquet of contracts.tables.PERSONAL, perhaps with consent_email and consent_sms as booleans) is taken
as it is, any other file as a customers' file: CSV, JSON Lines, Excel or Parquet, its columns recognised or mapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.days import to_day
from contracts.errors import ArtifactError, DataError, DeclarationError
from serving.outputs.addresses import read_personal, typed
from serving.outputs.suppression import read_suppression
from serving.settings import ServiceSettings

if TYPE_CHECKING:
    from features.tables.account import TableReport
    from features.tables.mapping import TableMapping

_CONSENTS = ("consent_email", "consent_sms")


def people_and_barred(settings: ServiceSettings, now: datetime) -> tuple[pa.Table | None, frozenset[str]]:
    """Return the personal table of a service (None without one) and the customer ids that no export may hold.

    Raises DataError if a file is missing or cannot be read, or the list has addresses and nothing tells whose they are;
    ArtifactError for a wrong mapping: whoever runs the service must mend it, not who asks for an export.
    """
    try:
        people, _ = read_people(settings.personal, settings.personal_map, now)
    except DeclarationError as error:
        raise ArtifactError(str(error)) from None
    if settings.suppressed is None:
        return people, frozenset()
    return people, read_suppression(settings.suppressed).customers(people)


def read_people(
    path: Path | None, mapping: Path | None, now: datetime
) -> tuple[pa.Table | None, tuple[str, ...]]:
    """Return a personal table (serving.outputs.addresses) from a file, and what was noticed; None without a file.

    Addresses and consents are those known at the end of the day of `now`. Raises DataError if the file cannot be read,
    DeclarationError for a mapping that is wrong or without a file, ArtifactError if telephone numbers cannot be read
    here.
    """
    if path is None:
        if mapping is not None:
            raise DeclarationError("--personal-map tells the columns of --personal, which is not given.")
        return None, ()
    if path.suffix.casefold() == ".parquet" and mapping is None and _is_personal(path):
        return typed(read_personal(path)), ()
    from features.tables import customers
    from features.tables.mapping import load_table_mapping

    columns = None if mapping is None else load_table_mapping(mapping, customers.SHAPE)
    try:
        return _described(path, columns, until=to_day(now))
    except ModuleNotFoundError as error:
        if error.name != "phonenumbers":
            raise
        raise ArtifactError(
            f"{path}: this environment lacks the package phonenumbers, which reads telephone numbers. Install the "
            "group reading as well (uv sync --only-group serving --only-group reading), or give a Parquet table with "
            "customer_id, email and phone (as +4930…)."
        ) from None


def _is_personal(path: Path) -> bool:
    """Tell whether a Parquet file is a personal table, or meant to be one; reading it says what it lacks."""
    try:
        schema = pq.read_schema(path)
        typed(schema.empty_table())
    except DataError:
        return "known_day" in schema.names
    except (pa.ArrowException, OSError):
        return True
    return True


def _described(path: Path, columns: TableMapping | None, *, until: int) -> tuple[pa.Table, tuple[str, ...]]:
    """Return the personal table of a customers' file with the last known consents."""
    from features.tables import customers

    reading = customers.read_customers(str(path), mapping=columns, until=until, timezone="UTC")
    told = [name for name in _CONSENTS if name in reading.told]
    table, known = reading.personal, reading.customers
    places = pc.index_in(table["customer_id"], known["customer_id"].combine_chunks())
    for name in told:
        table = table.append_column(name, known[name].take(places))
    return table, tuple(f"{path}: {what}" for what in _noticed(reading.report))


def _noticed(report: TableReport) -> Iterator[str]:
    """Yield what was left out of a customers' file, of the columns that an export needs."""
    if report.refused:
        yield f"{report.refused:,} of {report.read:,} rows were refused."
    if count := report.emptied.get("phone"):
        yield (
            f"{count:,} telephone numbers cannot be read and are left out. Those without a country code (+44…) need "
            'phone_region = "GB" in --personal-map.'
        )
    for name in _CONSENTS:
        if count := report.emptied.get(name):
            yield f"{count:,} values of {name} are neither yes nor no: taken as unknown, which is no consent."
