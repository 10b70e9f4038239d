"""The commands about answering: serve, key, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.days import utc_now
from contracts.errors import ArtifactError
from repurchase import demo as demo_job
from repurchase import jobs, show
from repurchase.options import Model, Own, Shop, catalog_of, model_of
from repurchase.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command(epilog="Example: repurchase serve --store ranking --model model --port 8000")(serve)
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
