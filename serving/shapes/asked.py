"""What the endpoints beside /v1/score take: filters, and the bodies of look-ups, previews and exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from contracts.errors import nearest
from contracts.tables import scores_schema
from serving.problems import refused
from serving.shapes import examples
from serving.shapes.posted import MAX_ID, Date, HorizonDays, NotNegative, Posted, Text
from serving.store import Store
from serving.stored.choices import unknown_choice
from serving.stored.where import AMOUNT, CHOICES, PERCENT, SHARE, Where

MAX_LOOKUP = 1_000
MAX_OFFERS = 8
_MAX_HORIZONS = 20
_MAX_WORDS, _MAX_COLUMNS, _KNOWN_SHOWN = 50, 200, 60
_SEARCH = "The customer_id begins with this, to the letter."

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
# Of the ranking: whatever stood in the orders.
KnownId = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=r"^[^\x00]+$")]
Search = Annotated[str, Field(max_length=MAX_ID, pattern=r"^[^\x00]*$", description=_SEARCH)]
Words = Annotated[list[Word], Field(max_length=_MAX_WORDS)]
Percent = Annotated[float, Field(ge=PERCENT[0], le=PERCENT[1], allow_inf_nan=False)]
Share = Annotated[float, Field(ge=SHARE[0], le=SHARE[1], allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=AMOUNT[0], le=AMOUNT[1], allow_inf_nan=False)]
Columns = Annotated[list[Word], Field(min_length=1, max_length=_MAX_COLUMNS)]
_PERCENTILE = "100 is the best customer."
_VALUE = "Expected value within the ranking's main horizon, in its currency."
_P = "Chance of an order within the ranking's main horizon."
_FROM = "The last order is on this day or later."
_TO = "The last order is on this day or earlier."


class NoQuery(BaseModel):
    """Nothing: a parameter that is not known is refused everywhere, so that a slip of the pen is seen."""

    model_config = ConfigDict(extra="forbid")


class _Conditions(BaseModel):
    """What a filter asks for, in an address or in a body."""

    segment: Words = Field(default_factory=list, description="Any of these.")
    tier: Words = Field(default_factory=list, description="Any of these.")
    lifecycle: Words = Field(default_factory=list, description="Any of these stages.")
    country: Words = Field(default_factory=list, description="Any of these.")
    confidence: Words = Field(default_factory=list, description="high, medium, low.")
    percentile_min: Annotated[Percent | None, Field(description=_PERCENTILE)] = None
    percentile_max: Annotated[Percent | None, Field(description=_PERCENTILE)] = None
    value_min: Annotated[Amount | None, Field(description=_VALUE)] = None
    value_max: Annotated[Amount | None, Field(description=_VALUE)] = None
    p_min: Annotated[Share | None, Field(description=_P)] = None
    p_max: Annotated[Share | None, Field(description=_P)] = None


class FilterQuery(NoQuery, _Conditions):
    """Which customers: all conditions must hold; of a repeated one, any value. Unknown parameters are refused."""

    last_order_from: Annotated[date | None, Field(description=_FROM)] = None
    last_order_to: Annotated[date | None, Field(description=_TO)] = None
    search: Search = ""


class Filters(Posted, _Conditions):
    """Which customers: all conditions must hold; of several words, any. Empty: all customers."""

    last_order_from: Annotated[Date | None, Field(description=_FROM)] = None
    last_order_to: Annotated[Date | None, Field(description=_TO)] = None
    search: Search = ""


class CustomerQuery(NoQuery):
    """What to tell of one customer beyond the scores."""

    horizon: Annotated[
        list[HorizonDays],
        Field(
            max_length=_MAX_HORIZONS,
            description="Days; repeatable. Adds p_repurchase_{h}d.",
            examples=[[45]],
        ),
    ] = []
    history: Annotated[
        bool, Field(description="Also first order, amount, mean gap and the last 20 order days (some ms).")
    ] = False
    reasons: Annotated[
        bool,
        Field(description="Also why the chance is what it is, in words (some ms; the first one longer)."),
    ] = False


class LookupRequest(Posted):
    """Customers of the published ranking by their ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LOOKUP_REQUEST]})

    customer_ids: Annotated[
        list[KnownId],
        Field(min_length=1, max_length=MAX_LOOKUP, fail_fast=True, description=f"At most {MAX_LOOKUP:,}."),
    ]
    columns: Annotated[
        Columns | None,
        Field(description="Only these beside customer_id and rank; left out: all but the curve."),
    ] = None


