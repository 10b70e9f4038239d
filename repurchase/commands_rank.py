"""The commands that score a base: rank, backfill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.days import parse_day, to_date, to_day, utc_now
from contracts.errors import DeclarationError
from features.shop.files import OtherFiles
from repurchase import backfill_job, show, show_rank
from repurchase.options import (
    AsOf,
    Engine,
    Files,
    Horizon,
    Map,
    Master,
    Model,
    Own,
    Personal,
    PersonalMap,
    Shop,
    Suppress,
    catalog_of,
    horizons_of,
    master_of,
    model_of,
    orders_of,
    with_other_tables,
)
from repurchase.settings import Settings

if TYPE_CHECKING:
    from repurchase.barred import Barred
    from repurchase.rank_job import Ranked

OLD_AFTER_DAYS = 7
FORMATS = ("parquet", "csv", "jsonl")


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(
        epilog="Example: repurchase rank orders.csv --model models:/repurchase-myshop@champion --out ranking"
    )(with_other_tables(rank))
    app.command(
        epilog="Example: repurchase backfill orders.csv --as-of 2011-06-30 --as-of 2011-07-31 --model model --out past"
    )(with_other_tables(backfill))


def rank(
    files: Files,
    out: Annotated[Path, typer.Option("--out", help="The folder to publish into.")],
    as_of: AsOf = None,
    model: Model = None,
    horizon: Horizon = None,
    by: Annotated[str, typer.Option(help="value or probability.")] = "value",
    shop: Shop = None,
    mapping: Map = None,
    own: Own = None,
    formats: Annotated[
        str, typer.Option("--formats", help="Of the scores' files: parquet, csv, jsonl, by commas.")
    ] = "parquet,csv",
    excel_safe: Annotated[
        bool,
        typer.Option("--excel-safe", help="Text cells of CSV that look like a formula get a ' in front."),
    ] = False,
    no_details: Annotated[
        bool, typer.Option("--no-details", help="Leave out what stands behind each customer's scores.")
    ] = False,
    keep: Annotated[int, typer.Option("--keep", min=1, help="Rankings that are kept.")] = 2,
    fresh: Annotated[bool, typer.Option("--fresh", help="Take up nothing of an interrupted run.")] = False,
    refuse_drift: Annotated[
        bool, typer.Option("--refuse-drift", help="Publish nothing if the orders look unlike the training's.")
    ] = False,
    changed_share: Annotated[
        float,
        typer.Option(
            "--changed-share",
            min=0.0,
            max=1.0,
            help="A value has moved by more than this share of the earlier one.",
        ),
    ] = 0.1,
    to: Annotated[
        str | None, typer.Option("--to", metavar="postgresql://…", help="Upsert into this database, too.")
    ] = None,
    suppress: Suppress = None,
    personal: Personal = None,
    personal_map: PersonalMap = None,
    notify: Annotated[
        str | None, typer.Option("--notify", metavar="URL", help="Tell this address: a signed webhook.")
    ] = None,
    engine: Engine = "local",
    master: Master = "local[*]",
    *,
    other: OtherFiles,
) -> None:
    """Score and rank every customer, and publish the result. A run that was cut off goes on where it stopped."""
    from repurchase.notify_job import hook_of
    from repurchase.notify_job import notify as tell
    from repurchase.rank_base import RankOptions
    from repurchase.rank_job import rank as rank_orders

    _require_known(by, formats, to)
    settings = Settings.of_environment()
    hook = hook_of(notify, settings.webhook_secret)
    options = RankOptions(
        details=not no_details,
        fresh=fresh,
        formats=tuple(dict.fromkeys(formats.split(","))),
        excel_safe=excel_safe,
        keep=keep,
        refuse_drift=refuse_drift,
        changed_share=changed_share,
        to=to,
        barred=_barred(to, suppress, personal, personal_map),
        master=master_of(engine, master, other),
    )
    with show.steps(5) as progress:
        ranked = rank_orders(
            orders_of(files, mapping, as_of, other),
            model=model_of(model, shop, settings),
            horizons=horizons_of(horizon),
            by=by,
            out=out,
            tracking_uri=settings.tracking_uri,
            progress=progress,
            catalog=catalog_of(own),
            options=options,
        )
    show.refused(ranked.report.refused, ranked.report.read)
    _say_age(ranked.as_of, as_of)
    _say_model(ranked)
    show_rank.ranking(ranked)
    show.trust(ranked.bundle.manifest["backtest"])
    show_rank.run(ranked)
    show.out.print(f"As of {to_date(ranked.as_of)}: {_files_of(out)}")
    if problem := tell(hook, out, ranked.moves, clock=utc_now):
        show.warning(problem)


def _require_known(by: str, formats: str, to: str | None) -> None:
    """Refuse what no option means, before any work."""
    if by not in ("value", "probability"):
        raise DeclarationError(f"--by {by} is not known. Write value or probability.")
    unknown = [one for one in formats.split(",") if one not in FORMATS]
    if unknown:
        raise DeclarationError(f"--formats {unknown[0]} is not known. Write some of {','.join(FORMATS)}.")
    if to is not None and not to.startswith(("postgresql://", "postgres://")):
        raise DeclarationError("--to takes a PostgreSQL address: postgresql://user@host/database.")


def _barred(
    to: str | None, suppress: Path | None, personal: Path | None, personal_map: Path | None
) -> Barred:
    """Return whom the database may not hold, read before any work."""
    from repurchase.barred import Barred
    from serving.outputs.people import read_people

    if suppress is not None and to is None:
        raise DeclarationError("--suppress is of a database here. Give --to, or give it to `export`.")
    if suppress is None and (personal or personal_map):
        raise DeclarationError("--personal tells whose the addresses of --suppress are, which is not given.")
    people, told = read_people(personal, personal_map, utc_now())
    for note in told:
        show.warning(note)
    return Barred.read(suppress, people)


def _say_model(ranked: Ranked) -> None:
    trained_as_of = parse_day(ranked.bundle.manifest["as_of"])
    if trained_as_of > ranked.as_of:
        show.warning(f"the model was trained on orders up to {to_date(trained_as_of)}, after this as-of day.")
    if ranked.absent:
        show.warning(
            f"the model also knows {', '.join(ranked.absent)}; these orders lack them, so it answers without."
        )


def _files_of(out: Path) -> str:
    """Return the files that people open, the first with its folder."""
    names = [name for name in ("scores.parquet", "scores.csv", "scores.jsonl") if (out / name).exists()]
    return ", ".join([f"{out}/{names[0]}", *names[1:], "report.json"])


def backfill(
    files: Files,
    out: Annotated[Path, typer.Option("--out", help="The folder: one file of scores per day.")],
    days: Annotated[
        list[str], typer.Option("--as-of", metavar="YYYY-MM-DD", help="A day to score at. Repeatable.")
    ],
    model: Model = None,
    horizon: Horizon = None,
    shop: Shop = None,
    mapping: Map = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Score every customer as known on each of several days, for a history of scores."""
    settings = Settings.of_environment()
    with show.steps(1) as progress:
        progress("scoring customers")
        written = backfill_job.backfill(
            orders_of(files, mapping, None, other),
            days=sorted({parse_day(day) for day in days}),
            model=model_of(model, shop, settings),
            horizons=horizons_of(horizon),
            out=out,
            tracking_uri=settings.tracking_uri,
            catalog=catalog_of(own),
        )
    for path, rows in written.items():
        show.out.print(f"{rows:,} customers: {path}")


def _say_age(as_of: int, asked: str | None) -> None:
    days = to_day(utc_now()) - as_of
    if days > OLD_AFTER_DAYS and asked is None:
        show.warning(
            f"the last order is {days} days old: the ranking is as of {to_date(as_of)}, not of today."
        )
