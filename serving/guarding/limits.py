"""How much is let in: requests of a key in a minute, requests at work at once, and seconds for each.

Counted in each process for itself: n workers let n times as much in.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_AT_WORK = 256
# A request that waits for its turn or sends its body slowly ends after this; an answer that has begun has longer.
MAX_SECONDS = 30.0
MAX_ANSWER_SECONDS = 600.0
_MOST_NAMES = 10_000
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do. remaining: requests at once now; refilled_s: seconds until all are there again."""

    granted: bool
    per_minute: int
    remaining: int
    refilled_s: int
    retry_after_s: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10)."""
        policy = f'"minute";q={self.per_minute};w=60'
        left = f'"minute";r={self.remaining};t={self.refilled_s}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


class RateLimit:
    """A token bucket per name: a minute's requests at once, refilled evenly.

    Holds at most 10,000 names; the one unseen for longest is forgotten first. `ticks` gives seconds that never go
    back, so that a clock that is set changes nothing.
    """

    def __init__(
        self, per_minute: int, *, ticks: Callable[[], float] = time.monotonic, most_names: int = _MOST_NAMES
    ) -> None:
        self._per_minute = per_minute
        self._ticks = ticks
        self._most_names = most_names
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> Allowance:
        """Take one request of a name's allowance, if there is one."""
        now, rate = self._ticks(), self._per_minute / _MINUTE
        with self._lock:
            tokens, at = self._buckets.pop(name, (float(self._per_minute), now))
            tokens = min(tokens + (now - at) * rate, float(self._per_minute))
            granted = tokens >= 1.0
            tokens -= granted
            self._buckets[name] = tokens, now
            if len(self._buckets) > self._most_names:
                self._buckets.popitem(last=False)
        return Allowance(
            granted=granted,
            per_minute=self._per_minute,
            remaining=int(tokens),
            refilled_s=math.ceil((self._per_minute - tokens) / rate),
            retry_after_s=max(math.ceil((1.0 - tokens) / rate), 0),
        )
