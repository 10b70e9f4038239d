"""What was worked out from a ranking, kept as long as the ranking is open and not longer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from serving.store import Store

T = TypeVar("T")


class Kept(Generic[T]):
    """Answers about stores, at most `most` for each; a store that was swapped out takes its own with it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: WeakKeyDictionary[Store, OrderedDict[Hashable, T]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, store: Store, key: Hashable, make: Callable[[], T]) -> T:
        """Return the answer that is kept under a key, or make it."""
        with self._lock:
            kept = self._of.setdefault(store, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        made = make()
        with self._lock:
            kept[key] = made
            while len(kept) > self._most:
                kept.popitem(last=False)
        return made
