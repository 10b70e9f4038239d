"""The command about screening: who can be reached, who is active, who is suspicious, and who is potential."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Files, Map, UnknownConsent, orders_of, with_other_tables

if TYPE_CHECKING:
    from repurchase.screen_job import Found


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog="Example: repurchase screen orders.csv --customers customers.csv --out screened")(
        with_other_tables(screen)
    )


def screen(
    orders: Files,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for labels (Parquet, CSV), potential.csv and the report."),
    ] = None,
    screens: Annotated[
        Path | None, typer.Option("--screens", help="TOML file: screens, limits and checks of your own.")
    ] = None,
    ranking: Annotated[
        Path | None,
        typer.Option("--ranking", help="A ranking's folder; screens may then ask for its columns."),
    ] = None,
    unknown_consent: UnknownConsent = "ask",
    personal: Annotated[
        Path | None,
        typer.Option(
            "--personal",
            metavar="FILE",
            help="Write addresses and numbers of the potentials here, readable by you alone. Else none are written.",
        ),
    ] = None,
    as_of: AsOf = None,
    mapping: Map = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
    *,
    other: OtherFiles,
) -> None:
    """Screen customers before sending: who can be reached, is active, is suspicious, is potential."""
    from repurchase import screen_job

    with show.steps(1) as progress:
        progress("screening")
        found = screen_job.run(
            screen_job.ScreenJob(
                orders_of(orders, mapping, as_of, other),
                ranking=ranking,
                screens=screens,
                unknown_consent=unknown_consent,
                out=out,
                personal=personal,
            )
        )
    if as_json:
        _print_json(found)
        return
    _print(found)
    if out is not None:
        show.out.print(f"Written to {out}/: {', '.join(screen_job.FILES)}.", markup=False)
    if found.contacts is not None:
        show.out.print(
            f"{found.contacts:,} customers with open addresses: {personal} (personal data).", markup=False
        )


def _print(found: Found) -> None:
    from campaigns.screening.account import sentences, steps

    table = Table(
        title=f"Screening as of {found.account['as_of']}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 2, 0, 0),
    )
    table.add_column("step", no_wrap=True)
    table.add_column("what")
    table.add_column("count", justify="right", no_wrap=True)
    for step in steps(found.screened, found.before):
        for place, (name, count) in enumerate(step.counts.items()):
            table.add_row(Text("" if place else step.name, style="bold"), Text(name), f"{count:,}")
        table.add_section()
    show.out.print(table)
    show.sentences(sentences(found.screened))
    for layer in found.screened.layers:
        show.out.print(
            f"{layer.screen.name}: {layer.screen.text} ({layer.taken:,} of {layer.fits:,} that fit)",
            markup=False,
        )
    for sentence in found.screened.missing:
        show.warning(sentence)


def _print_json(found: Found) -> None:
    import json

    show.out.print(json.dumps(found.account, indent=1, ensure_ascii=False, allow_nan=False), markup=False)
