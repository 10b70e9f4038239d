"""The command about products: roles, new ones, bestsellers, what goes together, and what each customer may buy next."""

from __future__ import annotations

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
    import pyarrow as pa

    from repurchase.products_job import Found

_SHOWN = 5


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(epilog="Example: repurchase products orders.csv --products products.csv --out products")(
        with_other_tables(products)
    )


def products(
    orders: Files,
    out: Annotated[Path, typer.Option("--out", help="Folder for the lists and the picks.")],
    k: Annotated[int, typer.Option("--picks", min=1, max=100, help="Products per customer.")] = 10,
    ranking: Annotated[
        Path | None,
        typer.Option("--ranking", help="A ranking's folder; picks then suit the lifecycle stage."),
    ] = None,
    exclude: Annotated[
        Path | None,
        typer.Option(
            "--exclude", metavar="FILE", help="Product ids not to offer (out of stock), one a line."
        ),
    ] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Judge the picks on the last three months first.")
    ] = False,
    as_of: AsOf = None,
    mapping: Map = None,
    *,
    other: OtherFiles,
) -> None:
    """Say what each product is for, what sells, what goes together, and what each customer may buy next."""
    from repurchase import products_job

    with show.steps(1) as progress:
        progress("looking at products")
        found = products_job.run(
            products_job.ProductsJob(
                orders_of(orders, mapping, as_of, other),
                out,
                k=k,
                ranking=ranking,
                exclude=exclude,
                evaluated=evaluate,
            )
        )
    _print(found)
    show.out.print(f"Written to {out}/: {', '.join(found.files)}.", markup=False)


def _print(found: Found) -> None:
    goods = found.roles.goods
    show.out.print(
        f"{len(goods):,} products, {found.customers:,} customers as of {to_date(found.as_of)}", markup=False
    )
    show.out.print(_roles(found))
    show.out.print(_table("Bestsellers of the last 30 days", found.best.slice(0, _SHOWN), found.currency))
    if found.new.num_rows:
        show.out.print(_table(f"New: {found.new.num_rows:,} products", found.new.slice(0, _SHOWN), ""))
    if found.pairs.found:
        title = f"Often bought together: {found.pairs.found:,} pairs in {found.pairs.orders:,} orders"
        columns = [
            "product_a",
            "product_b",
            "orders_both",
            "confidence_ab",
            "lift",
            "lift_lower",
            "lift_upper",
        ]
        show.out.print(_table(title, found.pairs.table.select(columns).slice(0, _SHOWN), ""))
    share = found.new_picks / max(found.picks, 1)
    title = f"Next products: {found.picks:,} picks, {share:.0%} new to their customer; the first"
    show.out.print(_table(title, found.sample.drop_columns(["score"]), ""))
    if found.evaluation is not None:
        _judged(found)
    for note in found.notes:
        show.warning(note)


def _judged(found: Found) -> None:
    assert found.evaluation is not None and found.chances is not None
    show.out.print(evaluation_table(found.evaluation))
    show.out.print(
        "recall: share of what was bought in the next 30 days that was picked; difference: next products less the "
        "rule; 95 % intervals over customers."
    )
    said = ", ".join(
        f"{row['chance']:.1%} said and {row['bought']:.1%} bought ({row['kind']})"
        for row in found.chances.to_pylist()
        if row["fifth"] == _SHOWN
    )
    if said:
        show.out.print(f"The fifth with the best chances: {said}.", markup=False)


def evaluation_table(found: pa.Table) -> Table:
    """Return what the picks and the plain rules reached, one row per kind and method."""
    table = Table(title="Judged on earlier days", title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for name in ("kind", "method"):
        table.add_column(name, no_wrap=True)
    for name in ("baskets", "recall", "hit rate", "difference in recall"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.to_pylist():
        cells = [
            f"{row[name]:.4f} ({row[f'{name}_lower']:.4f} to {row[f'{name}_upper']:.4f})"
            for name in ("recall", "hit_rate")
        ]
        better = (
            f"{row['difference']:+.4f} ({row['difference_lower']:+.4f} to {row['difference_upper']:+.4f})"
        )
        same = not (row["difference"] or row["difference_lower"] or row["difference_upper"])
        table.add_row(row["kind"], row["method"], f"{row['baskets']:,}", *cells, "" if same else better)
    return table


def _roles(found: Found) -> Table:
    table = Table(title="Roles", title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("role", no_wrap=True)
    table.add_column("products", justify="right")
    table.add_column("the widest reach")
    listed = found.roles.table()
    names, ids = listed["role"].to_pylist(), listed["product_id"].to_pylist()
    reach = listed["reach"].to_pylist()
    for role, count in found.counts.items():
        best = sorted((-many, one) for one, many, name in zip(ids, reach, names, strict=True) if name == role)
        unknown = role == "profit" and not found.roles.profit_known
        shown = "unknown without cost" if unknown else ", ".join(one for _, one in best[:_SHOWN])
        table.add_row(role, "?" if unknown else f"{count:,}", Text(shown))
    return table


def _table(title: str, rows: pa.Table, currency: str) -> Table:
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for name in rows.column_names:
        kind = str(rows.schema.field(name).type)
        unit = f" ({currency})" if currency and name.startswith("amount") else ""
        justify = "right" if kind in ("int64", "double") else "left"
        table.add_column(name.replace("_", " ") + unit, justify=justify)  # type: ignore[arg-type]
    for row in rows.to_pylist():
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
