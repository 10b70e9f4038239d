"""The options that several commands share, and what becomes of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contracts.days import parse_day, utc_now
from contracts.errors import DeclarationError
from features.shop.files import OtherFiles
from repurchase.orders_job import OrdersJob
from repurchase.settings import Settings

if TYPE_CHECKING:
    from features.kernel.declaration import Catalog

Files = Annotated[list[str], typer.Argument(metavar="ORDERS...", help="Order files, folders or globs.")]
RecipeFile = Annotated[Path | None, typer.Option("--recipe", help="TOML file: cutoffs, model, margin, …")]
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

Own = Annotated[
    list[Path] | None,
    typer.Option("--features", help="A Python file with features of your own. Repeatable."),
]
Personal = Annotated[
    Path | None,
    typer.Option(
        "--personal", metavar="FILE", help="E-mail, telephone, consent: a customers' file, or Parquet."
    ),
]
PersonalMap = Annotated[
    Path | None, typer.Option("--personal-map", help="TOML: which of its columns is which.")
]
Suppress = Annotated[
    Path | None,
    typer.Option("--suppress", metavar="FILE", help="Ids, e-mails, numbers that no export may hold."),
]
Engine = Annotated[str, typer.Option("--engine", help="local or spark.")]
Master = Annotated[str, typer.Option("--master", help="Spark's master URL.")]


Tables = list[Path] | None
Events = Annotated[Tables, typer.Option("--events", help="E-mails, visits and carts of the customers.")]
Customers = Annotated[Tables, typer.Option("--customers", help="Attributes of the customers.")]
Products = Annotated[Tables, typer.Option("--products", help="Category, price and cost of the products.")]
Contacts = Annotated[Tables, typer.Option("--contacts", help="Who was contacted in which campaign.")]
Links = Annotated[
    Tables, typer.Option("--links", help="Ids that are one person, and since when it is known.")
]
Apart = Annotated[Path | None, typer.Option("--apart", help="Pairs of ids that are two people.")]
NoMerges = Annotated[bool, typer.Option("--no-merges", help="Every id is a customer of its own.")]
TableMaps = Annotated[
    list[str] | None,
    typer.Option(
        "--table-map", metavar="TABLE=TOML", help="Columns of another table, as events=events.toml."
    ),
]
ControlShare = Annotated[
    list[str] | None,
    typer.Option("--control-share", help="Planned, as 0.1 or CAMPAIGN=0.1. Default: arms of one size."),
]
UnknownConsent = Annotated[
    str,
    typer.Option(
        "--unknown-consent",
        metavar="ask|allow",
        help="ask: who never said yes or no is unknown. allow: taken as yes.",
    ),
]


def others_of(
    *,
    events: Events = None,
    customers: Customers = None,
    products: Products = None,
    contacts: Contacts = None,
    links: Links = None,
    apart: Apart = None,
    no_merges: NoMerges = False,
    table_map: TableMaps = None,
) -> OtherFiles:
    """Return the shop's other files. Its arguments are the options that `with_other_tables` gives a command."""
    named = {
        "events": events,
        "customers": customers,
        "products": products,
        "contacts": contacts,
        "links": links,
    }
    files = {table: tuple(map(str, paths or ())) for table, paths in named.items()}
    pairs = [text.partition("=") for text in table_map or ()]
    wrong = [table for table, sign, _ in pairs if not sign]
    if wrong:
        raise DeclarationError(f"--table-map {wrong[0]}: write it as events=events.toml.")
    by_table = {table: Path(path) for table, _, path in pairs}
    return OtherFiles(**files, apart=apart, maps=by_table, merges=not no_merges)


def with_other_tables(command: Callable[..., None], *, leave_out: Sequence[str] = ()) -> Callable[..., None]:
    """Give a command that takes `other` the options of the other tables, but for those left out."""
    options = inspect.signature(others_of, eval_str=True).parameters
    more = [option for name, option in options.items() if name not in leave_out]
    own = inspect.signature(command, eval_str=True)
    parameters = [*(one for one in own.parameters.values() if one.name != "other"), *more]

    @wraps(command)
    def run(**given: Any) -> None:
        other = others_of(**{option.name: given.pop(option.name) for option in more})
        command(**given, other=other)

    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    return run


def master_of(engine: str, master: str, other: OtherFiles) -> str | None:
    """Return the master of the Spark that is to do it, None for this machine; DeclarationError for what it cannot."""
    if engine not in ("local", "spark"):
        raise DeclarationError(f"--engine {engine} is not known. Write local or spark.")
    if engine == "spark" and other.names:
        raise DeclarationError(
            "--engine spark reads orders only. Leave the other tables out, or use the local engine."
        )
    return master if engine == "spark" else None


def catalog_of(files: list[Path] | None) -> Catalog:
    """Return the catalogue with the features of these files after its own."""
    from features.catalog import CATALOG
    from features.own import load_features

    catalog = CATALOG
    for path in files or ():
        catalog = load_features(path, catalog=catalog)
    return catalog


def orders_of(
    files: list[str], mapping: Path | None, as_of: str | None, other: OtherFiles | None = None
) -> OrdersJob:
    """Return the orders that a command works on."""
    return OrdersJob(
        tuple(files), mapping, None if as_of is None else parse_day(as_of), utc_now(), other or OtherFiles()
    )


def horizons_of(asked: list[int] | None) -> tuple[int, ...]:
    """Return the asked horizons, each once."""
    return tuple(dict.fromkeys(asked or ()))


def shop_name(asked: str | None, settings: Settings) -> str:
    """Return the shop's name; DeclarationError if it cannot be one."""
    shop = settings.shop if asked is None else asked
    if not shop or any(c in shop for c in "/:@. ") or not shop.isprintable():
        raise DeclarationError(f"the shop's name {shop!r} may not be empty or hold any of / : @ . or spaces.")
    return shop


def model_of(model: str | None, shop: str | None, settings: Settings) -> str:
    """Return the asked model, else the shop's champion."""
    return model or f"models:/repurchase-{shop_name(shop, settings)}@champion"


def pairs_of(
    option: str, texts: list[str] | None, example: str, *, named: bool = True
) -> list[tuple[str, str]]:
    """Read NAME=VALUE; without a name ("") only where that is allowed, and then it is the only one."""
    pairs = [text.rpartition("=") for text in texts or ()]
    for (name, _, value), text in zip(pairs, texts or (), strict=True):
        if not value or (not name and (named or len(pairs) > 1)):
            raise DeclarationError(f"{option} {text}: write it as {example}.")
    return [(name, value) for name, _, value in pairs]


def amounts_of(option: str, texts: list[str] | None, *, named: bool = True) -> dict[str, float]:
    """Read NAME=NUMBER by name."""
    example = "OFFER=2.50" if named else "0.1, or CAMPAIGN=0.1 for each"
    found = {}
    for name, value in pairs_of(option, texts, example, named=named):
        try:
            found[name] = float(value)
        except ValueError:
            raise DeclarationError(f"{option}: '{value}' is no number. Write it as {example}.") from None
        if not 0 <= found[name] < float("inf"):
            raise DeclarationError(f"{option}: {value} is below 0 or endless. Write it as {example}.")
    return found


def control_share_of(texts: ControlShare) -> Mapping[str, float] | float | None:
    """Return the one planned share of control of all campaigns, the shares by campaign, or None."""
    given = amounts_of("--control-share", texts, named=False)
    if not given:
        return None
    return given[""] if set(given) == {""} else {name: share for name, share in given.items() if name}
