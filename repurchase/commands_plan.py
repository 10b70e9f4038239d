"""The command about plans: who gets which offer, on which channel, when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import to_date
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, ControlShare, Files, Map, control_share_of, orders_of, with_other_tables

if TYPE_CHECKING:
    from campaigns.plan.summary import Totals
    from repurchase.plan_files import Planned

_EXAMPLE = "Example: repurchase plan orders.csv --ranking ranking --budget 2000 --out plan"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog=_EXAMPLE)(with_other_tables(plan))


def plan(
    orders: Files,
    ranking: Annotated[Path, typer.Option("--ranking", help="What `repurchase rank` published.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the plan.")],
    terms: Annotated[
        Path | None, typer.Option("--plan", help="TOML file: budget, weeks, margin, floors, control, …")
    ] = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="Its name; which one, if the file has several.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", help="Money for contacts and what offers give away.")
    ] = None,
    policy: Annotated[
        str,
        typer.Option("--policy", help="profit (what a contact adds), potential, value or random."),
    ] = "profit",
    offers: Annotated[
        Path | None, typer.Option("--offers", help="TOML file with offers of your own.")
    ] = None,
    channels: Annotated[
        Path | None, typer.Option("--channels", help="TOML file with channels: cost, capacity, quiet hours.")
    ] = None,
    stages: Annotated[
        Path | None, typer.Option("--stages", help="TOML file with the policy of lifecycle stages.")
    ] = None,
    calendar: Annotated[
        Path | None, typer.Option("--calendar", help="TOML file with platform events of your own.")
    ] = None,
    control_share: ControlShare = None,
    as_of: AsOf = None,
    mapping: Map = None,
    *,
    other: OtherFiles,
) -> None:
    """Plan a campaign: for every customer at most one action, so that the expected added profit is largest."""
    from repurchase import plan_job

    asked = plan_job.Asked(
        ranking,
        terms,
        campaign,
        offers,
        channels,
        stages,
        calendar,
        budget,
        policy,
        control_share=control_share_of(control_share),
    )
    with show.steps(1) as progress:
        progress("planning")
        made = plan_job.plan(orders_of(orders, mapping, as_of, other), asked, out=out)
    _show(made)
    more = "" if made.reengage is None else ", reengage.csv (who reads no e-mails)"
    show.out.print(
        Text(
            f"As of {to_date(made.as_of)}: {out}/plan.html, plan.csv (the contacts), control.csv (who is left alone)"
            f"{more}, plan.parquet, plan.json"
        )
    )


def _show(made: Planned) -> None:
    from campaigns.plan.words import pays_words

    whole, currency = made.summary.whole, made.plan.currency
    show.out.print(
        f"{whole.customers:,} of {made.table.num_rows:,} customers are contacted. Expected cost {whole.cost:,.2f} "
        f"{currency}, added profit {whole.profit:,.2f} {currency} (from {whole.low:,.2f} to {whole.high:,.2f})."
    )
    if made.summary.break_even is not None:
        show.out.print(pays_words(made.summary.break_even))
    for column in ("offer", "channel", "tier", "lifecycle"):
        if made.summary.groups[column]:
            show.out.print(_table(column, made.summary.groups[column], currency))
    for reason, count in sorted(made.summary.left_out.items(), key=lambda item: -item[1]):
        show.out.print(Text(f"Not contacted: {count:,} {reason}."))
    for sentence in (*made.holdout.words, *made.summary.sentences):
        show.out.print(Text(sentence))
    if len(made.others) > 1:
        show.out.print(_others(made))
    _show_notes(made)


def _show_notes(made: Planned) -> None:
    notes = made.notes
    parts = (("Assumed:", notes.assumed), ("Left out:", notes.left_out), ("Missing:", notes.missing))
    for title, sentences in parts:
        if sentences:
            show.out.print(title)
        for one in sentences:
            show.out.print(Text(f"  {one}"))


def _table(column: str, groups: Mapping[str, Totals], currency: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column(column, no_wrap=True, min_width=18)
    for name in ("customers", "cost", f"profit, {currency}", "low", "high"):
        table.add_column(name, justify="right")
    for name, one in sorted(groups.items(), key=lambda item: -item[1].profit):
        cells = (f"{one.cost:,.2f}", f"{one.profit:,.2f}", f"{one.low:,.2f}", f"{one.high:,.2f}")
        table.add_row(Text(name), f"{one.customers:,}", *cells)
    return table


def _others(made: Planned) -> Table:
    table = Table(title="What if", title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("", min_width=18)
    for name in ("customers", "cost", "profit", "low"):
        table.add_column(name, justify="right")
    for one in made.others:
        cells = (f"{one.cost:,.2f}", f"{one.profit:,.2f}", f"{one.low:,.2f}")
        table.add_row(Text(one.words), f"{one.customers:,.0f}", *cells)
    return table
