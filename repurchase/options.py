"""The options that several commands share, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.days import parse_day, utc_now
from contracts.errors import DeclarationError
from repurchase.orders_job import OrdersJob
from repurchase.settings import Settings

if TYPE_CHECKING:
    from features.kernel.declaration import Catalog

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

Own = Annotated[
    list[Path] | None,
    typer.Option("--features", help="A Python file with features of your own. Repeatable."),
]


def catalog_of(files: list[Path] | None) -> Catalog:
    """Return the catalogue with the features of these files after its own."""
    from features.catalog import CATALOG
    from features.own import load_features

    catalog = CATALOG
    for path in files or ():
        catalog = load_features(path, catalog=catalog)
    return catalog


def orders_of(files: list[str], mapping: Path | None, as_of: str | None) -> OrdersJob:
    """Return the orders that a command works on."""
    return OrdersJob(tuple(files), mapping, None if as_of is None else parse_day(as_of), utc_now())


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
