"""At which days a backtest asks its models, and which window stays sealed.

Whoever tries many recipes on the same windows tunes to them in the end. Therefore the last finished window is left
out of ordinary backtests, outcomes and all, wherever the history is long enough to spare it, and is run alone,
once, for the figure that is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.days import to_date
from contracts.errors import DataError

# What the oldest origin must have behind it, in horizons, before a window is given away for the seal.
SPANS_TO_SPARE = 2


@dataclass(frozen=True)
class Windows:
    """The origins, oldest first; the sealed window (its first and last day) or None; what a reader must know."""

    origins: tuple[int, ...]
    sealed: tuple[int, int] | None
    notes: tuple[str, ...]


def windows(
    first_day: int, last_day: int, *, horizons: Sequence[int], count: int, step: int, final: bool
) -> Windows:
    """Choose the origins between the first and the last day of a history.

    count: how many, `step` days apart, fewer where the history is too short. final: the sealed window alone.
    Raises DataError if the history holds no window after one to learn from.
    """
    longest = max(horizons)
    earliest, newest = first_day + longest, last_day - longest
    if newest < earliest:
        raise DataError(
            f"the history spans {last_day - first_day} days ({to_date(first_day)} to {to_date(last_day)}); a backtest "
            f"over {longest} days needs {2 * longest}. Give a longer history or a shorter --horizon."
        )
    spared = newest - longest - (count - 1) * step >= first_day + SPANS_TO_SPARE * longest
    window = f"{to_date(newest + 1)} to {to_date(last_day)}"
    if final:
        return Windows((newest,), None, () if spared else (_NEVER_SEALED.format(window=window),))
    sealed = (newest + 1, last_day) if spared else None
    origins = _origins(newest - longest if spared else newest, earliest, count, step)
    notes = [f"the window {window} stays sealed; --final runs it, once" if spared else _NOTHING_SEALED]
    if len(origins) < count:
        notes.append(f"the history has room for {len(origins)} of the {count} origins asked for")
    return Windows(origins, sealed, tuple(notes))


_NOTHING_SEALED = "the history is too short to spare a window: nothing is sealed"
_NEVER_SEALED = "the history is too short to seal {window}: ordinary backtests have used it too"


def _origins(newest: int, earliest: int, count: int, step: int) -> tuple[int, ...]:
    return tuple(day for day in (newest - k * step for k in reversed(range(count))) if day >= earliest)
