"""Posted histories, scored at once: which model, as of which day, for which horizons.

Most of what one history costs are calls, not numbers: eight histories cost little more than one. `Together` therefore
scores what several requests have posted as one table, when they wait at the same moment; a customer's scores do not
depend on who is scored beside, to the last bit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import pyarrow as pa

from contracts.days import to_date, to_day
from contracts.tables import CURVE_KNOTS, scores_schema
from serving.lines import local, order_lines
from serving.problems import refused
from serving.shapes.posted import PostedHistory, ScoreRequest

AsOfFrom = Literal["request", "model", "last_order"]
Row = dict[str, Any]
# Requests and histories that are scored together: a table of so many takes 20 ms, in which nobody else is answered.
MOST_REQUESTS = 16
MOST_TOGETHER = 64
# How long the first of several waits for as many as came beside it the last time: about what scoring it alone
# costs.
PATIENCE_S = 0.003


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


@runtime_checkable
class RowScorer(Protocol):
    """A scorer that gives rows as well, without a table in between: a third of the time for one customer."""

    def rows(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> list[Row]:
        """Return the scores as rows, without rank and percentile."""


@dataclass(frozen=True)
class LiveScores:
    """The scores of posted histories; whoever could not be scored has no row."""

    as_of: int
    as_of_from: AsOfFrom
    horizons: tuple[int, ...]
    rows: list[Row]

    @cached_property
    def table(self) -> pa.Table | None:
        """The rows as scores_schema without rank and percentile; None if nobody could be scored."""
        fields = [one for one in scores_schema(self.horizons) if one.name not in ("rank", "percentile")]
        return pa.Table.from_pylist(self.rows, schema=pa.schema(fields)) if self.rows else None


@dataclass(frozen=True)
class Wish:
    """What a request wants: these histories as of a day, for some horizons."""

    histories: Sequence[PostedHistory]
    as_of: int
    as_of_from: AsOfFrom
    horizons: tuple[int, ...]

    @staticmethod
    def of(asked: ScoreRequest, scorer: Scorer, zone: ZoneInfo, now: datetime) -> Wish:
        """Read a request; raise Problem 422 for a horizon beyond what the model can answer."""
        horizons = tuple(dict.fromkeys(asked.horizons or scorer.horizons))
        longest = max(CURVE_KNOTS[-1], *scorer.horizons)
        if max(horizons) > longest:
            raise refused(("body", "horizons"), "horizon", f"The longest horizon is {longest} days.")
        today = to_day(now.astimezone(zone))
        as_of, chosen = _as_of(asked, scorer.default_as_of, zone, today=today)
        return Wish(asked.customers, as_of, chosen, horizons)

    def granted(self, rows: list[Row]) -> LiveScores:
        """Return the scores of these histories."""
        return LiveScores(self.as_of, self.as_of_from, self.horizons, rows)


def score_live(asked: ScoreRequest, *, scorer: Scorer, zone: ZoneInfo, now: datetime) -> LiveScores:
    """Score the posted histories; raise Problem 422 for a horizon beyond what the model can answer."""
    wish = Wish.of(asked, scorer, zone, now)
    return wish.granted(_rows(wish, wish.histories, scorer, zone))


@dataclass
class Together:
    """Scores what is posted in the same moment as one table. For one event loop.

    Clients that were answered together ask again within a moment: as many are waited for, `patience` seconds at most.
    Whoever comes alone is answered at once.
    """

    patience: float = PATIENCE_S
    _waiting: list[_Waiting] = field(default_factory=list)
    _expected: int = 1

    async def score(
        self, asked: ScoreRequest, *, scorer: Scorer, zone: ZoneInfo, now: datetime
    ) -> LiveScores:
        """Score the posted histories as score_live does."""
        one = _Waiting(Wish.of(asked, scorer, zone, now), scorer, zone)
        self._waiting.append(one)
        if len(self._waiting) == 1:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._answer, loop.time() + self.patience)
        return await one.answer

    def _answer(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        if len(self._waiting) < self._expected and loop.time() < until:
            loop.call_soon(self._answer, until)  # a timer would take a whole millisecond
            return
        waiting, self._waiting = self._waiting, []
        self._expected = min(max(len(waiting), self._expected - 1), MOST_REQUESTS)
        for group in _groups(waiting):
            _grant(group)


@dataclass(frozen=True, eq=False)
class _Waiting:
    wish: Wish
    scorer: Scorer
    zone: ZoneInfo
    answer: asyncio.Future[LiveScores] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


def _groups(waiting: Iterable[_Waiting]) -> Iterable[list[_Waiting]]:
    """Return those that can be scored as one table: the same model, day and horizons; no customer twice."""
    groups: dict[tuple[int, int, tuple[int, ...]], list[list[_Waiting]]] = {}
    ids: dict[int, set[str]] = {}
    for one in waiting:
        mine = {history.customer_id for history in one.wish.histories}
        alike = groups.setdefault((id(one.scorer), one.wish.as_of, one.wish.horizons), [])
        if alike and len(alike[-1]) < MOST_REQUESTS and _fits(mine, ids[id(alike[-1])]):
            alike[-1].append(one)
            ids[id(alike[-1])] |= mine
        else:
            alike.append([one])
            ids[id(alike[-1])] = set(mine)
    return [group for alike in groups.values() for group in alike]


def _fits(mine: set[str], theirs: set[str]) -> bool:
    return len(mine) + len(theirs) <= MOST_TOGETHER and mine.isdisjoint(theirs)


def _grant(group: list[_Waiting]) -> None:
    """Score a group as one table; where that fails, one by one, so that each gets its own error."""
    first = group[0]
    everybody = [history for one in group for history in one.wish.histories]
    try:
        rows = _rows(first.wish, everybody, first.scorer, first.zone)
    except Exception as error:
        if len(group) > 1:
            for one in group:
                _grant([one])
        elif not first.answer.done():
            first.answer.set_exception(error)
        return
    found = {row["customer_id"]: row for row in rows}
    for one in group:
        if not one.answer.done():  # whoever has hung up is cancelled
            ids = (history.customer_id for history in one.wish.histories)
            one.answer.set_result(one.wish.granted([found[each] for each in ids if each in found]))


def _rows(wish: Wish, histories: Sequence[PostedHistory], scorer: Scorer, zone: ZoneInfo) -> list[Row]:
    lines = order_lines(histories, zone, until=wish.as_of)
    if not lines.num_rows:
        return []
    if isinstance(scorer, RowScorer):
        return scorer.rows(lines, as_of=wish.as_of, horizons=wish.horizons)
    rows: list[Row] = scorer.score(lines, as_of=wish.as_of, horizons=wish.horizons).to_pylist()
    return rows


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
