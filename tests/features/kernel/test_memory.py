"""What a history holds goes with it: partitions follow one another without waiting for the collector."""

from __future__ import annotations

import gc
import weakref

from features.kernel.history import History
from features.panel import each_cutoff
from tests import worlds


def test_a_history_is_freed_as_soon_as_nobody_holds_it() -> None:
    lines = worlds.orders().lines
    gc.disable()
    try:
        history = History.from_lines(lines)
        for panel in each_cutoff(history, [worlds.AS_OF - 60, worlds.AS_OF], observed_until=worlds.AS_OF):
            assert len(panel.features)
        held: list[weakref.ref[object]] = [weakref.ref(history), weakref.ref(history.lines)]
        held += [weakref.ref(known) for known in history._known]
        del history, panel
        assert [one() for one in held] == [None] * len(held)
    finally:
        gc.enable()