class OfferAsked(Posted):
    """An offer: one of our catalogue by its name, or your own."""

    name: Annotated[Text, Field(min_length=1, description="In our catalogue it brings its figures along.")]
    cost: Annotated[NotNegative | None, Field(description="Given away by each redemption, in currency.")] = (
        None
    )
    discount: Annotated[Share | None, Field(description="Given away as a share of the basket.")] = None
    lift: Annotated[
        Share | None,
        Field(description="ASSUMPTION: the share of those who would not have bought that one contact wins."),
    ] = None


class PlanRequest(Posted):
    """What a campaign may cost and offer. Without budget and customers: the number that earns most."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PLAN_REQUEST]})

    budget: Annotated[NotNegative | None, Field(description="For contacts and what offers give away.")] = None
    customers: Annotated[
        int | None, Field(ge=0, le=10**9, description="Contact so many, the best first.")
    ] = None
    contact_cost: Annotated[NotNegative, Field(description="Of one contact, in currency.")]
    margin: Annotated[
        Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None,
        Field(description="The profit's share of the amount; left out: the model's, else .3 is assumed."),
    ] = None
    response_days: Annotated[
        int, Field(ge=1, le=180, description="A contact is credited with orders in so many days after it.")
    ] = 30
    offers: list[OfferAsked] = Field(
        default_factory=list,
        max_length=MAX_OFFERS,
        description="Each customer gets the one that earns most; none: a plain message.",
    )
    filters: Filters = Filters()

    @field_validator("offers")
    @classmethod
    def _distinct(cls, offers: list[OfferAsked]) -> list[OfferAsked]:
        if len({each.name for each in offers}) < len(offers):
            raise PydanticCustomError("duplicate_offer", "Each offer may stand once in a request.")
        return offers


class ExportRequest(Posted):
    """What to write into a file."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORT_REQUEST]})

    format: Annotated[Word, Field(description="csv, jsonl, parquet, or an audience format.")]
    filters: Filters = Filters()
    columns: Annotated[
        Columns | None, Field(description="Only these; left out: all that the format has.")
    ] = None
    limit: Annotated[int | None, Field(ge=1, le=10**9, description="At most so many, the best first.")] = None
    excel_safe: Annotated[
        bool | None,
        Field(
            description="CSV: texts that a spreadsheet would run as formulas are made harmless; left out: yes."
        ),
    ] = None
    addresses: Annotated[
        bool,
        Field(description="With e-mail addresses and telephone numbers, for audiences; needs export:pii."),
    ] = False


def where_of(asked: FilterQuery | Filters, store: Store, *, at: Sequence[str] = ("query",)) -> Where:
    """Return the filter for a store; raise Problem 422 for a word that cannot be meant.

    at: the place of the filters in the request.
    """
    there = store.values()
    for name in CHOICES:
        wrong = unknown_choice(name, getattr(asked, name), there)
        if wrong is not None:
            raise refused((*at, name), "unknown_value", _no_such(name, *wrong))
    given: dict[str, Any] = {one.name: getattr(asked, one.name) for one in fields(Where)}
    given |= {name: tuple(getattr(asked, name)) for name in CHOICES}
    return Where(**given)


def _no_such(name: str, text: str, known: Sequence[str]) -> str:
    more = f" and {len(known) - _KNOWN_SHOWN} more" if len(known) > _KNOWN_SHOWN else ""
    return f"There is no such {name}{nearest(text, known) or '.'} Known: {', '.join(known[:_KNOWN_SHOWN])}{more}."


def score_columns(store: Store) -> list[str]:
    """Return the columns of a store's scores."""
    return list(scores_schema(store.horizons).names)


def chosen_columns(
    asked: Sequence[str] | None, known: Sequence[str], *, at: Sequence[str]
) -> list[str] | None:
    """Return the columns asked for, each once; Problem 422 if one is not there."""
    if asked is None:
        return None
    if not set(asked) <= set(known):
        raise refused(at, "unknown_column", f"A column is not known. Known: {', '.join(known)}.")
    return list(dict.fromkeys(asked))
