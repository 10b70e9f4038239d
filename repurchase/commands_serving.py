"""The commands about answering: serve, pull, totals, key, demo."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import parse_day, to_date, utc_now
from contracts.errors import ArtifactError, DeclarationError
from repurchase import demo as demo_job
from repurchase import show
from repurchase.options import Model, Own, Personal, PersonalMap, Shop, Suppress, catalog_of, model_of
from repurchase.settings import Settings

if TYPE_CHECKING:
    from repurchase.totals_job import Totalled
    from serving.guarding.keys import Key

MOST_GROUPS_SHOWN = 30


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: repurchase serve --store ranking --model model --port 8000")(serve)
    app.command(epilog="Example: repurchase pull --shop myshop --out model --watch 60")(pull)
    app.command(
        epilog="Example: repurchase totals ranking --groups segments.csv --level 0.8 --out totals.csv"
    )(totals)
    app.command(epilog="Example: repurchase key campaigns-tool --keys keys.json")(key)
    app.command(epilog="Example: repurchase demo --out demo")(demo)


def serve(
    store: Annotated[
        Path | None, typer.Option("--store", help="The folder of the published ranking; it may come later.")
    ] = None,
    model: Model = None,
    shop: Shop = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file. Default: REPURCHASE_KEYS or keys.json.")
    ] = None,
    no_keys: Annotated[bool, typer.Option("--no-keys", help="Answer without API keys.")] = False,
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=0, help="Requests of a key in a minute; 0: no limit.")
    ] = 0,
    audit: Annotated[
        Path | None, typer.Option("--audit", help="Note each request here: JSON Lines, nothing personal.")
    ] = None,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log as JSON Lines.")] = False,
    docs: Annotated[bool, typer.Option("--docs/--no-docs", help="Answer /docs and /openapi.json.")] = True,
    pages: Annotated[bool, typer.Option("--pages/--no-pages", help="Answer the marketer's pages.")] = True,
    plan: Annotated[Path | None, typer.Option("--plan", help="What `plan` wrote, for the pages.")] = None,
    diagnosis: Annotated[
        Path | None, typer.Option("--diagnosis", help="What `diagnose` wrote, for the pages.")
    ] = None,
    exports: Annotated[Path | None, typer.Option("--exports", help="The folder of export jobs.")] = None,
    personal: Personal = None,
    personal_map: PersonalMap = None,
    suppress: Suppress = None,
    secure_cookies: Annotated[
        bool, typer.Option("--secure-cookies", help="Cookies over HTTPS only: behind a TLS proxy.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Take newer rankings and models while running.")
    ] = True,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", min=1, max=64, help="Processes: up to 250 MB each, and --per-minute counts in each."
        ),
    ] = 1,
    model_cache: Annotated[
        Path | None,
        typer.Option(
            "--model-cache", help="Copies of models:/…, for when the registry is down. Or REPURCHASE_CACHE."
        ),
    ] = None,
    listen_fd: Annotated[int | None, typer.Option("--listen-fd", hidden=True)] = None,
    parent: Annotated[int | None, typer.Option("--parent", hidden=True)] = None,
    own: Own = None,
) -> None:
    """Answer over HTTP: the published ranking, and live scores of posted histories."""
    from repurchase import serve_job
    from serving.settings import ServiceSettings

    settings = Settings.of_environment()
    served = serve_job.Served(
        model=model_of(model, shop, settings),
        tracking_uri=settings.tracking_uri,
        cache=model_cache or settings.cache,
        store=store,
        keys=None if no_keys else keys or settings.keys,
        host=host,
        port=port,
        workers=workers,
        listen_fd=listen_fd,
        parent=parent,
        log_json=log_json,
        watch=watch,
        catalog=catalog_of(own),
        settings=ServiceSettings(
            docs=docs,
            pages=pages,
            plan=plan,
            diagnosis=diagnosis,
            exports=exports,
            personal=personal,
            personal_map=personal_map,
            suppressed=suppress,
            audit=audit,
            per_minute=per_minute,
            secure=secure_cookies,
        ),
    )
    code = serve_job.serve(served, tell=lambda text: show.out.print(text, markup=False), warn=show.warning)
    if code:
        raise typer.Exit(code)


def pull(
    out: Annotated[Path, typer.Option("--out", help="The model's folder: what `serve --model` reads.")],
    model: Annotated[
        str | None, typer.Option("--model", help="models:/…@champion. Default: the shop's champion.")
    ] = None,
    shop: Shop = None,
    watch: Annotated[
        float | None,
        typer.Option("--watch", metavar="SECONDS", min=1, help="Look again so often, until told to stop."),
    ] = None,
) -> None:
    """Bring a registered model into a folder, checked and whole; running servers take it over from there."""
    from repurchase.model_cache import pull as pull_model

    settings = Settings.of_environment()
    wanted = model_of(model, shop, settings)
    while True:
        try:
            version = pull_model(wanted, out, tracking_uri=settings.tracking_uri)
            if version or watch is None:
                said = "is up to date" if version is None else f"is version {version} now"
                show.out.print(f"{out} {said}.", markup=False)
        except ArtifactError as error:
            if watch is None:
                raise
            show.warning(f"{error} {out} stays as it is; looking again in {watch:g} s.")
        if watch is None:
            return
        time.sleep(watch)


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
    name: Annotated[
        str | None, typer.Argument(help="Who will use it. The same name again replaces the key.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="The key file. Default: REPURCHASE_KEYS or keys.json.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="score:read, export:pii or admin. Repeatable. Default: score:read."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="YYYY-MM-DD", help="The last day (UTC) it opens anything."),
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the key of this name away.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the names, scopes and last days.")] = False,
) -> None:
    """Make an API key and print it once; only its hash is stored. Running servers follow within a second."""
    from serving.guarding.keys import SCORE_READ, keys_in, new_key
    from serving.guarding.keys import revoke as revoke_key

    file = keys or Settings.of_environment().keys
    if list_:
        show.out.print(_keys_table(keys_in(file)))
        return
    if name is None:
        raise DeclarationError("say whose key: `repurchase key NAME`, or `repurchase key --list`.")
    if revoke:
        revoke_key(file, name)
        show.out.print(f"The key '{name}' opens nothing any more.", markup=False)
        return
    last = None if expires is None else to_date(parse_day(expires))
    show.out.print(new_key(file, name, scopes=scope or (SCORE_READ,), expires=last))


def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder for everything the demo makes.")] = Path(
        "demo"
    ),
) -> None:
    """Check, train and rank on CDNOW: 23,570 real customers."""
    demo_job.run(out, now=utc_now())


def _keys_table(keys: list[Key]) -> Table:
    table = Table("name", "scopes", "last day", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for one in keys:
        over = one.expires is not None and not one.lives(utc_now())
        last = "–" if one.expires is None else f"{one.expires}{' (over)' if over else ''}"
        table.add_row(Text(_printable(one.name)), " ".join(sorted(one.scopes)), last)
    return table


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
