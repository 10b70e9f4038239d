"""What each stage of a run takes: seconds on the clock, CPU seconds of the process, customers per second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stages:
    """The finished stages by name, in their order: (seconds, CPU seconds)."""

    taken: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside as a stage."""
        clock, cpu = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.taken[name] = (time.monotonic() - clock, time.process_time() - cpu)

    def to_list(self, customers: int) -> list[dict[str, Any]]:
        """Return each stage with what it took."""
        return [
            {
                "stage": name,
                "seconds": round(seconds, 3),
                "cpu_seconds": round(cpu, 3),
                "customers_per_second": round(customers / max(seconds, 1e-9)),
            }
            for name, (seconds, cpu) in self.taken.items()
        ]
