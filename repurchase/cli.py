"""The command line. Each command reads its options, runs one job and shows the result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from contracts.days import parse_day, to_date, to_day, utc_now
from contracts.errors import ArtifactError, DeclarationError, RepurchaseError
from repurchase import demo as demo_job
from repurchase import jobs, orders_job, show
from repurchase.settings import Settings

app = typer.Typer(
    name="repurchase",
    help="Which customers will buy again, what they are worth, and what to do about it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
OLD_AFTER_DAYS = 7

Files = Annotated[list[str], typer.Argument(metavar="ORDERS...", help="Order files, folders or globs.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="YYYY-MM-DD",
        help="Nothing after the end of this day is used. Default: the last order day.",
    ),
]
Map = Annotated[Path | None, typer.Option("--map", help="TOML file that says which column is which.")]
Horizon = Annotated[
    list[int] | None,
    typer.Option(
        "--horizon", min=1, max=3650, help="Days ahead; the first one ranks. Repeatable. Default: 90."
    ),
]
Shop = Annotated[
    str | None, typer.Option("--shop", help="The shop's name in MLflow. Default: REPURCHASE_SHOP.")
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="Bundle folder or models:/…@champion. Default: the shop's champion."),
]


@app.command(epilog="Example: repurchase check orders.csv --map shop.toml")
def check(
    files: Files,
    mapping: Map = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="Write refused rows to this Parquet file.")] = None,
) -> None:
    """Read an order history and say what was kept, refused and why."""
    from features.cleaning.report import print_report

    with show.steps(1) as progress:
        progress("reading orders")
        report = orders_job.check(_orders(files, mapping, as_of), out=out)
    print_report(report, show.out)
    if out is not None:
        show.out.print(f"{report.refused:,} refused rows are in {out}.")


@app.command(
    epilog="Example: repurchase features orders.csv --as-of 2011-09-10 --cutoffs 12 --horizon 90 --out panel.parquet"
)
def features(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[ORDERS]...", help="Order files, folders or globs.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="A .parquet file, or a folder of parts for large orders.")
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
    list_them: Annotated[
        bool, typer.Option("--list", help="List the features, with what each needs.")
    ] = False,
) -> None:
    """Write one row of features per customer (and cutoff)."""
    from features.catalog import CATALOG
    from repurchase.features_job import FeaturesJob, write_features

    if list_them:
        show.catalog(CATALOG)
        return
    if not files or out is None:
        raise DeclarationError("give the orders and --out FILE.parquet (or a folder), or --list.")
    names = tuple(name.strip() for name in pick.split(",")) if pick else ()
    wanted = FeaturesJob(_horizons(horizon) or (90,), cutoffs, names, CATALOG)
    with show.steps(1) as progress:
        progress("computing features")
        written = write_features(_orders(files, mapping, as_of), wanted, out=out)
    show.out.print(f"{written.rows:,} rows, {written.columns} columns: {out}")


@app.command(
    epilog="Example: repurchase prepare exports/ --out prepared; then: repurchase prepare tonight.csv --append prepared"
)
def prepare(
    files: Files,
    out: Annotated[Path | None, typer.Option("--out", help="The new folder.")] = None,
    append: Annotated[Path | None, typer.Option("--append", help="Add to this folder instead.")] = None,
    mapping: Map = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, max=2000, help="Default: one per 600,000 rows.")
    ] = None,
) -> None:
    """Keep large orders prepared: later commands take the folder instead of the files, and files can be added."""
    from features.prepared.store import Prepared

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
            made, known = Prepared.open(append).append(files)
            for path in known:
                show.warning(f"{path} was taken in before, and is left out.")
        else:
            assert out is not None
            made = orders_job.prepare(_orders(files, mapping, None), folder=out, partitions=partitions)
    show.out.print(
        f"{made.overview.rows:,} rows of {len(made.paths)} sources in {made.count} partitions: {made.folder}"
    )


@app.command(epilog="Example: repurchase train orders.csv --shop myshop --horizon 90 --out model")
def train(
    files: Files,
    as_of: AsOf = None,
    horizon: Horizon = None,
    shop: Shop = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Put the model bundle into this folder as well.")
    ] = None,
    mapping: Map = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="TOML file: cutoffs, model, margin, …")
    ] = None,
) -> None:
    """Train and compare models, write one MLflow run, register the model."""
    from experiments.recipe import Recipe

    settings = Settings.of_environment()
    wanted = (Recipe.read(recipe) if recipe else Recipe()).with_horizons(_horizons(horizon))
    with show.steps(5) as progress:
        trained, registered, report = jobs.train(
            _orders(files, mapping, as_of),
            recipe=wanted,
            shop=_shop_name(shop, settings),
            tracking_uri=settings.tracking_uri,
            out=out,
            progress=progress,
        )
    _say_refused(report.refused, report.read)
    show.training(trained)
    became = "is now" if trained.decision.promoted else "did not become"
    show.out.print(
        f"Version {registered.version} of {registered.name} {became} @champion: {trained.decision.reason}."
    )
    if out is not None:
        note = "" if trained.decision.promoted else ", though it is not the champion"
        show.out.print(f"The bundle {trained.version} is in {out}{note}.")


@app.command(
    epilog="Example: repurchase rank orders.csv --model models:/repurchase-myshop@champion --out ranking"
)
def rank(
    files: Files,
    out: Annotated[Path, typer.Option("--out", help="The folder to publish into.")],
    as_of: AsOf = None,
    model: Model = None,
    horizon: Horizon = None,
    by: Annotated[str, typer.Option(help="value or probability.")] = "value",
    shop: Shop = None,
    mapping: Map = None,
) -> None:
    """Score and rank every customer, and publish the result."""
    if by not in ("value", "probability"):
        raise DeclarationError(f"--by {by} is not known. Write value or probability.")
    settings = Settings.of_environment()
    with show.steps(4) as progress:
        ranked = jobs.rank(
            _orders(files, mapping, as_of),
            model=_model(model, shop, settings),
            horizons=_horizons(horizon),
            by=by,
            out=out,
            tracking_uri=settings.tracking_uri,
            progress=progress,
        )
    _say_refused(ranked.report.refused, ranked.report.read)
    _say_age(ranked.as_of, as_of)
    trained_as_of = parse_day(ranked.bundle.manifest["as_of"])
    if trained_as_of > ranked.as_of:
        show.warning(f"the model was trained on orders up to {to_date(trained_as_of)}, after this as-of day.")
    if ranked.absent:
        show.warning(
            f"the model also knows {', '.join(ranked.absent)}; these orders lack them, so it answers without."
        )
    main = _horizons(horizon) or (int(ranked.bundle.manifest["horizon"]),)
    show.ranking(ranked.scores, horizon=main[0], currency=ranked.report.currency)
    show.trust(ranked.bundle.manifest["backtest"])
    show.out.print(f"As of {to_date(ranked.as_of)}: {out}/scores.parquet, scores.csv, lookup.sqlite")


@app.command(epilog="Example: repurchase serve --store ranking --model model --port 8000")
def serve(
    store: Annotated[Path | None, typer.Option("--store", help="A published ranking.")] = None,
    model: Model = None,
    shop: Shop = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file. Default: REPURCHASE_KEYS or keys.json.")
    ] = None,
    no_keys: Annotated[bool, typer.Option("--no-keys", help="Answer without API keys.")] = False,
) -> None:
    """Answer over HTTP: the published ranking, and live scores of posted histories."""
    from serving.app import create_app
    from serving.keys import KeyRing
    from serving.rank import LiveScorer
    from serving.server import require_free, server
    from serving.store import Store

    settings = Settings.of_environment()
    bundle = jobs.open_bundle(_model(model, shop, settings), tracking_uri=settings.tracking_uri)
    ring = None if no_keys else KeyRing.load(_existing_keys(keys or settings.keys))
    opened = Store.open(store) if store else None
    require_free(host, port)
    api = create_app(store=opened, scorer=LiveScorer(bundle, utc_now), keys=ring, clock=utc_now)
    show.out.print(
        f"http://{host}:{port}/docs · model {bundle.version} · {'no keys' if no_keys else 'keys required'}"
    )
    server(api, host=host, port=port).run()


@app.command(epilog="Example: repurchase key campaigns-tool --keys keys.json")
def key(
    name: Annotated[str, typer.Argument(help="Who will use it. The same name again replaces the key.")],
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file. Default: REPURCHASE_KEYS or keys.json.")
    ] = None,
) -> None:
    """Make an API key and print it once; only its hash is stored."""
    from serving.keys import new_key

    show.out.print(new_key(keys or Settings.of_environment().keys, name))


@app.command(epilog="Example: repurchase demo --out demo")
def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder for everything the demo makes.")] = Path(
        "demo"
    ),
) -> None:
    """Check, train and rank on CDNOW: 23,570 real customers."""
    demo_job.run(out, now=utc_now())


def main() -> None:
    """Run the command line; what a user must mend ends with one message and exit code 2."""
    try:
        app()
    except RepurchaseError as error:
        show.failure(str(error))
        sys.exit(2)
    except OSError as error:
        show.failure(f"{error.filename or 'the system'}: {error.strerror or error}.")
        sys.exit(2)


def _orders(files: list[str], mapping: Path | None, as_of: str | None) -> orders_job.OrdersJob:
    return orders_job.OrdersJob(tuple(files), mapping, None if as_of is None else parse_day(as_of), utc_now())


def _horizons(asked: list[int] | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(asked or ()))


def _shop_name(asked: str | None, settings: Settings) -> str:
    shop = settings.shop if asked is None else asked
    if not shop or any(c in shop for c in "/:@. ") or not shop.isprintable():
        raise DeclarationError(f"the shop's name {shop!r} may not be empty or hold any of / : @ . or spaces.")
    return shop


def _model(model: str | None, shop: str | None, settings: Settings) -> str:
    return model or f"models:/repurchase-{_shop_name(shop, settings)}@champion"


def _existing_keys(path: Path) -> Path:
    if not path.is_file():
        raise ArtifactError(
            f"{path}: there is no key file. Make a key with `repurchase key NAME --keys {path}`."
        )
    return path


def _say_refused(refused: int, read: int) -> None:
    if refused:
        show.warning(
            f"{refused:,} of {read:,} rows were refused ({refused / read:.1%}); `repurchase check` says why."
        )


def _say_age(as_of: int, asked: str | None) -> None:
    days = to_day(utc_now()) - as_of
    if days > OLD_AFTER_DAYS and asked is None:
        show.warning(
            f"the last order is {days} days old: the ranking is as of {to_date(as_of)}, not of today."
        )


if __name__ == "__main__":
    main()
