"""Exports of a published ranking: whom the suppression list bars, what the personal table knows, a file, a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import ArtifactError, DeclarationError, nearest
from repurchase.barred import Barred
from repurchase.upserting import upsert_store

if TYPE_CHECKING:
    from serving.outputs.exports import Written
    from serving.outputs.postgres import Upserted
    from serving.store import Store
    from serving.stored.where import Where


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
    from serving.outputs.people import read_people

    _check(job)
    store = _open(job.ranking)
    try:
        _check_choices(store, job.where)
        people, told = read_people(job.personal, job.personal_map, job.now)
        barred = Barred.read(job.suppress, people)
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
                suppressed=barred.ids,
                excel_safe=job.excel_safe,
                limit=job.limit,
                only=only,
            )
        upserted = None
        if job.to is not None:
            upserted = upsert_store(
                job.to,
                store,
                suppressed=barred.ids,
                where=job.where,
                only=only,
                table=job.table,
                remove_gone=job.remove_gone,
            )
        about = barred.notes_on(store)
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
    if job.where.crossed is not None:
        low, high = (f"--{name.replace('_', '-')} {getattr(job.where, name)}" for name in job.where.crossed)
        raise DeclarationError(f"{low} lies above {high}: nobody can match. Swap them.")


def _open(ranking: Path) -> Store:
    from serving.store import Store

    if ranking.is_file():
        raise ArtifactError(f"{ranking} is a file. Give the folder that `repurchase rank` published into.")
    return Store.open(ranking)


def _check_choices(store: Store, where: Where) -> None:
    """Raise DeclarationError for a text that cannot be meant; one that nobody has today is no mistake."""
    from serving.stored.choices import unknown_choice

    there = store.values()
    for name, texts in where.choices().items():
        wrong = unknown_choice(name, texts, there)
        if wrong is not None:
            text, known = wrong
            raise DeclarationError(
                f"--{name} '{text}': there is no such {name}{nearest(text, known) or '.'} "
                f"Known: {', '.join(known)}."
            )
