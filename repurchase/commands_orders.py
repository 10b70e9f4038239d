"""The commands about orders: check, features, prepare, identity, generate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.errors import DeclarationError
from features.shop.files import OtherFiles
from repurchase import orders_job, show
from repurchase.options import (
    AsOf,
    Engine,
    Files,
    Horizon,
    Map,
    Master,
    Model,
    Own,
    Shop,
    catalog_of,
    horizons_of,
    master_of,
    model_of,
    orders_of,
    with_other_tables,
)
from repurchase.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: repurchase check orders.csv --map shop.toml")(with_other_tables(check))
    app.command(
        epilog="Example: repurchase features orders.csv --as-of 2011-09-10 --cutoffs 12 --out panel.parquet"
    )(with_other_tables(features))
    app.command(
        epilog="Example: repurchase prepare exports/ --out prepared, nightly prepare x.csv --append prepared"
    )(prepare)
    app.command(
        epilog="Example: repurchase identity orders.csv --customers customers.csv --out merges.parquet"
    )(with_other_tables(identity, leave_out=("no_merges",)))
    app.command(epilog="Example: repurchase generate --lines 1000000 --out world")(generate)


def check(
    files: Files,
    mapping: Map = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="Write refused rows to this Parquet file.")] = None,
    suggest_map: Annotated[
        bool,
        typer.Option("--suggest-map", help="Print a mapping file with samples beside each guess instead."),
    ] = False,
    *,
    other: OtherFiles,
) -> None:
    """Read an order history and say what was kept, refused and why."""
    from features.cleaning.report import print_report

    if suggest_map:
        _suggest(files, out)
        return
    with show.steps(1) as progress:
        progress("reading orders")
        report = orders_job.check(orders_of(files, mapping, as_of, other), out=out)
    print_report(report, show.out)
    if out is not None:
        show.out.print(f"{report.refused:,} refused rows are in {out}.")


def _suggest(files: list[str], out: Path | None) -> None:
    from features.reading.suggest import suggest

    suggestion = suggest(files)
    if out is None:
        show.out.print(suggestion.text, markup=False, end="")
    else:
        orders_job.require_file_target(out)
        out.write_text(suggestion.text, encoding="utf-8")
        show.out.print(f"{out}: read it, correct it, then: repurchase check {files[0]} --map {out}")
    if suggestion.missing:
        show.warning(f"no column was found for {', '.join(suggestion.missing)}. Name it in the file.")


def features(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDERS]...", help="Order files, folders or globs.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="A .parquet file, or a folder of parts for large orders.")
    ] = None,
    as_of: AsOf = None,
    cutoffs: Annotated[
        int, typer.Option(min=0, help="Earlier cutoffs, with outcomes. 0: the as-of day alone, without.")
    ] = 0,
    horizon: Horizon = None,
    mapping: Map = None,
    pick: Annotated[
        str | None, typer.Option("--pick", help="Only these features, separated by commas.")
    ] = None,
    outcomes: Annotated[
        bool, typer.Option("--outcomes/--no-outcomes", help="What became of the customers after each cutoff.")
    ] = True,
    list_them: Annotated[
        bool, typer.Option("--list", help="List the features, with what each needs.")
    ] = False,
    own: Own = None,
    engine: Engine = "local",
    master: Master = "local[*]",
    *,
    other: OtherFiles,
) -> None:
    """Write one row of features per customer (and cutoff)."""
    from repurchase.features_job import FeaturesJob, write_features, write_on_spark

    catalog = catalog_of(own)
    if list_them:
        show.catalog(catalog)
        return
    if not files or out is None:
        raise DeclarationError("give the orders and --out FILE.parquet (or a folder), or --list.")
    spark = master_of(engine, master, other)
    names = tuple(name.strip() for name in pick.split(",")) if pick else ()
    wanted = FeaturesJob(horizons_of(horizon) or (90,), cutoffs, names, catalog, outcomes)
    with show.steps(1) as progress:
        progress("computing features")
        job = orders_of(files, mapping, as_of, other)
        if spark is not None:
            written = write_on_spark(job, wanted, master=spark, out=out)
        else:
            written = write_features(job, wanted, out=Path(out))
    show.out.print(f"{written.rows:,} rows, {written.columns} columns: {out}")


def prepare(
    files: Files,
    out: Annotated[Path | None, typer.Option("--out", help="The new folder.")] = None,
    append: Annotated[Path | None, typer.Option("--append", help="Add to this folder instead.")] = None,
    mapping: Map = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, max=2000, help="Default: one per 400,000 rows.")
    ] = None,
) -> None:
    """Keep large orders prepared: later commands take the folder instead of the files, and files can be added."""
    from features.cleaning.report import print_report

    if (out is None) == (append is None):
        raise DeclarationError(
            "give either --out FOLDER for new prepared orders, or --append FOLDER to add to some."
        )
    if append is not None and (mapping is not None or partitions is not None):
        raise DeclarationError(
            "--append goes by the mapping and the partitions of the folder. Leave the options out."
        )
    with show.steps(1) as progress:
        progress("taking in orders")
        if append is not None:
            made, known = orders_job.append(append, files)
        else:
            assert out is not None
            made, report = orders_job.prepare(
                orders_of(files, mapping, None), folder=out, partitions=partitions
            )
    if append is None:
        print_report(report, show.out)
    else:
        for path in known:
            show.warning(f"{path} was taken in before, and is left out.")
    show.out.print(
        f"{made.overview.rows:,} rows of {len(made.paths)} sources in {made.count} partitions: {made.folder}"
    )


def identity(
    files: Files,
    mapping: Map = None,
    as_of: AsOf = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write who was merged to this Parquet file.")
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="What the ranking would be if nobody were merged.")
    ] = False,
    model: Model = None,
    shop: Shop = None,
    own: Own = None,
    *,
    other: OtherFiles,
) -> None:
    """Say who is one person under several ids, since when and why."""
    from repurchase.identity_job import compare_rankings, find_merges

    job = orders_of(files, mapping, as_of)
    with show.steps(1) as progress:
        progress("looking for people with several ids")
        found = find_merges(job, other, out=out)
    show.sentences([*found.notes, *found.report.sentences()])
    if out is not None:
        show.out.print(f"Who was merged is in {out}.")
    if sensitivity:
        settings = Settings.of_environment()
        with show.steps(1) as progress:
            progress("ranking with and without merging")
            compared = compare_rankings(
                job,
                other,
                model=model_of(model, shop, settings),
                tracking_uri=settings.tracking_uri,
                catalog=catalog_of(own),
            )
        show.sentences(compared.sentences())


def generate(
    out: Annotated[Path, typer.Option("--out", help="The folder for orders.parquet and the like.")],
    lines: Annotated[
        int | None,
        typer.Option(min=100, max=1_000_000_000, help="About how many order lines. Default: a million."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another shop.")] = 1,
    days: Annotated[int, typer.Option(min=30, max=36_500, help="The length of the history.")] = 730,
    events: Annotated[bool, typer.Option("--events", help="E-mails, visits and carts as well.")] = False,
    truth: Annotated[bool, typer.Option("--truth", help="What each customer really is, as well.")] = False,
    campaigns: Annotated[
        int | None,
        typer.Option("--campaigns", min=0, help="A smaller shop with all tables and so many past campaigns."),
    ] = None,
    customers: Annotated[
        int | None, typer.Option("--customers", help="With --campaigns: how many. Default: 20,000.")
    ] = None,
    response: Annotated[
        str | None,
        typer.Option(
            "--response", help="With --campaigns, what lifts go by: segment, hidden, potential or none."
        ),
    ] = None,
) -> None:
    """Generate the orders of a shop of which everything is known, for trials and benchmarks."""
    if campaigns is not None:
        if lines is not None:
            raise DeclarationError("--campaigns counts in customers. Give --customers in place of --lines.")
        asked = {"customers": customers, "response": response}
        given = {name: value for name, value in asked.items() if value is not None}
        _generate_campaigns(out, campaigns=campaigns, seed=seed, days=days, **given)
        return
    if customers is not None or response is not None:
        raise DeclarationError(
            "--customers and --response go with --campaigns. Give --campaigns 8, or leave them out."
        )
    from experiments.worlds import World
    from experiments.worlds import generate as make

    with show.steps(1) as progress:
        progress("generating orders")
        world = World(lines=1_000_000 if lines is None else lines, seed=seed, days=days)
        made = make(world, out, events=events, truth=truth)
    counts = f"{made.lines:,} order lines of {made.customers:,} customers, {made.returns:,} of them returns"
    show.out.print(f"{counts}: {out}/orders.parquet")


def _generate_campaigns(out: Path, **asked: Any) -> None:
    from experiments.known_campaigns import CampaignWorld
    from experiments.known_campaigns.files import write

    with show.steps(1) as progress:
        progress("generating a shop with campaigns")
        made = write(CampaignWorld(**asked), out)
    show.out.print(
        f"{made.lines:,} order lines of {made.customers:,} customers, {made.returns:,} of them returns; "
        f"{made.contacts:,} contacts of {made.campaigns} campaigns; {made.events:,} events"
    )
    show.out.print(
        f"{out}: orders, contacts, customers, events and products.parquet; truth.parquet: what no shop knows"
    )
