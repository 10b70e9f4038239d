"""What the API takes, as pydantic shapes: strict finite numbers, closed objects, stated caps."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, from_json

from serving.problems import Place, Problem, as_it_is, refused_body

MAX_BODY_BYTES = 8 * 2**20
MAX_CUSTOMERS = 1_000
MAX_ORDERS_EACH = 10_000
MAX_ORDERS = 100_000
MAX_ID = 4_096
MAX_HORIZONS = 12
MAX_HORIZON_DAYS = 3_650
_MAX_AMOUNT = 1e15
_YEARS = range(1971, 2200)
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
_IS_DATE = re.compile(_DATE)
_IS_MOMENT = re.compile(f"{_DATE}([T ]{_TIME})?")


def _read_moment(value: Any) -> datetime:
    """Read a date or a time; dates are their midnight."""
    if isinstance(value, str) and _IS_MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.year in _YEARS:
            return moment
    raise PydanticCustomError(
        "moment",
        "Write it as YYYY-MM-DD or YYYY-MM-DDThh:mm:ss, with or without an offset; years 1971 to 2199.",
    )


def _read_date(value: Any) -> date:
    if isinstance(value, str) and _IS_DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is not None and day.year in _YEARS:
            return day
    raise PydanticCustomError("date", "Write it as YYYY-MM-DD; years 1971 to 2199.")


Moment = Annotated[
    datetime,
    PlainValidator(_read_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_DATE}([T ]{_TIME})?$",
            "description": "A date or a time; without an offset it is the shop's local time.",
            "examples": ["1998-03-14", "1998-03-14T18:30:00+01:00"],
        }
    ),
]
Date = Annotated[
    date,
    PlainValidator(_read_date),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["1998-04-01"]}),
]
# Neither NUL nor what turns the direction of the text after it: an id that reads as another one.
_TEXT = r"[^\x00\u202a-\u202e\u2066-\u2069]"
Text = Annotated[str, Field(max_length=512, pattern=f"^{_TEXT}*$")]
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=f"^{_TEXT}+$")]
Number = Annotated[float, Field(ge=-_MAX_AMOUNT, le=_MAX_AMOUNT, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=_MAX_AMOUNT, allow_inf_nan=False)]
HorizonDays = Annotated[int, Field(ge=1, le=MAX_HORIZON_DAYS)]


class Posted(BaseModel):
    """Something that was sent: closed, strict, and with no more fields than it has names for."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: Any) -> Any:
        # Each unknown field costs an error entry: a body of nothing else would cost 700 MB.
        if isinstance(value, dict) and len(value) > len(cls.model_fields):
            raise PydanticCustomError("too_many_fields", "There are more fields than this object knows.")
        return value


class PostedOrder(Posted):
    """One order, or one line of an order if several share an order_id.

    A return that undoes one whole earlier sale (same product, quantity and price; same amount where no
    product is named) cancels it from its own day on.
    """

    ordered_at: Moment
    amount: Annotated[
        Number,
        Field(description="Paid for goods after discount, in the shop's currency; below 0 it is a return."),
    ]
    order_id: Annotated[
        Id | None,
        Field(
            description="If left out, the entry is an order of its own; in a history that names products, "
            "the entries of one second are one order."
        ),
    ] = None
    quantity: Annotated[Number | None, Field(description="1 if left out; below 0 it is a return.")] = None
    product_id: Text | None = None
    category: Text | None = None
    discount: NotNegative | None = None
    unit_price: Number | None = None
    coupon: Text | None = None
    cost: Number | None = None
    channel: Text | None = None
    country: Text | None = None
    cancelled_at: Annotated[
        Date | None,
        Field(description="The day the order was cancelled; do not post a line that takes it back as well."),
    ] = None
    returned: Annotated[bool, Field(description="Goods came back; the amount is taken as paid out.")] = False

    @property
    def takes_back(self) -> bool:
        """Whether this is a return."""
        return self.returned or self.amount < 0 or (self.quantity is not None and self.quantity < 0)

    @model_validator(mode="after")
    def _makes_sense(self) -> PostedOrder:
        if self.quantity == 0:
            raise PydanticCustomError("quantity", "quantity must not be 0.")
        if self.amount < 0 and not self.takes_back:
            raise PydanticCustomError(
                "amount", "An amount below 0 needs returned: true or a quantity below 0."
            )
        if self.cancelled_at is not None and self.takes_back:
            raise PydanticCustomError("cancelled_at", "A return cannot be cancelled.")
        return self


