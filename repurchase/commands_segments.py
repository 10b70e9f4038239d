"""The command about segments: who is in which, how large they are, and who moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import parse_day, to_date
from features.shop.files import OtherFiles
from repurchase import show
from repurchase.options import AsOf, Files, Map, Own, catalog_of, orders_of, with_other_tables

if TYPE_CHECKING:
    from campaigns.moves import Moves
    from repurchase.segments_job import Segmented

CompareTo = Annotated[
    str | None,
    typer.Option(
        "--compare-to", metavar="YYYY-MM-DD", help="An earlier day: who moved since, as known then."
    ),
]
Declared = Annotated[
    Path | None, typer.Option("--segments", help="TOML file with segments and RFM groups of your own.")
]
Ranking = Annotated[
    str,
    typer.Option(
        "--ranking", metavar="FOLDER|none", help="A ranking as of the same day, for rules on scores."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the tables; one of an earlier run is replaced.")]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command(
        epilog="Example: repurchase segments orders.csv --as-of 2011-09-10 --compare-to 2011-06-10 --out segments"
    )(with_other_tables(segments, leave_out=("contacts",)))


def segments(
    orders: Files,
    out: Out,
    as_of: AsOf = None,
    compare_to: CompareTo = None,
    declared: Declared = None,
    ranking: Ranking = "none",
    mapping: Map = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Put customers into RFM groups and segments, with sizes, value and moves since an earlier day."""
    from repurchase import segments_job

    with show.steps(3) as progress:
        found = segments_job.segments(
            orders_of(orders, mapping, as_of, other),
            compare_to=None if compare_to is None else parse_day(compare_to),
            path=declared,
            ranking=None if ranking == "none" else Path(ranking),
            out=out,
            progress=progress,
            catalog=catalog_of(own),
        )
    for sentence in found.told:
        show.warning(sentence)
    _print(found)


def _print(found: Segmented) -> None:
    rows = found.sizes.to_pylist()
    day, customers = to_date(found.now.day), len(found.now.ids)
    show.out.print(
        _sizes(
            [row for row in rows if row["set"] == "rfm"],
            f"RFM groups · {customers:,} customers as of {day}",
            found,
        )
    )
    known = [row for row in rows if row["set"] != "rfm" and row["state"] != "not known"]
    show.out.print(_sizes(known, "Segments; a customer may be in several", found))
    for name, one in found.moves.items():
        show.out.print(_matrix(one, f"{name}: {_span(found)}, in % of each row"))
    for row in rows:
        if row["state"] == "not known":
            words = f"{row['segment']}: not known without {row['needs']}. It would be: {row['says']}"
            show.out.print(Text(words, style="dim"))
    lowest = found.now.rfm.thresholds
    show.out.print(
        "Scores of 1 to 5 are parted at: last order "
        f"{_listed(lowest.recency_days)} days ago; order days after the first {_listed(lowest.frequency)}; "
        f"spend {_listed(lowest.spend)} {found.currency}."
    )
    show.out.print(
        f"Written to {found.folder}: {', '.join(sorted(item.name for item in found.folder.iterdir()))}."
    )


def _sizes(rows: list[dict[str, Any]], title: str, found: Segmented) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("segment", no_wrap=True)
    figures = ["customers", "%", f"spend, {found.currency}", "%"]
    valued = any(row["expected_value"] is not None for row in rows)
    figures += ["value", "%"] if valued else []
    figures += ["joined", "left"] if found.then is not None else []
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        cells = [
            _number(row["customers"]),
            _share(row["share"]),
            _number(row["spend"]),
            _share(row["spend_share"]),
        ]
        cells += [_number(row["expected_value"]), _share(row["expected_value_share"])] if valued else []
        if found.then is not None:
            cells += [_number(row[name]) for name in ("joined", "left")]
        small = row["state"] == "too small"
        label = Text(f"{row['label']} (small)" if small else row["label"])
        table.add_row(label, *cells, style="dim" if small else None)
    return table


def _matrix(moved: Moves, title: str) -> Table:
    """Return the moves in whole per cent; columns are numbered, and say their numbers in the rows."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("customers", justify="right", no_wrap=True)
    names = {column: str(number) for number, column in enumerate(moved.columns, start=1)}
    for column, number in names.items():
        table.add_column(number if column in moved.rows else column, justify="right", no_wrap=True)
    for row, counts, shares in zip(moved.rows, moved.counts, moved.shares, strict=True):
        cells = [f"{100 * share:.0f}" if count else "·" for count, share in zip(counts, shares, strict=True)]
        label = f"{names[row]} {row}" if row in names else row
        table.add_row(Text(label), f"{int(counts.sum()):,}", *cells)
    return table


def _span(found: Segmented) -> str:
    then = "" if found.then is None else f"from {to_date(found.then.day)} (rows) "
    return f"{then}to {to_date(found.now.day)} (columns)"


def _listed(values: tuple[float, ...]) -> str:
    return " / ".join(f"{value:,.0f}" for value in values)


def _number(value: float | None) -> str:
    """Return a whole number; thousands as k where it is long."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) < 99_999.5 else f"{value / 1000:,.0f}k"


def _share(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f}" if value >= 0.0995 else f"{100 * value:.1f}"
