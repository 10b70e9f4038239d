"""The commands about answering: serve, totals, key, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import utc_now
from contracts.errors import ArtifactError
from repurchase import demo as demo_job
from repurchase import jobs, show
from repurchase.options import Model, Own, Shop, catalog_of, model_of
from repurchase.settings import Settings

if TYPE_CHECKING:
    from repurchase.totals_job import Totalled

MOST_GROUPS_SHOWN = 30


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: repurchase serve --store ranking --model model --port 8000")(serve)
    app.command(
        epilog="Example: repurchase totals ranking --groups segments.csv --level 0.8 --out totals.csv"
    )(totals)
    app.command(epilog="Example: repurchase key campaigns-tool --keys keys.json")(key)
    app.command(epilog="Example: repurchase demo --out demo")(demo)


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
    own: Own = None,
) -> None:
    """Answer over HTTP: the published ranking, and live scores of posted histories."""
    from serving.app import create_app
    from serving.keys import KeyRing
    from serving.rank import LiveScorer, require_features
    from serving.server import require_free, server
    from serving.store import Store

    settings, catalog = Settings.of_environment(), catalog_of(own)
    bundle = jobs.open_bundle(model_of(model, shop, settings), tracking_uri=settings.tracking_uri)
    require_features(bundle, catalog)
    ring = None if no_keys else KeyRing.load(_existing_keys(keys or settings.keys))
    opened = Store.open(store) if store else None
    require_free(host, port)
    api = create_app(store=opened, scorer=LiveScorer(bundle, utc_now, catalog), keys=ring, clock=utc_now)
    show.out.print(
        f"http://{host}:{port}/docs · model {bundle.version} · {'no keys' if no_keys else 'keys required'}"
    )
    server(api, host=host, port=port).run()


def totals(
    ranking: Annotated[
        Path, typer.Argument(metavar="RANKING", help="The folder that `rank` published into.")
    ],
    groups: Annotated[
        Path | None, typer.Option("--groups", help="CSV file: customer_id and each one's group.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Group by this column: of the scores, or of the file of groups."),
    ] = None,
    level: Annotated[
        float, typer.Option("--level", help="The chance that a total lies between its bounds.")
    ] = 0.8,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table into this CSV file.")] = None,
) -> None:
    """Add up the lifetime values of groups of customers, with bounds that hold for the sum."""
    from repurchase import totals_job

    found = totals_job.totals(ranking, groups=groups, by=by, level=level, out=out)
    for sentence in found.told:
        show.warning(sentence)
    show.out.print(_totals_table(found))
    show.out.print(
        f"With a chance of {100 * found.level:g} % a total lies between lower and upper. Values add up, bounds do not: "
        "customers' luck cancels out, the season that all share does not."
    )
    if out is not None:
        show.out.print(f"The whole table: {out}", markup=False)


def key(
    name: Annotated[str, typer.Argument(help="Who will use it. The same name again replaces the key.")],
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file. Default: REPURCHASE_KEYS or keys.json.")
    ] = None,
) -> None:
    """Make an API key and print it once; only its hash is stored."""
    from serving.keys import new_key

    show.out.print(new_key(keys or Settings.of_environment().keys, name))


def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder for everything the demo makes.")] = Path(
        "demo"
    ),
) -> None:
    """Check, train and rank on CDNOW: 23,570 real customers."""
    demo_job.run(out, now=utc_now())


def _existing_keys(path: Path) -> Path:
    if not path.is_file():
        raise ArtifactError(
            f"{path}: there is no key file. Make a key with `repurchase key NAME --keys {path}`."
        )
    return path


def _totals_table(found: Totalled) -> Table:
    manifest, rows = found.manifest, found.table.to_pylist()
    title = Text(f"Lifetime value by {_printable(found.by)}" if found.by else "Lifetime value")
    title.append(f" · {manifest['clv']['days']} days after {manifest['as_of']} · {manifest['currency']}")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    table.add_column("group", max_width=40, no_wrap=True, overflow="ellipsis")
    for name in ("customers", "value", "lower", "upper", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[: min(MOST_GROUPS_SHOWN, len(rows) - 1)]:
        table.add_row(*_totals_row(row))
    if len(rows) - 1 > MOST_GROUPS_SHOWN:
        table.add_row(Text(f"… {len(rows) - 1 - MOST_GROUPS_SHOWN:,} more: --out", style="dim"))
    table.add_row(*_totals_row(rows[-1]), style="bold")
    return table


def _totals_row(row: dict[str, Any]) -> list[Text | str]:
    share = "–" if row["clv_share"] is None else f"{row['clv_share']:.1%}"
    values = (f"{row[name]:,.0f}" for name in ("clv", "clv_lower", "clv_upper"))
    return [Text(_printable(row["group"])), f"{row['customers']:,}", *values, share]


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name)
