"""Load without a pause: resident memory is flat after warm-up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from serving.store import publish
from tests.faults.models import write_model
from tests.faults.running import serving
from tests.faults.test_swaps import Clients, ranking_of

MOST_MB_PER_MINUTE = 0.5


@pytest.mark.parametrize(
    ("seconds", "clients"),
    [
        pytest.param(10, 1, id="10s"),
        pytest.param(600, 8, marks=[pytest.mark.faults, pytest.mark.full], id="10min"),
    ],
)
def test_memory_is_flat_under_load(
    tmp_path: Path, seconds: int, clients: int, tell: Callable[[str], None]
) -> None:
    write_model(tmp_path / "model")
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    with serving(tmp_path) as server:
        asking = Clients(server)
        threads = [threading.Thread(target=asking.run) for _ in range(clients)]
        for thread in threads:
            thread.start()
        begun, sizes = time.monotonic(), []
        while (passed := time.monotonic() - begun) < seconds:
            sizes.append((passed, server.resident_mb))
            time.sleep(0.5)
        asking.stop.set()
        for thread in threads:
            thread.join()
    warm = np.array([one for one in sizes if one[0] > seconds / 3])
    slope = 60.0 * float(np.polyfit(warm[:, 0], warm[:, 1], 1)[0])
    grown = float(warm[-10:, 1].mean() - warm[:10, 1].mean())
    tell(
        f"{seconds} s of load by {clients} clients: {asking.answers} answers, {len(asking.failed)} failed; resident "
        f"memory {warm[-1, 1]:.0f} MB, slope after warm-up {slope:+.3f} MB/min, grown {grown:+.2f} MB"
    )
    assert not asking.failed and not asking.torn
    assert grown < (2.0 if seconds < 60 else MOST_MB_PER_MINUTE * seconds / 60)
    assert warm[-1, 1] < 250
