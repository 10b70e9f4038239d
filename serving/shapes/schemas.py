"""What the API answers, as pydantic shapes: of customers, the ranking, live scores and the model."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.shapes import examples


class Provenance(BaseModel):
    """What every answer carries."""

    model_version: Annotated[str, Field(description="The first 12 hex digits of the model's sha256.")]
    as_of: Annotated[date, Field(description="The last day that is known; chances count from its end.")]
    scored_at: Annotated[datetime | None, Field(description="When the scores were made (UTC).")]
    valid_until: Annotated[date | None, Field(description="After this day the scores should be made anew.")]
    currency: Annotated[str, Field(description="Of all amounts and values in the answer.")]


class Curve(BaseModel):
    """P(order within this many days); between two days -log(1 - P) is linear."""

    days: Annotated[list[int], Field(description="Days after as_of, rising.")]
    p_repurchase: Annotated[list[float], Field(description="The chance for each of the days.")]


class Score(BaseModel):
    """One customer's scores. Beside the fields below, for every horizon h (days):

    p_repurchase_{h}d, the chance of an order within h days; expected_orders_{h}d, order days; expected_value_{h}d,
    amount less returns, in `currency`; value_lower_{h}d and value_upper_{h}d, between which 8 of 10 values lie.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float]

    customer_id: Annotated[str, Field(description="As written in the orders.")]
    p_alive: Annotated[
        float, Field(description="The chance that they will ever order again; no ranking key.")
    ]
    clv: Annotated[
        float, Field(description="Lifetime value: expected, discounted, times margin (see the model).")
    ]
    clv_lower: Annotated[float, Field(description="8 of 10 lifetime values lie above this …")]
    clv_upper: Annotated[float, Field(description="… and below this, or are equal to one of them.")]
    clv_variance: Annotated[
        float, Field(description="Of the lifetime value, around the level that all share.")
    ]
    next_order_p10: Annotated[
        date | None,
        Field(
            description="Of such customers who order within 365 days, 1 of 10 does by then; null below 5 %."
        ),
    ]
    next_order_p50: Annotated[date | None, Field(description="The same for 5 of 10.")]
    next_order_p90: Annotated[date | None, Field(description="The same for 9 of 10.")]
    tier: Annotated[str | None, Field(description="By value: focus, cultivate or reduce.")]
    lifecycle: Annotated[
        str | None, Field(description="The stage: new, growing, mature, declining, churning or lost.")
    ]
    segment: Annotated[str | None, Field(description="Recency, frequency and amount in one word.")]
    country: Annotated[str | None, Field(description="Of the last order; null where the orders have none.")]
    confidence: Annotated[str, Field(description="How far to trust the value: high, medium or low.")]
    confidence_reason: Annotated[str, Field(description="Why.")]
    recency_days: Annotated[int, Field(description="Days from the last order day to as_of.")]
    frequency: Annotated[int, Field(description="Days with an order, less the first.")]
    monetary_value: Annotated[float, Field(description="Mean amount of an order day.")]
    model: Annotated[str, Field(description="The parts of the model that answered.")]


class RankedScore(Score):
    """One customer of the published ranking."""

    rank: Annotated[int, Field(description="1 is best; each customer has a rank of their own.")]
    percentile: Annotated[
        float, Field(description="Customers with at most the same value, in %; 100 is best.")
    ]


class ChosenColumns(BaseModel):
    """One customer of the published ranking, with the columns that were asked for."""

    model_config = ConfigDict(extra="allow")

    customer_id: Annotated[str, Field(description="As written in the orders.")]
    rank: Annotated[int, Field(description="1 is best.")]


class OrderDay(BaseModel):
    """A day with an order."""

    day: Annotated[date, Field(description="The shop's local day.")]
    amount: Annotated[float, Field(description="Paid for goods that day.")]


class HistorySummary(BaseModel):
    """What the customer ordered, in short. The fields from first_order on come with `history=true`."""

    order_days: Annotated[int, Field(description="Days with an order.")]
    last_order: Annotated[date, Field(description="The last of them.")]
    amount_per_order_day: Annotated[float, Field(description="Mean amount of an order day.")]
    first_order: Annotated[date | None, Field(description="The first day with an order.")] = None
    amount: Annotated[float | None, Field(description="Of all order days together.")] = None
    mean_gap_days: Annotated[float | None, Field(description="Between order days; null with one.")] = None
    recent: Annotated[list[OrderDay] | None, Field(description="The last 20 order days, latest first.")] = (
        None
    )
    missing: Annotated[str | None, Field(description="Why there is no more to tell.")] = None


class ReasonTold(BaseModel):
    """One reason why the chance is higher or lower than usual."""

    text: Annotated[str, Field(description="In words.")]
    direction: Annotated[Literal["raises", "lowers"], Field(description="What it does to the chance.")]
    strength: Annotated[
        Literal["strong", "some", "slight"],
        Field(description="By its share of everything that is added and taken away."),
    ]
    points: Annotated[
        float, Field(description="Percentage points by which the chance would be smaller without.")
    ]
    contribution_logit: Annotated[float, Field(description="The same in log odds; these add up.")]
    group: Annotated[str, Field(description="The idea: several features that tell the same.")]
    feature: Annotated[str | None, Field(description="The most telling feature of it; null for the season.")]
    value: Annotated[float | None, Field(description="The customer's value of the feature; null if unknown.")]


