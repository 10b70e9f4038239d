"""Serving: the application, what watches for newer models and rankings, and the process around them."""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.days import utc_now
from contracts.errors import ArtifactError, DeclarationError
from repurchase.model_cache import local_model
from repurchase.workers import run_workers, stop_without

if TYPE_CHECKING:
    from features.kernel.declaration import Catalog
    from serving.live import Scorer
    from serving.server import Application
    from serving.settings import ServiceSettings
    from serving.store import Store

Tell = Callable[[str], None]
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True)
class Served:
    """What is served, and how. keys: None where everybody may ask; listen_fd: a socket that a parent process opened."""

    model: str
    tracking_uri: str
    cache: Path
    store: Path | None
    keys: Path | None
    host: str
    port: int
    workers: int
    listen_fd: int | None
    parent: int | None
    log_json: bool
    watch: bool
    settings: ServiceSettings
    catalog: Catalog

    def require_sound(self) -> None:
        """Raise DeclarationError for what several processes cannot share, ArtifactError where nothing can be served."""
        if self.workers > 1 and (self.settings.pages or self.settings.exports is not None):
            raise DeclarationError(
                "--workers: sessions of pages and export jobs live in one process. Add --no-pages and leave --exports "
                "out, and serve those by a second `repurchase serve` on another port."
            )
        if self.store is not None and not self.watch and not _has_ranking(self.store):
            raise ArtifactError(
                f"{self.store} holds no ranking. Make one with `repurchase rank --out {self.store}`, or leave out "
                "--no-watch: the server then waits for it."
            )


def serve(served: Served, *, tell: Tell, warn: Tell) -> int:
    """Serve until told to stop; return the exit code."""
    served.require_sound()
    if served.listen_fd is None:  # else the parent has looked
        _check_people(served.settings, warn)
    folder = local_model(served.model, tracking_uri=served.tracking_uri, cache=served.cache, warn=warn)
    if served.workers > 1:
        return _by_workers(served, folder, tell=tell)
    return _alone(served, folder, tell=tell, warn=warn)


def _check_people(settings: ServiceSettings, warn: Tell) -> None:
    """Read whom exports may address and may not hold, as each export does; raises what is wrong with the files."""
    from repurchase.barred import Barred
    from serving.outputs.people import read_people

    people, told = read_people(settings.personal, settings.personal_map, utc_now())
    for note in (*told, *Barred.read(settings.suppressed, people).notes):
        warn(note)


def _by_workers(served: Served, folder: Path, *, tell: Tell) -> int:
    from serving.server import listening

    more = ("--workers", "1", "--model", str(folder))
    command = [sys.executable, "-m", "repurchase.cli", *sys.argv[1:], *more]
    with listening(served.host, served.port) as listened:
        tell(f"http://{served.host}:{served.port} · {served.workers} workers")
        return run_workers(served.workers, command=command, listening=listened)


def _alone(served: Served, folder: Path, *, tell: Tell, warn: Tell) -> int:
    from serving.guarding import logs, traces
    from serving.guarding.guard import guard_of
    from serving.server import require_free, server

    if served.listen_fd is None:
        require_free(served.host, served.port)
    api = application(served, folder, warn=warn)
    guard = guard_of(api)
    guard.needs_ranking = served.store is not None
    guard.traces = traces.traces_of(os.environ)
    logs.start(as_json=served.log_json)
    if served.listen_fd is None:
        tell(_greeting(served, api))
    if served.parent is not None:
        stop_without(served.parent)
    running = server(api, host=served.host, port=served.port)
    gc.collect()
    gc.freeze()  # what stays as long as the process: the collector need not walk it while requests wait
    stop_watching = _watching(served, api, folder) if served.watch else None
    try:
        running.run(None if served.listen_fd is None else [socket.socket(fileno=served.listen_fd)])
    finally:
        gc.unfreeze()
        if stop_watching is not None:
            stop_watching()
        if guard.audit is not None:
            guard.audit.close()
        if guard.traces is not None:
            guard.traces.close()
    return 0


def application(served: Served, folder: Path, *, warn: Tell) -> Application:
    """Return the application over a bundle's folder; ArtifactError if the ranking does not belong to the model."""
    from serving.app import create_app
    from serving.guarding.keys import KeyRing

    ring = None if served.keys is None else KeyRing.load(_existing(served.keys))
    store, scorer = _opened(served, warn), _scorer(served.catalog)(folder)
    if store is not None:
        _require_fitting(store, scorer, served.store)
    return create_app(
        store=store,
        scorer=scorer,
        keys=ring,
        clock=utc_now,
        settings=served.settings,
    )


def _require_fitting(store: Store, scorer: Scorer, folder: Path | None) -> None:
    """Raise ArtifactError unless a ranking and a model may answer together: what a swap asks as well."""
    from serving.service import Current

    if not Current(store, scorer).fits:
        raise ArtifactError(
            f"{folder}: the ranking's values are in {store.currency} (by model {store.manifest['model_version']}), the "
            f"model's are in {scorer.currency} ({scorer.model_version}). Rank again with this model, or give --model "
            "the one that made the ranking."
        )


def _opened(served: Served, warn: Tell) -> Store | None:
    from serving.store import Store

    if served.store is None:
        return None
    if not _has_ranking(served.store):
        warn(f"{served.store} holds no ranking yet: /health/ready says so until there is one.")
        return None
    return Store.open(served.store)


def _has_ranking(store: Path) -> bool:
    return store.is_dir() and any(store.iterdir())


def _scorer(catalog: Catalog) -> Callable[[Path], Scorer]:
    from models.bundle import load_bundle
    from serving.live_scorer import LiveScorer
    from serving.rank import require_features

    def opened(folder: Path) -> Scorer:
        bundle = load_bundle(folder)
        require_features(bundle, catalog)
        return LiveScorer(bundle, utc_now, catalog)

    return opened


def _watching(served: Served, api: Application, folder: Path) -> Callable[[], None]:
    """Begin to watch the ranking's and the model's folders; return how to stop."""
    from serving.guarding.guard import guard_of
    from serving.swap.watch import Watcher

    swaps = guard_of(api).metrics.swaps

    def count(kind: str, result: str) -> None:
        swaps.labels(kind=kind, result=result).inc()

    watcher = Watcher(
        api.state.service,
        store=served.store,
        bundle=folder,
        every=_LOOK_EVERY_S,
        open_scorer=_scorer(served.catalog),
        count=count,
    )
    watcher.start()
    watcher.on_hangup()
    return watcher.stop


def _greeting(served: Served, api: Application) -> str:
    docs = "/docs" if served.settings.docs else ""
    version = api.state.service.current.scorer.model_version
    keys = "no keys" if served.keys is None else "keys required"
    return f"http://{served.host}:{served.port}{docs} · model {version} · {keys}"


def _existing(keys: Path) -> Path:
    if not keys.is_file():
        raise ArtifactError(
            f"{keys}: there is no key file. Make a key with `repurchase key NAME --keys {keys}`."
        )
    return keys
