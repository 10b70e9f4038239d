"""The command about reasons: why a customer's chance is what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import to_date
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Map, Model, Own, Shop, catalog_of, model_of, orders_of, with_other_tables
from repurchase.settings import Settings

if TYPE_CHECKING:
    from repurchase.reasons_job import Answered
    from serving.answering.reasons import Explained


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog="Example: repurchase reasons orders.csv 12346 12347 --model model --top 5")(
        with_other_tables(reasons)
    )


def reasons(
    orders: Annotated[str, typer.Argument(metavar="ORDERS", help="An order file, folder or glob.")],
    ids: Annotated[list[str], typer.Argument(metavar="CUSTOMER_ID...", help="The customers to explain.")],
    as_of: AsOf = None,
    model: Model = None,
    horizon: Annotated[
        int | None,
        typer.Option("--horizon", min=1, max=3650, help="Days ahead. Default: the model's main horizon."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=50, help="Reasons per customer.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for tools.")] = False,
    shop: Shop = None,
    mapping: Map = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Say in words why customers' chances to order again are what they are."""
    from repurchase import reasons_job

    settings = Settings.of_environment()
    with show.steps(1) as progress:
        progress("looking for reasons")
        found = reasons_job.reasons(
            orders_of([orders], mapping, as_of, other),
            ids,
            model=model_of(model, shop, settings),
            horizon=horizon,
            top=top,
            tracking_uri=settings.tracking_uri,
            catalog=catalog_of(own),
        )
    if found.absent:
        show.warning(f"the model also knows {', '.join(found.absent)}; these orders lack them.")
    if as_json:
        show.out.print(json.dumps(_plain(found), indent=1, allow_nan=False), markup=False)
        return
    for one in found.customers:
        show.out.print(_table(one, found))
    show.out.print(
        f"As of {to_date(found.as_of)}, compared with the usual customer of these orders. Points: percentage points by "
        "which the reason moves the chance."
    )


def _table(one: Explained, found: Answered) -> Table:
    title = Text(f"Customer {one.customer_id} · orders within {found.horizon} days: {one.p:.1%}")
    title.append(f" (usual: {one.usual_p:.1%})", style="dim")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("because")
    table.add_column("", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    for told in one.reasons:
        reason = told.reason
        words = Text(f"{reason.direction} ({reason.strength})")
        words.stylize("green" if reason.direction == "raises" else "red")
        table.add_row(Text(told.text), words, f"{reason.points:+.1f}")
    return table


def _plain(found: Answered) -> dict[str, Any]:
    return {
        "as_of": to_date(found.as_of).isoformat(),
        "horizon_days": found.horizon,
        "model_version": found.bundle.version,
        "currency": found.bundle.manifest["currency"],
        "customers": [one.to_dict() for one in found.customers],
    }
