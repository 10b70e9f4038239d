"""What the API answers, as pydantic shapes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Provenance(BaseModel):
    """What every answer carries."""

    model_version: str
    as_of: date
    scored_at: datetime | None
    valid_until: date | None
    currency: str


class Curve(BaseModel):
    """P(order within this many days)."""

    days: list[int]
    p_repurchase: list[float]


class Score(BaseModel):
    """One customer's scores, with p_repurchase, expected_orders, expected_value and its bounds `_{h}d` per horizon."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    customer_id: str
    p_alive: float
    clv: float
    clv_lower: float
    clv_upper: float
    clv_variance: float
    next_order_p10: date | None
    next_order_p50: date | None
    next_order_p90: date | None
    tier: str | None
    lifecycle: str | None
    segment: str | None
    country: str | None
    confidence: str
    confidence_reason: str
    recency_days: int
    frequency: int
    monetary_value: float
    model: str


class RankedScore(Score):
    """One customer of the published ranking."""

    rank: int
    percentile: float


class CustomerAnswer(RankedScore, Provenance):
    """One customer of the published ranking, with the chance curve."""

    curve: Curve


class RankingAnswer(Provenance):
    """One page of the published ranking; `next` goes into `after` and is null on the last page."""

    customers: int
    items: list[RankedScore]
    next: str | None


class LiveScore(Score):
    """One posted history's scores."""

    curve: Curve


class NotScored(BaseModel):
    """A posted customer who cannot be scored, and why."""

    customer_id: str
    reason: str


class ScoreAnswer(Provenance):
    """The scores of the posted histories, in the order they were posted."""

    as_of_from: Literal["request", "model", "last_order"]
    horizons: list[int]
    scores: list[LiveScore]
    not_scored: list[NotScored]


class PublishedRanking(Provenance):
    """The published ranking in short."""

    customers: int
    horizons: list[int]


class ModelAnswer(Provenance):
    """The model that scores live, and the ranking that is published."""

    timezone: str
    horizons: list[int]
    card: dict[str, Any]
    ranking: PublishedRanking | None
