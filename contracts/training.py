"""What models learn from and what they answer, as named numpy columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]


@dataclass(frozen=True)
class Outcome:
    """What n customers did in one horizon; NaN where it is not observed.

    bought: (n,) 0 or 1; order_days: (n,) order days; value: (n,) amount less returns, currency.
    """

    bought: Floats
    order_days: Floats
    value: Floats

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Outcome:
        """Return some rows."""
        return Outcome(self.bought[rows], self.order_days[rows], self.value[rows])

    @staticmethod
    def stack(outcomes: Sequence[Outcome]) -> Outcome:
        """Put outcomes below each other."""
        return Outcome(
            np.concatenate([one.bought for one in outcomes]),
            np.concatenate([one.order_days for one in outcomes]),
            np.concatenate([one.value for one in outcomes]),
        )

    @staticmethod
    def unknown(rows: int) -> Outcome:
        """Return outcomes that are not observed."""
        return Outcome(*(np.full(rows, np.nan) for _ in range(3)))

    def hidden(self, rows: NDArray[np.bool_]) -> Outcome:
        """Return the same with some rows not observed."""
        return Outcome(*(np.where(rows, np.nan, values) for values in vars(self).values()))

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Which rows are observed; (n,)."""
        return ~np.isnan(self.bought)


@dataclass(frozen=True)
class Summaries:
    """The BTYD summaries of customers at many earlier cutoffs: how the shop's level moved.

    columns: (n,) each; cutoff: (n,) days; outcomes: for each horizon (days), NaN where it is not over.
    """

    columns: Columns
    cutoff: NDArray[np.int64]
    outcomes: Mapping[int, Outcome]

    def as_known_on(self, day: int) -> Summaries:
        """Return what was known at the end of an earlier day."""
        rows = self.cutoff < day
        cutoff = self.cutoff[rows]
        outcomes = {h: o.take(rows).hidden(cutoff + h > day) for h, o in self.outcomes.items()}
        return Summaries({name: values[rows] for name, values in self.columns.items()}, cutoff, outcomes)


@dataclass(frozen=True)
class TrainingData:
    """All that a model may learn from at one day.

    now: BTYD summary or all features of the customers at that day, (m,) each. panel: features of earlier
    (customer, cutoff) rows, (n,) each; cutoff: (n,) days. outcomes: for each horizon (days) what the panel's
    rows did, all of it over by that day. horizon: the one that counts most. span_days: days from the first order
    to that day; day: that day. summaries: the panel's summaries further back; without them the panel's own.
    """

    now: Columns
    panel: Columns
    cutoff: NDArray[np.int64]
    outcomes: Mapping[int, Outcome]
    horizon: int
    span_days: int
    day: int
    summaries: Summaries | None = None

    def as_known_on(self, day: int) -> TrainingData:
        """Return what could be learnt from at the end of an earlier cutoff day of the panel."""
        now = {name: values[self.cutoff == day] for name, values in self.panel.items()}
        rows = self.cutoff < day
        cutoff = self.cutoff[rows]
        outcomes = {h: o.take(rows).hidden(cutoff + h > day) for h, o in self.outcomes.items()}
        panel = {name: values[rows] for name, values in self.panel.items()}
        span = self.span_days - (self.day - day)
        earlier = self.summaries.as_known_on(day) if self.summaries else None
        return TrainingData(now, panel, cutoff, outcomes, self.horizon, span, day, earlier)

    def window_days(self, most: int) -> list[int]:
        """Return up to `most` cutoffs, one main horizon apart, whose outcomes are known; newest first."""
        if self.horizon not in self.outcomes:
            return []
        found: list[int] = []
        for day in np.unique(self.cutoff[self.outcomes[self.horizon].observed])[::-1].tolist():
            if len(found) < most and (not found or day <= found[-1] - self.horizon):
                found.append(day)
        return found

    def window(self, day: int) -> Window:
        """Return the out-of-time window that begins after the cutoff `day`, whose main outcome is known."""
        rows = self.cutoff == day
        columns = {name: values[rows] for name, values in self.panel.items()}
        return Window(self.as_known_on(day), columns, self.outcomes[self.horizon].take(rows))

    def observed(self, horizon: int) -> tuple[dict[str, Floats], Outcome]:
        """Return the panel rows whose outcome of this horizon is known, and those outcomes."""
        outcome = self.outcomes[horizon]
        rows = outcome.observed
        return {name: values[rows] for name, values in self.panel.items()}, outcome.take(rows)


@dataclass(frozen=True)
class Window:
    """What was known before a finished window, its customers (n,), and what they did in the main horizon."""

    then: TrainingData
    columns: Columns
    outcome: Outcome

    @property
    def bought(self) -> Floats:
        """Who bought; (n,)."""
        return self.outcome.bought


@dataclass(frozen=True)
class Prediction:
    """A model's answer for n customers and one horizon.

    p: (n,) chance of at least one order day; expected_orders: (n,) order days; expected_value: (n,) currency.
    """

    p: Floats
    expected_orders: Floats
    expected_value: Floats
