"""The command about exports: a published ranking as a file for another tool, or into a database."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.days import utc_now
from contracts.errors import DeclarationError
from repurchase import show
from repurchase.options import Personal, PersonalMap, Suppress
from serving.stored.where import AMOUNT, PERCENT, SHARE

if TYPE_CHECKING:
    from repurchase.export_job import Exported, ExportJob

Texts = list[str] | None
_PERCENT, _SHARE, _AMOUNT = (dict(zip(("min", "max"), one, strict=True)) for one in (PERCENT, SHARE, AMOUNT))


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        epilog="Example: repurchase export ranking --format braze --tier focus --suppress no.csv --out focus.jsonl"
    )(export)


def export(
    ranking: Annotated[
        Path, typer.Argument(metavar="RANKING", help="The folder that `rank` published into.")
    ],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file to write.")] = None,
    format: Annotated[
        str,
        typer.Option("--format", help="csv, jsonl, parquet, klaviyo, braze, meta, google or generic."),
    ] = "csv",
    segment: Annotated[Texts, typer.Option("--segment", help="Only these segments. Repeatable.")] = None,
    tier: Annotated[Texts, typer.Option("--tier", help="Only these tiers. Repeatable.")] = None,
    lifecycle: Annotated[Texts, typer.Option("--lifecycle", help="Only these stages. Repeatable.")] = None,
    country: Annotated[Texts, typer.Option("--country", help="Only these countries. Repeatable.")] = None,
    confidence: Annotated[Texts, typer.Option("--confidence", help="high, medium, low. Repeatable.")] = None,
    percentile_min: Annotated[
        float | None, typer.Option("--percentile-min", **_PERCENT, help="90: the best tenth.")
    ] = None,
    percentile_max: Annotated[float | None, typer.Option("--percentile-max", **_PERCENT)] = None,
    value_min: Annotated[
        float | None,
        typer.Option("--value-min", **_AMOUNT, help="Least expected value of the ranking's horizon."),
    ] = None,
    value_max: Annotated[float | None, typer.Option("--value-max", **_AMOUNT)] = None,
    p_min: Annotated[float | None, typer.Option("--p-min", **_SHARE, help="Least chance, 0 to 1.")] = None,
    p_max: Annotated[float | None, typer.Option("--p-max", **_SHARE)] = None,
    last_order_from: Annotated[str | None, typer.Option("--last-order-from", metavar="YYYY-MM-DD")] = None,
    last_order_to: Annotated[str | None, typer.Option("--last-order-to", metavar="YYYY-MM-DD")] = None,
    search: Annotated[str, typer.Option("--search", help="The customer_id begins with this.")] = "",
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B,…", help="Default: all; for other tools the usual ones."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The best so many.")] = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only who moved since the ranking before.")
    ] = False,
    personal: Personal = None,
    personal_map: PersonalMap = None,
    suppress: Suppress = None,
    excel_safe: Annotated[
        bool, typer.Option("--excel-safe", help="No text that a spreadsheet takes for a formula.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="postgresql://…", help="Bring a table of a database up to date."),
    ] = None,
    to_table: Annotated[str | None, typer.Option("--to-table", help="Default: repurchase_scores.")] = None,
    remove_gone: Annotated[
        bool, typer.Option("--remove-gone", help="Customers who are not exported lose their row there.")
    ] = False,
) -> None:
    """Write customers of a ranking into a file for another tool, or into PostgreSQL."""
    from repurchase import export_job
    from serving.stored.where import Where

    where = Where(
        segment=tuple(segment or ()),
        tier=tuple(tier or ()),
        lifecycle=tuple(lifecycle or ()),
        country=tuple(country or ()),
        confidence=tuple(confidence or ()),
        percentile_min=percentile_min,
        percentile_max=percentile_max,
        value_min=value_min,
        value_max=value_max,
        p_min=p_min,
        p_max=p_max,
        last_order_from=_date_of("--last-order-from", last_order_from),
        last_order_to=_date_of("--last-order-to", last_order_to),
        search=search,
    )
    job = export_job.ExportJob(
        ranking=ranking,
        now=utc_now(),
        out=out,
        format=format,
        where=where,
        columns=None if columns is None else [name.strip() for name in columns.split(",")],
        limit=limit,
        personal=personal,
        personal_map=personal_map,
        suppress=suppress,
        changed=changed,
        excel_safe=excel_safe,
        to=to,
        table=to_table,
        remove_gone=remove_gone,
    )
    found = export_job.export(job)
    for note in found.notes:
        show.warning(note)
    _say(found, job)


def _say(found: Exported, job: ExportJob) -> None:
    """Print a line for the file and one for the database."""
    written, upserted = found.written, found.upserted
    if written is not None:
        out = [f"{written.suppressed:,} suppressed"]
        out += [f"{written.unreachable:,} without a usable address"] if written.unreachable else []
        beside = f", addresses in {written.personal}" if written.personal else ""
        show.out.print(f"{written.rows:,} customers ({', '.join(out)}): {written.path}{beside}", markup=False)
    if upserted is not None:
        show.upserted(upserted, job.table)


def _date_of(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise DeclarationError(f"{option} {text}: this is no date. Write it as 2024-01-31.") from None
