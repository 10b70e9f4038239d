"""What a plan preview answers, as pydantic shapes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serving.shapes import examples
from serving.shapes.schemas import Provenance


class PointAnswer(BaseModel):
    """What contacting the best so many customers is expected to bring; money in `currency`."""

    contacted: Annotated[int, Field(description="Customers.")]
    cost: Annotated[float, Field(description="Of the contacts, and what offers are expected to give away.")]
    buyers: Annotated[float, Field(description="Contacted customers who order within response_days.")]
    added: Annotated[float, Field(description="Those of them who would not have without the contact.")]
    revenue: Annotated[float, Field(description="The buyers' next orders, before what an offer gives away.")]
    profit: Annotated[float, Field(description="What the contacts add, less their cost.")]
    profit_low: Annotated[float, Field(description="The profit if they move half of what is assumed.")]
    profit_high: Annotated[float, Field(description="The profit if they move one and a half times as much.")]


class OfferUse(BaseModel):
    """An offer, and how many of the chosen customers get it."""

    name: Annotated[str, Field(description="Of our catalogue, or as asked.")]
    label: Annotated[str, Field(description="For people.")]
    customers: Annotated[int, Field(description="Of the chosen customers.")]


class PlannedCustomer(BaseModel):
    """One of the chosen customers."""

    customer_id: Annotated[str, Field(description="As written in the orders.")]
    rank: Annotated[int, Field(description="In the ranking.")]
    offer: Annotated[str, Field(description="The offer that earns most with them.")]
    p_without_contact: Annotated[float, Field(description="The chance that they order anyway.")]
    expected_profit: Annotated[float, Field(description="What contacting them adds.")]


class PlanAnswer(Provenance):
    """Who to contact, and how much that would bring: by the scores alone, before consent, channels and a control."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PLAN]})

    response_days: Annotated[int, Field(description="A contact is credited with orders in so many days.")]
    contact_cost: Annotated[float, Field(description="Of one contact.")]
    margin: Annotated[float, Field(description="The profit's share of the amount.")]
    customers_considered: Annotated[int, Field(description="That meet the filters and for whom an offer is.")]
    chosen: Annotated[PointAnswer, Field(description="What was asked for.")]
    best: Annotated[PointAnswer, Field(description="The number that earns most.")]
    break_even: Annotated[
        int | None, Field(description="Contacting more than this loses money as a whole; null if none does.")
    ]
    curve: Annotated[list[PointAnswer], Field(description="At most 200 points over the number contacted.")]
    offers: list[OfferUse]
    customers: Annotated[list[PlannedCustomer], Field(description="The first 100 of the chosen.")]
    assumptions: Annotated[
        list[str], Field(description="What was assumed and what was left out, in sentences.")
    ]
