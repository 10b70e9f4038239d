"""Posted histories, scored at once: which model, as of which day, for which horizons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from contracts.days import to_date, to_day
from contracts.tables import CURVE_KNOTS
from serving.lines import local, order_lines
from serving.posted import ScoreRequest
from serving.problems import refused

AsOfFrom = Literal["request", "model", "last_order"]


class Scorer(Protocol):
    """A model that scores order histories."""

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons it answers when none is asked for (days)."""

    @property
    def default_as_of(self) -> int:
        """The last day of the data it was trained on."""

    @property
    def currency(self) -> str:
        """The currency of its values."""

    @property
    def timezone(self) -> str:
        """The shop's time zone (IANA name)."""

    @property
    def model_version(self) -> str:
        """The version of the model."""

    def score(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> pa.Table:
        """Return scores_schema(horizons); customers without an order day up to as_of are absent."""

    def card(self) -> dict[str, object]:
        """Return what there is to know about the model, as plain JSON values."""


@dataclass(frozen=True)
class LiveScores:
    """The scores of posted histories (None: nobody could be scored)."""

    as_of: int
    as_of_from: AsOfFrom
    horizons: tuple[int, ...]
    table: pa.Table | None


def score_live(asked: ScoreRequest, *, scorer: Scorer, zone: ZoneInfo, now: datetime) -> LiveScores:
    """Score the posted histories; raise Problem 422 for a horizon beyond what the model can answer."""
    horizons = tuple(dict.fromkeys(asked.horizons or scorer.horizons))
    longest = max(CURVE_KNOTS[-1], *scorer.horizons)
    if max(horizons) > longest:
        raise refused(("body", "horizons"), "horizon", f"The longest horizon is {longest} days.")
    as_of, chosen = _as_of(asked, scorer.default_as_of, zone, today=to_day(now.astimezone(zone)))
    lines = order_lines(asked.customers, zone, until=as_of)
    table = scorer.score(lines, as_of=as_of, horizons=horizons) if lines.num_rows else None
    return LiveScores(as_of, chosen, horizons, table if table is not None and table.num_rows else None)


def _as_of(asked: ScoreRequest, default: int, zone: ZoneInfo, *, today: int) -> tuple[int, AsOfFrom]:
    """Choose the day to score at: as asked, else the model's, or the last order's if that is later."""
    if asked.as_of is not None:
        return to_day(asked.as_of), "request"
    orders = (order for history in asked.customers for order in history.orders if not order.takes_back)
    days = (to_day(local(order.ordered_at, zone)) for order in orders)
    last = max((day for day in days if day <= today), default=default)
    return (last, "last_order") if last > default else (default, "model")


def reason_not_scored(as_of: int) -> str:
    """Return why a posted customer has no scores."""
    return f"no order on or before {to_date(as_of)} (returns and cancelled orders are none)"