class PostedHistory(Posted):
    """One customer's orders, in any order."""

    customer_id: Id
    orders: Annotated[list[PostedOrder], Field(max_length=MAX_ORDERS_EACH, fail_fast=True)]


class ScoreRequest(Posted):
    """Order histories to score now."""

    model_config = ConfigDict(
        json_schema_extra={
            "description": f"At most {MAX_CUSTOMERS:,} customers, {MAX_ORDERS_EACH:,} orders each, "
            f"{MAX_ORDERS:,} orders and {MAX_BODY_BYTES:,} bytes in all.",
            "examples": [
                {
                    "as_of": "1998-04-01",
                    "horizons": [30, 90],
                    "customers": [
                        {
                            "customer_id": "A-17",
                            "orders": [
                                {"ordered_at": "1997-01-12", "amount": 29.33},
                                {
                                    "ordered_at": "1997-08-02T18:30:00+02:00",
                                    "amount": 14.0,
                                    "order_id": "1042",
                                },
                            ],
                        }
                    ],
                }
            ],
        }
    )

    customers: Annotated[list[PostedHistory], Field(min_length=1, max_length=MAX_CUSTOMERS, fail_fast=True)]
    as_of: Date | None = None
    horizons: Annotated[list[HorizonDays] | None, Field(min_length=1, max_length=MAX_HORIZONS)] = None

    @field_validator("customers")
    @classmethod
    def _distinct_and_few(cls, customers: list[PostedHistory]) -> list[PostedHistory]:
        if len({each.customer_id for each in customers}) < len(customers):
            raise PydanticCustomError("duplicate_customer", "Each customer_id may stand once in a request.")
        if sum(len(each.orders) for each in customers) > MAX_ORDERS:
            raise PydanticCustomError("too_many_orders", f"A request may hold {MAX_ORDERS:,} orders in all.")
        return customers


Shape = TypeVar("Shape", bound=BaseModel)
# What may follow the quote that ends a name.
_NAME_ENDS = (b'":', b'" ', b'"\n', b'"\t', b'"\r')


def read_score_request(body: bytes) -> ScoreRequest:
    """Read a request body; raise Problem 400 if it is no JSON and 422 if it does not fit."""
    return read_posted(body, ScoreRequest)


def read_posted(body: bytes, shape: type[Shape]) -> Shape:
    """Read a body of a shape; raise Problem 400 if it is no JSON and 422 if it does not fit."""
    return checked(read_json(body), shape)


def checked(
    value: Any, shape: type[Shape], *, place: Place = as_it_is, names: frozenset[str] = frozenset()
) -> Shape:
    """Return a value in its shape; Problem 422 if it does not fit.

    place: see serving.problems.refused_body; names: more names that a problem may show.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise refused_body(error, names_of(shape) | names, place=place) from None


def read_json(body: bytes) -> Any:
    """Return what a body says; Problem 400 if it is not valid JSON, or says two things under one name."""
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise Problem(400, "The body is not valid JSON (RFC 8259).") from None
    names = _count_names(value)
    # The quick count is never too low; where it is higher, it is counted without the texts.
    if sum(map(body.count, _NAME_ENDS)) != names and _count_colons(body) != names:
        raise Problem(400, "A name stands twice in one object of the body.")
    return value


def _count_colons(body: bytes) -> int:
    """Return how many colons of valid JSON stand outside its texts: one per name."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(plain.split(b'"')[::2]).count(b":")


def _count_names(value: Any) -> int:
    """Return how many names the objects of a JSON value have in all."""
    count, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            count += len(one)
            waiting += [each for each in one.values() if type(each) is dict or type(each) is list]
        elif type(one) is list:
            waiting += [each for each in one if type(each) is dict or type(each) is list]
    return count


@cache
def names_of(shape: type[BaseModel]) -> frozenset[str]:
    """Return the field names of a shape and of all shapes in it: those that a problem may show."""
    schema = shape.model_json_schema()
    shapes = (schema, *schema.get("$defs", {}).values())
    return frozenset({"body", *(name for each in shapes for name in each.get("properties", ()))})
