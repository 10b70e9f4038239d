"""What the nightly run's report says of the past: predictions that have come due, and drift; absent stays absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from contracts.metrics import FAR_OFF
from serving.store import Store


@dataclass(frozen=True)
class Tenth:
    """A tenth of an old ranking: what was expected of it, and what happened. Values in the shop's currency."""

    customers: int
    expected_buyers: float
    buyers: float
    expected_value: float
    value: float


@dataclass(frozen=True)
class Finished:
    """A finished window: `days` after `as_of`, until `until`; tenths: those with customers, the best first.

    ranked: how many customers were ranked then; they are all here, or an even sample of them. in_sample: the model had
    learnt from days of the window; it is no test of it.
    """

    as_of: str
    until: str
    days: int
    model_version: str
    ranked: int
    in_sample: bool
    tenths: tuple[Tenth, ...]

    @property
    def customers(self) -> int:
        """How many customers were looked at."""
        return sum(one.customers for one in self.tenths)

    @property
    def expected_buyers(self) -> float:
        """How many were predicted to buy."""
        return sum(one.expected_buyers for one in self.tenths)

    @property
    def buyers(self) -> float:
        """How many did."""
        return sum(one.buyers for one in self.tenths)


def finished_of(report: Mapping[str, Any]) -> Finished | None:
    """Return the last finished window of a report, or None if there is none."""
    found = report.get("finished")
    if not isinstance(found, Mapping) or not found.get("tenths"):
        return None
    names = ("customers", "expected_buyers", "buyers", "expected_value", "value")
    tenths = tuple(
        Tenth(**{name: one[name] for name in names}) for one in found["tenths"] if one["customers"]
    )
    if not tenths:
        return None
    return Finished(
        str(found["as_of"]),
        str(found["until"]),
        int(found["horizon"]),
        str(found["model_version"]),
        int(found["customers_ranked"]),
        bool(found.get("in_sample", False)),
        tenths,
    )


def due_on(store: Store) -> date:
    """Return the day on which the predictions of a ranking come due; a ranking of that day or later tells of them."""
    return date.fromisoformat(store.manifest["as_of"]) + timedelta(days=store.horizon)


@dataclass(frozen=True)
class LastTest:
    """How far the totals of the model's recipe were off on a window that it had not seen: shares of the actual ones."""

    origin: str
    days: int
    buyers_off: float
    value_off: float

    @property
    def far(self) -> bool:
        """Whether the order of the ranking can be trusted more than its totals."""
        return max(abs(self.buyers_off), abs(self.value_off)) > FAR_OFF


def last_test_of(card: Mapping[str, Any]) -> LastTest | None:
    """Return the last test that a model's card tells of; None if it tells of none."""
    found = card.get("backtest")
    own = found.get("metrics", {}).get(card.get("model")) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not own:
        return None
    return LastTest(str(found["origin"]), int(found["horizon"]), own["level_bias"], own["value_bias"])


@dataclass(frozen=True)
class Drift:
    """Whether the customer base still looks like the training data. flagged: None where nothing could be compared."""

    flagged: bool | None
    reasons: tuple[str, ...]
    rule: str


def drift_of(report: Mapping[str, Any]) -> Drift:
    """Return what a report says of drift."""
    found = report.get("drift")
    if not isinstance(found, Mapping):
        return Drift(None, (), "")
    compared = bool(found.get("known", True)) or bool(found["flagged"])
    flagged = bool(found["flagged"]) if compared else None
    return Drift(flagged, tuple(map(str, found.get("reasons", ()))), str(found.get("rule", "")))
