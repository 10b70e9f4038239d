"""The command about results: what the campaigns got back, and what they caused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.days import parse_day, utc_now
from contracts.errors import DeclarationError
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import (
    AsOf,
    ControlShare,
    Map,
    TableMaps,
    amounts_of,
    control_share_of,
    pairs_of,
    with_other_tables,
)

if TYPE_CHECKING:
    from repurchase.results_job import Accounted, Asked

# Each paragraph is one line of the help.
_EPILOG = """Example: repurchase results contacts.csv --orders orders.csv --scores ranking --margin 0.4 --out results

A test in one table, one row per customer: repurchase results customers.parquet --test test.toml, with test.toml:

  \\[test]

  arm = "segment"

  control = "No E-Mail"

  outcomes = \\["visit", "conversion"]

  money = \\["spend"]

  covariates = \\["recency", "history", "newbie"]

  groups = \\["newbie", "channel"]

Also margin, contact_cost and a table \\[test.shares] of the planned share of each arm."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog=_EPILOG)(with_other_tables(results, leave_out=("contacts", "events", "table_map")))


def results(
    contacts: Annotated[
        list[str], typer.Argument(metavar="CONTACTS...", help="Files of contacts; with --test one table.")
    ],
    orders: Annotated[
        list[str] | None,
        typer.Option("--orders", help="Count outcomes from these orders, of both arms alike. Repeatable."),
    ] = None,
    as_of: AsOf = None,
    mapping: Map = None,
    window_days: Annotated[
        int, typer.Option("--window-days", min=1, max=365, help="Orders this long after the sending count.")
    ] = 30,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", help="Scores from before the sending: shorter intervals, results by tier."),
    ] = None,
    groups: Annotated[
        Path | None, typer.Option("--groups", help="CSV or Parquet file of customer_id and groups.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", help="Report by this column of them, too. Repeatable.")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="COLUMN COLUMN", help="Which of two groupings separates better?"),
    ] = None,
    control_share: ControlShare = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", min=0, max=1, help="Profit's share of revenue. Default: by the orders' cost."
        ),
    ] = None,
    offer_cost: Annotated[
        list[str] | None,
        typer.Option("--offer-cost", metavar="OFFER=AMOUNT", help="For each treated customer who buys."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="TOML file: the table is a test, and which column is what.")
    ] = None,
    table_map: TableMaps = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the tables as CSV and results.json.")
    ] = None,
    *,
    other: OtherFiles,
) -> None:
    """Say what campaigns got back, and what they caused: treated less control, with intervals."""
    from repurchase import results_job, show_results

    if out is not None:
        results_job.require_target(out)
    asked = results_job.Asked(
        contacts=tuple(contacts),
        orders=tuple(orders or ()),
        mapping=mapping,
        as_of=None if as_of is None else parse_day(as_of),
        other=replace(other, contacts=tuple(contacts), maps=_maps(table_map)),
        window_days=window_days,
        scores=scores,
        groups=groups,
        by=tuple(by or ()),
        comparing=compare,
        margin=margin,
        offer_costs=amounts_of("--offer-cost", offer_cost),
        control_share=control_share_of(control_share),
    )
    with show.steps(1) as progress:
        progress("accounting for campaigns")
        found = _found(asked, test)
    show_results.account(found.account, told=found.told, about=found.about)
    if out is not None:
        names = results_job.write(found, out)
        show.out.print(f"{out}: {', '.join(names)}", markup=False)


def _found(asked: Asked, test: Path | None) -> Accounted:
    from repurchase import results_job

    if test is None:
        return results_job.results(asked, now=utc_now())
    if len(asked.contacts) != 1:
        raise DeclarationError("--test describes one table. Give one file.")
    wrong: dict[str, object] = {
        "--orders": asked.orders,
        "--scores": asked.scores,
        "--groups": asked.groups,
        "--by": asked.by,
    }
    wrong |= {"--margin": asked.margin is not None, "--control-share": asked.control_share}
    wrong |= {"--offer-cost": asked.offer_costs}
    given = [name for name, value in wrong.items() if value]
    if given:
        raise DeclarationError(
            f"--test says all of the table itself: leave {', '.join(given)} out, and write it there."
        )
    return results_job.results_of_test(Path(asked.contacts[0]), test, comparing=asked.comparing)


def _maps(texts: list[str] | None) -> dict[str, Path]:
    return {table: Path(path) for table, path in pairs_of("--table-map", texts, "contacts=contacts.toml")}
