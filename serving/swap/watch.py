"""The watcher: newer models and rankings take over while requests run, by one assignment.

A request takes `service.current` once, at its beginning; the watcher replaces the whole of it. Nothing is ever closed
here: an old store's memory maps go with the last request that holds it, by reference counting. What is damaged is
refused, counted and logged once, and the old one keeps answering.
"""

from __future__ import annotations

import logging
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

from contracts.errors import ContractError, RepurchaseError
from models.bundle import MANIFEST, version_of
from serving.live import Scorer
from serving.service import Current, Service
from serving.store import Store
from serving.stored.shelf import current_home
from serving.swap.source import Kind, Source
from serving.swap.trials import open_model, open_store, version_of_store

logger = logging.getLogger("repurchase.serving")

Result = Literal["done", "refused"]
Count = Callable[[Kind, Result], None]
_STOP_SECONDS = 2.0


def _uncounted(kind: Kind, result: Result) -> None:
    """Count nothing: where there are no metrics."""


class Watcher:
    """Looks at a ranking's folder and a bundle's folder every few seconds, in a thread of its own."""

    def __init__(
        self,
        service: Service,
        *,
        store: Path | None = None,
        bundle: Path | None = None,
        every: float = 5.0,
        open_scorer: Callable[[Path], Scorer] | None = None,
        count: Count = _uncounted,
    ) -> None:
        """Watch for one service; every: seconds. open_scorer loads a bundle (models.bundle.load_bundle verifies it)."""
        if bundle is not None and open_scorer is None:
            raise ContractError("a watched bundle needs open_scorer")
        self._service, self._every, self._count = service, every, count
        self._stores = None if store is None else _stores(store)
        self._models = (
            _models(bundle, open_scorer, service) if bundle is not None and open_scorer is not None else None
        )
        self._asks: SimpleQueue[bool] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, the first time at once."""
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a look that has begun is left to itself after a short while (its thread dies with the process)."""
        self._asks.put(False)
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def look_now(self) -> None:
        """Have the thread look at once; may be called by a signal handler."""
        self._asks.put(True)

    def on_hangup(self) -> None:
        """Look at once whenever the process gets SIGHUP; to be called in the main thread."""
        signal.signal(signal.SIGHUP, lambda *_: self.look_now())

    def look(self) -> None:
        """Look once, and take what is new and sound."""
        store, scorer = self._newer_store(), self._newer_scorer()
        if store is None and scorer is None:
            return
        waiting_store = self._stores.waiting if self._stores else None
        waiting_scorer = self._models.waiting if self._models else None
        self._take(store or waiting_store, scorer or waiting_scorer)

    def _run(self) -> None:
        more = True
        while more:
            try:
                self.look()
            except Exception as error:  # the thread must outlive whatever it meets
                _log_unexpected(error)
            try:
                more = self._asks.get(timeout=self._every)
            except Empty:
                more = True

    def _newer_store(self) -> Store | None:
        served = self._service.current.store
        return self._newer(self._stores, None if served is None else served.version)

    def _newer_scorer(self) -> Scorer | None:
        return self._newer(self._models, self._service.current.scorer.model_version)

    def _newer(self, source: Source[Any] | None, served: str | None) -> Any:
        if source is None:
            return None
        try:
            return source.newer(served)
        except Exception as error:  # whatever a damaged one raises, it is refused
            if not isinstance(error, RepurchaseError | OSError):
                _log_unexpected(error)
            self._refuse(
                source.kind, str(error) if isinstance(error, RepurchaseError) else type(error).__name__
            )
            return None

    def _take(self, store: Store | None, scorer: Scorer | None) -> None:
        """Swap to both, or to the one that fits what is served; the other waits for its counterpart."""
        now = self._service.current
        for one, other in ((store, scorer), (store, None), (None, scorer)):
            wanted = Current(one or now.store, other or now.scorer)
            if (one or other) and wanted.fits:
                self._service.current = wanted
                self._taken(one, other)
                break
        else:
            one, other = None, None
        self._wait(self._stores, None if one else store)
        self._wait(self._models, None if other else scorer)

    def _wait(self, source: Source[Any] | None, left: Store | Scorer | None) -> None:
        """Keep what does not fit until its counterpart is there."""
        if source is None:
            return
        if left is not None and source.waiting is not left:
            self._refuse(source.kind, "its currency is not that of the other one; it waits for a fitting one")
        source.waiting = left

    def _taken(self, store: Store | None, scorer: Scorer | None) -> None:
        if store is not None:
            self._count("store", "done")
            logger.info("ranking %s (%d customers) answers now", store.version, store.count)
        if scorer is not None:
            self._count("model", "done")
            logger.info("model %s answers now", scorer.model_version)

    def _refuse(self, kind: Kind, why: str) -> None:
        self._count(kind, "refused")
        logger.error("the new %s is refused, the old one keeps answering: %s", kind, why)


def _stores(folder: Path) -> Source[Store]:
    return Source("store", folder, current_home, version_of_store, open_store)


def _models(folder: Path, open_scorer: Callable[[Path], Scorer], service: Service) -> Source[Scorer]:
    def open_(home: Path) -> Scorer:
        return open_model(home, open_scorer, clock=service.clock)

    return Source("model", folder, lambda same: same, _version_of_bundle, open_)


def _version_of_bundle(home: Path) -> str | None:
    return version_of(home) if (home / MANIFEST).is_file() else None


def _log_unexpected(error: Exception) -> None:
    """Log an error by its type and the lines it passed; its message may quote a customer."""
    passed = "".join(traceback.format_tb(error.__traceback__))
    logger.error("unexpected %s while looking for a newer model or ranking\n%s", type(error).__name__, passed)
