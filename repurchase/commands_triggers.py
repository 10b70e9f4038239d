"""The command about triggers: who is due what today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import parse_day, to_date
from contracts.errors import DeclarationError
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Map, UnknownConsent, orders_of, with_other_tables

if TYPE_CHECKING:
    from repurchase.triggers_job import Listed


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        epilog="Example: repurchase triggers orders.csv --as-of 2011-09-10 --last-run 2011-09-08 --out due.csv"
    )(with_other_tables(triggers))


def triggers(
    orders: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDERS]...", help="Order files, folders or globs.")
    ] = None,
    as_of: AsOf = None,
    last_run: Annotated[
        str | None,
        typer.Option(
            "--last-run",
            metavar="YYYY-MM-DD",
            help="The --as-of of the last list: everyone due since then is on this one, once. Default: the day before.",
        ),
    ] = None,
    ranking: Annotated[
        Path | None, typer.Option("--ranking", help="A ranking's folder; rules may then ask for its columns.")
    ] = None,
    declared: Annotated[
        Path | None,
        typer.Option("--triggers", help="TOML file: triggers, loyalty tiers and sending rules of your own."),
    ] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="No messages on this country's public holidays, as DE.")
    ] = None,
    unknown_consent: UnknownConsent = "ask",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="CSV file for who is due what; what is held back goes to NAME-held.csv."),
    ] = None,
    columns: Annotated[
        bool, typer.Option("--columns", help="List what the rules of a trigger may ask for.")
    ] = False,
    mapping: Map = None,
    *,
    other: OtherFiles,
) -> None:
    """List who is due which message today: welcome, second order, refill, cart, win-back and more."""
    from repurchase import triggers_job

    if columns:
        _print_columns()
        return
    if not orders:
        raise DeclarationError("give the orders, or --columns.")
    with show.steps(1) as progress:
        progress("looking for what is due")
        job = triggers_job.TriggersJob(
            orders_of(orders, mapping, as_of, other),
            last_run=None if last_run is None else parse_day(last_run),
            ranking=ranking,
            declared=declared,
            country=country,
            unknown_consent=unknown_consent,
            out=out,
        )
        found = triggers_job.triggers(job)
    _print(found)
    if out is not None:
        show.out.print(f"Written: {out}; held back: {job.held_out}.", markup=False)


def _print(found: Listed) -> None:
    since = "" if found.last_run == found.as_of - 1 else f", everything since {to_date(found.last_run)}"
    title = (
        f"Due on the evening of {to_date(found.as_of)}{since} · sent on {to_date(found.as_of + 1)} · "
        f"{found.due.num_rows:,} of {found.customers:,} customers"
    )
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("trigger", no_wrap=True)
    for name in ("due", "suppressed", "held back"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what for")
    for one, row in zip(found.triggers, found.counts.to_pylist(), strict=True):
        numbers = (f"{row[name]:,}" for name in ("due", "suppressed", "held_back"))
        cells = ("–", "–", "–") if row["needs"] else tuple(numbers)
        words = f"needs {row['needs']}" if row["needs"] else one.says
        table.add_row(Text(one.name), *cells, Text(words), style="dim" if row["needs"] else None)
    show.out.print(table)
    show.out.print("Suppressed: another trigger goes first for the same customer. Held back: see the file.")
    for row in found.counts.to_pylist():
        if row["adds"]:
            show.warning(f"{row['trigger']} is off: {row['adds']}")
    for sentence in found.told:
        show.warning(sentence)


def _print_columns() -> None:
    from repurchase.triggers_job import columns_table

    table = Table("column", "meaning", "needs", box=None, pad_edge=False)
    for row in columns_table().to_pylist():
        table.add_row(Text(row["column"]), Text(row["says"]), Text(row["needs"]))
    show.out.print(table)
