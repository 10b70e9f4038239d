"""Exports of a published ranking: whom the suppression list bars, what the personal table knows, a file, a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from contracts.days import to_day
from contracts.errors import ArtifactError, DeclarationError, nearest

if TYPE_CHECKING:
    from serving.outputs.exports import Written
    from serving.outputs.postgres import Upserted
    from serving.store import Store
    from serving.stored.where import Where

_CHOICES = ("segment", "tier", "lifecycle", "country", "confidence")
_CONSENTS = ("consent_email", "consent_sms")


@dataclass(frozen=True, kw_only=True)
class ExportJob:
    """What to export, and where to.

    out: a file of a `format` (serving.outputs.FORMATS); to: a PostgreSQL database, its table, and whether customers who
    are not exported lose their row. personal: a personal table (Parquet) or a customers' file, with its mapping.
    suppress: the suppression list. changed: only customers whose scores moved since the ranking before. now: the time.
    """

    ranking: Path
    now: datetime
    out: Path | None = None
    format: str = "csv"
    where: Where
    columns: Sequence[str] | None = None
    limit: int | None = None
    personal: Path | None = None
    personal_map: Path | None = None
    suppress: Path | None = None
    changed: bool = False
    excel_safe: bool = False
    to: str | None = None
    table: str | None = None
    remove_gone: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written into the file and into the database, and sentences about what was assumed or found."""

    written: Written | None
    upserted: Upserted | None
    notes: tuple[str, ...]


def export(job: ExportJob) -> Exported:
    """Export a ranking; nobody on the suppression list is in the file or stays in the table.

    Raises DeclarationError for a wrong choice, DataError for files that cannot be read, ArtifactError for a ranking
    that is missing or damaged, and for a file or database that cannot be written.
    """
    from serving.outputs import only_changed, write_export

    _check(job)
    store = _open(job.ranking)
    try:
        _check_choices(store, job.where)
        people, told = (
            (None, ()) if job.personal is None else read_people(job.personal, job.personal_map, job.now)
        )
        suppressed, about = _suppressed(job.suppress, people, store)
        only = only_changed(store.changed()) if job.changed else None
        written = None
        if job.out is not None:
            written = write_export(
                store,
                job.out,
                format=job.format,
                where=job.where,
                columns=job.columns,
                personal=people,
                suppressed=suppressed,
                excel_safe=job.excel_safe,
                limit=job.limit,
                only=only,
            )
        upserted = _upsert(job, store, suppressed, only) if job.to is not None else None
    finally:
        store.close()
    return Exported(written, upserted, (*told, *about, *(written.notes if written else ())))


def _check(job: ExportJob) -> None:
    if job.out is None and job.to is None:
        raise DeclarationError("say where to: --out FILE, or --to postgresql://host/database.")
    if job.out is None and (job.columns or job.limit or job.excel_safe):
        raise DeclarationError(
            "--columns, --limit and --excel-safe are of a file. Give --out, or leave them out."
        )
    if job.to is None and (job.table or job.remove_gone):
        raise DeclarationError(
            "--to-table and --remove-gone are of a database. Give --to, or leave them out."
        )
    if job.changed and job.remove_gone:
        raise DeclarationError(
            "--remove-gone would remove all who did not change. Leave out --changed or it."
        )
    if job.personal_map is not None and job.personal is None:
        raise DeclarationError("--personal-map tells the columns of --personal, which is not given.")


def _open(ranking: Path) -> Store:
    from serving.store import Store

    if ranking.is_file():
        raise ArtifactError(f"{ranking} is a file. Give the folder that `repurchase rank` published into.")
    return Store.open(ranking)


def _check_choices(store: Store, where: Where) -> None:
    """Raise DeclarationError for a text that no customer has."""
    known = store.values()
    for name in _CHOICES:
        for text in getattr(where, name):
            if text not in known[name]:
                listed = ", ".join(known[name]) or "none at all"
                raise DeclarationError(
                    f"--{name} '{text}': nobody has it{nearest(text, known[name]) or '.'} There are: {listed}."
                )


def read_people(path: Path, mapping: Path | None, now: datetime) -> tuple[pa.Table, tuple[str, ...]]:
    """Return a personal table (serving.outputs.addresses) from Parquet or a customers' file, and what was noticed.

    Addresses and consents are those known at the end of the day of `now`. Raises DataError if it cannot be read.
    """
    from serving.outputs.addresses import read_personal

    if path.suffix.casefold() == ".parquet" and mapping is None:
        return read_personal(path), ()
    from features.tables import customers
    from features.tables.gate import opened
    from features.tables.mapping import load_table_mapping

    columns = None if mapping is None else load_table_mapping(mapping, customers.SHAPE)
    until = to_day(now)
    reading = customers.read_customers(str(path), mapping=columns, until=until, timezone="UTC")
    with opened(str(path), shape=customers.SHAPE, mapping=columns, until=until, timezone="UTC") as gate:
        told = [name for name in _CONSENTS if gate.has(name)]
    table, known = reading.personal, reading.customers
    places = pc.index_in(table["customer_id"], known["customer_id"].combine_chunks())
    for name in told:
        table = table.append_column(name, known[name].take(places))
    refused = reading.report.refused
    return table, (f"{path}: {refused:,} of {reading.report.read:,} rows were refused.",) if refused else ()


def _suppressed(
    path: Path | None, people: pa.Table | None, store: Store
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return whom no export may hold, and what is worth knowing about the list."""
    from serving.outputs.suppression import read_suppression

    if path is None:
        return frozenset(), ()
    listed = read_suppression(path)
    barred = listed.customers(people)
    notes = []
    if people is not None and (nobody := listed.unmatched(people)):
        notes.append(f"{path}: {nobody:,} addresses belong to nobody in the personal table.")
    if barred and not any(store.customers(sorted(barred))):
        notes.append(
            f"{path}: none of its {len(barred):,} customers is in this ranking. Are the ids the same ones?"
        )
    return barred, tuple(notes)


def _upsert(job: ExportJob, store: Store, suppressed: frozenset[str], only: pa.Array | None) -> Upserted:
    from serving.outputs import tables_of
    from serving.outputs.postgres import TABLE, upsert

    assert job.to is not None
    return upsert(
        job.to,
        tables_of(store, where=job.where, suppressed=suppressed, only=only),
        horizons=store.horizons,
        table=job.table or TABLE,
        remove_gone=job.remove_gone,
        without=suppressed,
    )