class Reasons(BaseModel):
    """Why the chance of an order within the main horizon is what it is, the largest reason first."""

    horizon_days: Annotated[int, Field(description="The ranking's main horizon.")]
    usual_probability: Annotated[
        float | None, Field(description="The chance of a usual customer of this ranking, to compare with.")
    ]
    items: Annotated[list[ReasonTold], Field(description="At most 5.")]
    missing: Annotated[str | None, Field(description="Why there are none; null if there are.")] = None


class CustomerAnswer(RankedScore, Provenance):
    """One customer of the published ranking. With `horizon` also p_repurchase_{h}d of other horizons."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [examples.CUSTOMER]})

    curve: Curve
    history: HistorySummary
    reasons: Annotated[Reasons | None, Field(description="With `reasons=true`.")] = None


class LookupAnswer(Provenance):
    """The customers that were asked for and are in the ranking, in the order asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LOOKUP]})

    items: list[RankedScore | ChosenColumns]
    not_found: Annotated[
        list[int], Field(description="Which of customer_ids (from 0) are not in the ranking.")
    ]


class RankingAnswer(Provenance):
    """One page of the published ranking, best customers first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RANKING]})

    customers: Annotated[int, Field(description="In the ranking, whatever the filter.")]
    count: Annotated[int | None, Field(description="That meet the filter; with `count=true`.")] = None
    items: list[RankedScore | ChosenColumns]
    next: Annotated[
        str | None, Field(description="For `after`, with the same filter; null on the last page.")
    ]


class LiveScore(Score):
    """One posted history's scores."""

    curve: Curve


class NotScored(BaseModel):
    """A posted customer who cannot be scored, and why."""

    customer_id: Annotated[str, Field(description="As posted.")]
    reason: Annotated[str, Field(description="In words.")]


class ScoreAnswer(Provenance):
    """The scores of the posted histories, in the order they were posted."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SCORE]})

    as_of_from: Annotated[
        Literal["request", "model", "last_order"], Field(description="What as_of was taken from.")
    ]
    horizons: Annotated[list[int], Field(description="Days.")]
    scores: list[LiveScore]
    not_scored: list[NotScored]


class PublishedRanking(Provenance):
    """The published ranking in short."""

    customers: Annotated[int, Field(description="In the ranking.")]
    horizons: Annotated[list[int], Field(description="Days.")]


class FeatureCard(BaseModel):
    """One of the features that the model reads."""

    name: Annotated[str, Field(description="The column.")]
    description: Annotated[str | None, Field(description="What it is; null for one that is not here.")]
    unit: Annotated[str | None, Field(description="Its unit.")]


class TrainedOn(BaseModel):
    """What the model learnt from; null where its card does not say."""

    customers: Annotated[int | None, Field(description="Customers in the training data.")] = None
    first_day: Annotated[date | None, Field(description="The first day of the data.")] = None
    data_cutoff: Annotated[date | None, Field(description="The last day of the data.")] = None
    cutoffs: Annotated[list[date], Field(description="The days as of which it learnt.")] = []
    data_fingerprint: Annotated[str | None, Field(description="Of the order lines.")] = None


class ModelAnswer(Provenance):
    """The model that scores live, and the ranking that is published."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MODEL]})

    model_version: Annotated[
        str, Field(description="Of the model that scores live; ranking.model_version made the ranking.")
    ]
    model_as_of: Annotated[date, Field(description="The last day that the model has learnt from.")]
    as_of: Annotated[
        date, Field(description="The ranking's last day, as in its answers; without a ranking model_as_of.")
    ]
    scored_at: Annotated[
        datetime | None, Field(description="When the ranking was made (UTC); null without one.")
    ]
    valid_until: Annotated[
        date | None, Field(description="After this day the ranking should be made anew; null without one.")
    ]
    timezone: Annotated[str, Field(description="Of the shop's days.")]
    horizons: Annotated[list[int], Field(description="Days that it answers if none is asked for.")]
    model_age_days: Annotated[int, Field(description="From the end of its data to today.")]
    stale: Annotated[bool | None, Field(description="The ranking's valid_until is over; null without one.")]
    trained_on: TrainedOn
    backtest_days: Annotated[int | None, Field(description="The horizon of the figures below.")]
    backtest_customers: Annotated[int | None, Field(description="On whom they were measured, out of time.")]
    metrics: Annotated[dict[str, float], Field(description="Of this model, out of time.")]
    calibration: Annotated[
        dict[str, float],
        Field(description="How far levels were off: calibration_error, and biases as shares of the actual."),
    ]
    compared_with: Annotated[
        dict[str, dict[str, float]], Field(description="The metrics of other models on the same customers.")
    ]
    features: Annotated[list[FeatureCard], Field(description="What it reads.")]
    versions: Annotated[dict[str, str], Field(description="Of the packages it was trained with.")]
    drift: Annotated[
        dict[str, Any] | None,
        Field(
            description="How far inputs and scores of the ranking are from the training data; null if not known."
        ),
    ]
    missing: Annotated[list[str], Field(description="What is not known, in sentences.")]
    card: Annotated[dict[str, Any], Field(description="The model's manifest.")]
    ranking: PublishedRanking | None
