"""The command about the shop as a whole: what kind it is, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import to_date
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Files, Map, orders_of, with_other_tables

if TYPE_CHECKING:
    from campaigns.diagnosis.findings import Diagnosis
    from campaigns.diagnosis.shares import Share

_COHORTS = 7
_LISTED = 3


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    epilog = "Example: repurchase diagnose orders.csv --out diagnosis"
    app.command(epilog=epilog)(with_other_tables(diagnose, leave_out=("events", "customers", "contacts")))


def diagnose(
    orders: Files,
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Folder for CSV tables, JSON and an HTML page."),
    ] = None,
    period_days: Annotated[
        int,
        typer.Option(
            "--period-days",
            min=1,
            max=3650,
            help="Days of the periods whose retention and revenue are compared.",
        ),
    ] = 90,
    texts: Annotated[
        Path | None,
        typer.Option(
            "--texts", metavar="TOML", help="Advice and seasons of your own: [advice.NAME], [season.NAME]."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for tools.")] = False,
    mapping: Map = None,
    *,
    other: OtherFiles,
) -> None:
    """Say what kind of shop this is: who orders again, how soon, what moved the revenue, and what to do."""
    from campaigns.diagnosis.tables import to_plain
    from repurchase import diagnose_job

    with show.steps(1) as progress:
        progress("reading orders")
        job = orders_of(orders, mapping, as_of, other)
        done = diagnose_job.diagnosed(job, period_days=period_days, texts=texts, out=out)
    if as_json:
        show.out.print(json.dumps(to_plain(done.found), indent=1, allow_nan=False), markup=False)
        return
    _show(done.found)
    show.sentences(done.told)
    for path in done.written:
        show.out.print(f"written: {path}", markup=False)


def _show(found: Diagnosis) -> None:
    from campaigns.diagnosis.notes import notes_of
    from campaigns.diagnosis.sentences import sentences_of

    show.out.print(Text(f"Diagnosis as known on {to_date(found.as_of)}", style="bold"))
    for number, sentence in enumerate(sentences_of(found), start=1):
        show.out.print(Text(f" {number}. {sentence}"))
    show.out.print(_rates(found))
    advice = found.advice.get(found.mode.name)
    if advice is not None:
        show.out.print(Text(f"{advice.label}: {advice.says}"))
        for one in advice.todo:
            show.out.print(Text(f"  • {one}"))
    for table in (_groups(found), _second(found), _cohorts(found), _gaps(found), _tree(found)):
        if table is not None:
            show.out.print(table)
    for note in notes_of(found):
        show.warning(note)


def _table(title: str, first: str, *heads: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column(first)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _cells(share: Share) -> tuple[str, str, str]:
    from campaigns.diagnosis.words import percent, span

    return percent(share.value), span(share.lower, share.upper), f"{share.of:,}"


def _rates(found: Diagnosis) -> Table:
    table = _table("Three shares that are not the same", "share", "value", "95 % interval", "customers")
    for name, share in found.rates.shares.items():
        table.add_row(name, *_cells(share))
    return table


def _groups(found: Diagnosis) -> Table | None:
    some = [one for one in found.groups if one.groups]
    if not some:
        return None
    table = _table(
        "90-day repurchase rate by first order", "group", "value", "95 % interval", "customers", ""
    )
    words = {1: "above", -1: "below", 0: ""}
    for groups in some:
        for one in groups.groups[:_LISTED]:
            table.add_row(Text(f"{groups.by}: {one.name}"), *_cells(one.share), words[one.apart])
        rest, small = max(len(groups.groups) - _LISTED, 0), groups.small
        if rest or small:
            table.add_row(Text(f"{groups.by}: {rest:,} more, {small:,} below 30 customers", style="dim"))
    return table


def _second(found: Diagnosis) -> Table:
    from campaigns.diagnosis.words import percent

    days = (7, 30, 45, 90, 180)
    table = _table("Have ordered a second time within", "who", "customers", *(f"{day} days" for day in days))
    for one in found.second:
        cells = (percent(one.curve.at(day)[0]) for day in days)
        table.add_row(Text(one.label), f"{one.curve.customers:,}", *cells)
    return table


def _cohorts(found: Diagnosis) -> Table | None:
    from campaigns.diagnosis.words import percent

    shares = found.monthly.shares[-_COHORTS:, 1 : 1 + _COHORTS]
    if not shares.shape[1]:
        return None
    heads = (f"+{k}" for k in range(1, shares.shape[1] + 1))
    table = _table(
        "Share of a month's new customers ordering in the k-th month after", "won in", "customers", *heads
    )
    names, sizes = found.monthly.names[-_COHORTS:], found.monthly.size[-_COHORTS:]
    for name, size, row in zip(names, sizes, shares, strict=True):
        table.add_row(name, f"{size:,}", *(percent(one, 0) if one == one else "" for one in row))
    return table


def _gaps(found: Diagnosis) -> Table:
    from campaigns.diagnosis.words import number, percent

    heads = ("a quarter", "half", "three quarters", "seen", "again in 90 days")
    table = _table("Days to the next order, of those who ordered again", "after", *heads)
    for one in found.gaps:
        quarters = (number(value) for value in (one.quarter, one.median, one.three_quarters))
        table.add_row(one.after, *quarters, f"{one.count:,}", percent(one.again))
    return table


def _tree(found: Diagnosis) -> Table | None:
    from campaigns.diagnosis.revenue import FACTORS
    from campaigns.diagnosis.words import number
    from features.reading.presets import NO_CURRENCY

    if not found.trees:
        return None
    currency = "" if found.currency == NO_CURRENCY else f" ({found.currency})"
    title = f"What moved the revenue of the last {found.period} days{currency}"
    table = _table(title, "against", "before", "now", "change", *FACTORS)
    for one in found.trees:
        parts = (number(one.parts[name], signed=True) if one.parts else "–" for name in FACTORS)
        amounts = (number(one.before.revenue), number(one.now.revenue), number(one.change, signed=True))
        table.add_row(one.name, *amounts, *parts)
    return table
