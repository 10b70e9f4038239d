"""Order lines as other servers' protocols post them, put into the histories that /v1/score takes, and back.

Open Inference (KServe v2): flat tensors, one per column, a row per order line. MLflow: `dataframe_split`,
`dataframe_records`, or `inputs` or `instances` by column or by row. Rows of one customer are one history; every rule
and cap of /v1/score holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.tables import scores_schema
from serving.live import LiveScores
from serving.problems import Loc, refused
from serving.shapes.posted import (
    MAX_HORIZONS,
    MAX_ORDERS,
    Date,
    HorizonDays,
    Posted,
    PostedOrder,
    ScoreRequest,
    checked,
)

MODEL_NAME = "repurchase"
_NUMBERS = ("amount", "quantity", "discount", "unit_price", "cost")
COLUMNS = ("customer_id", *PostedOrder.model_fields)
REQUIRED = ("customer_id", "ordered_at", "amount")
_NOT_TOLD = ("curve", "rank", "percentile", "as_of", "model_version", "scored_at", "valid_until", "currency")
_NAMES = frozenset(
    ("inputs", "instances", "dataframe_split", "dataframe_records", "data", "columns", "parameters", "params")
)
_LONGEST_ID = 64
_WHOLE = ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64")

Where = Callable[[str, int], Loc]
Datatype = Literal[
    "BYTES", "BOOL", "FP16", "FP32", "FP64",
    "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
]  # fmt: skip


def datatype_of(column: str) -> str:
    """Return the datatype of an input column in the Open Inference protocol."""
    if column in _NUMBERS:
        return "FP64"
    return "BOOL" if column == "returned" else "BYTES"


class TensorParameters(Posted):
    """What some clients say about a tensor; it changes nothing."""

    content_type: Annotated[str | None, Field(max_length=_LONGEST_ID)] = None


class Tensor(Posted):
    """One column of the order lines. null, or an empty text, in a column that need not be there is left out."""

    name: Literal[COLUMNS]  # type: ignore[valid-type]
    datatype: Datatype
    shape: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=2)]
    data: Annotated[list[Any], Field(max_length=MAX_ORDERS, description="Flat, a value per order line.")]
    parameters: TensorParameters | None = None

    @model_validator(mode="after")
    def _fits(self) -> Tensor:
        if self.shape not in ([len(self.data)], [len(self.data), 1]):
            raise PydanticCustomError(
                "shape", "The shape must be [n] or [n, 1] for n values, which lie flat."
            )
        wanted = datatype_of(self.name)
        if self.datatype != wanted and (wanted != "FP64" or self.datatype in ("BYTES", "BOOL")):
            raise PydanticCustomError("datatype", f"This column has the datatype {wanted}.")
        return self


class InferParameters(Posted):
    """as_of: the day to score at; horizons: days ahead, as "30,90"."""

    as_of: Date | None = None
    horizons: Annotated[str | None, Field(pattern=r"^[0-9]{1,4}(,[0-9]{1,4}){0,11}$")] = None


class AskedOutput(Posted):
    """An output that is wanted."""

    name: Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)]
    parameters: TensorParameters | None = None


class InferRequest(Posted):
    """Order lines as tensors (Open Inference protocol); outputs left out: all."""

    id: Annotated[str | None, Field(max_length=_LONGEST_ID, pattern=r"^[A-Za-z0-9._:-]*$")] = None
    parameters: InferParameters | None = None
    inputs: Annotated[list[Tensor], Field(min_length=len(REQUIRED), max_length=len(COLUMNS))]
    outputs: Annotated[list[AskedOutput] | None, Field(max_length=200)] = None


class InvocationParameters(Posted):
    """as_of: the day to score at; horizons: days ahead."""

    as_of: Date | None = None
    horizons: Annotated[list[HorizonDays] | None, Field(min_length=1, max_length=MAX_HORIZONS)] = None


class Split(Posted):
    """A table as column names and rows."""

    columns: Annotated[list[str], Field(min_length=len(REQUIRED), max_length=len(COLUMNS))]
    data: Annotated[list[list[Any]], Field(max_length=MAX_ORDERS, fail_fast=True)]
    index: Annotated[list[Any] | None, Field(max_length=MAX_ORDERS)] = None


Rows = Annotated[list[dict[str, Any]], Field(max_length=MAX_ORDERS, fail_fast=True)]
ByColumn = Annotated[dict[str, list[Any]], Field(max_length=len(COLUMNS))]


class InvocationRequest(Posted):
    """Order lines in one of the forms that MLflow's servers take."""

    dataframe_split: Split | None = None
    dataframe_records: Rows | None = None
    inputs: Rows | ByColumn | None = None
    instances: Rows | ByColumn | None = None
    params: InvocationParameters | None = None

    @model_validator(mode="after")
    def _one_form(self) -> InvocationRequest:
        forms = (self.dataframe_split, self.dataframe_records, self.inputs, self.instances)
        if sum(form is not None for form in forms) != 1:
            raise PydanticCustomError(
                "form", "Send exactly one of dataframe_split, dataframe_records, inputs and instances."
            )
        return self


class InferTensor(BaseModel):
    """One output, a value per scored customer; an empty text where there is none."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class InferAnswer(BaseModel):
    """The scores as tensors. parameters: as_of, scored_at, valid_until, currency, and how many were not scored."""

    model_name: str
    model_version: str
    id: str | None = None
    parameters: dict[str, str | int]
    outputs: list[InferTensor]


class InvocationAnswer(BaseModel):
    """The scores in rows, with what every answer of ours carries."""

    predictions: list[dict[str, Any]]
    model_version: str
    as_of: date
    scored_at: str
    valid_until: date | None
    currency: str
    not_scored: int


def asked_by_tensors(request: InferRequest) -> ScoreRequest:
    """Return the histories of tensors; Problem 422 if they do not fit together."""
    names = [tensor.name for tensor in request.inputs]
    _require_columns(names, ("body", "inputs"))
    places = {name: at for at, name in enumerate(names)}
    columns = {tensor.name: [_known(value) for value in tensor.data] for tensor in request.inputs}
    given = request.parameters or InferParameters()
    horizons = None if given.horizons is None else [int(days) for days in given.horizons.split(",")]

    def where(name: str, row: int) -> Loc:
        return ("inputs", places.get(name, name), "data", row)

    return _asked(_rows(columns, ("body", "inputs")), given.as_of, horizons, where)


def asked_by_invocation(request: InvocationRequest) -> ScoreRequest:
    """Return the histories of an invocation; Problem 422 if they do not fit together."""
    given = request.params or InvocationParameters()
    form = next(
        name
        for name in ("dataframe_split", "dataframe_records", "inputs", "instances")
        if getattr(request, name) is not None
    )
    posted: Any = getattr(request, form)
    if isinstance(posted, Split):
        _require_columns(posted.columns, ("body", form, "columns"))
        _require_width(posted)
        posted = [dict(zip(posted.columns, row, strict=True)) for row in posted.data]
    elif isinstance(posted, dict):
        _require_columns(list(posted), ("body", form))
        posted = _rows(posted, ("body", form))

    def where(name: str, row: int) -> Loc:
        return (form, row, name)

    return _asked(posted, given.as_of, given.horizons, where)


def infer_answer(
    request: InferRequest,
    asked: ScoreRequest,
    live: LiveScores,
    *,
    version: str,
    told: Mapping[str, str | int],
) -> InferAnswer:
    """Return live scores as tensors. told: the answer's parameters. Problem 422 for an output that there is not."""
    kinds = output_kinds(live.horizons)
    wanted = list(kinds) if request.outputs is None else [one.name for one in request.outputs]
    for at, name in enumerate(wanted):
        if name not in kinds:
            raise refused(("body", "outputs", at, "name"), "output", f"Known: {', '.join(kinds)}.")
    rows = _scored(asked, live)
    outputs = [
        InferTensor(
            name=name,
            datatype=kinds[name],
            shape=[len(rows)],
            data=[_plain(row[name], kinds[name]) for row in rows],
        )
        for name in dict.fromkeys(wanted)
    ]
    return InferAnswer(
        model_name=MODEL_NAME, model_version=version, id=request.id, parameters=dict(told), outputs=outputs
    )


def predictions(asked: ScoreRequest, live: LiveScores) -> list[dict[str, Any]]:
    """Return live scores in rows of plain values."""
    names = list(output_kinds(live.horizons))
    return [{name: _iso(row[name]) for name in names} for row in _scored(asked, live)]


def output_kinds(horizons: tuple[int, ...]) -> dict[str, str]:
    """Return the outputs' datatypes by name."""
    return {field.name: _kind(field.type) for field in scores_schema(horizons) if field.name not in _NOT_TOLD}


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return "FP64"
    return "INT64" if pa.types.is_integer(kind) else "BYTES"


def _scored(asked: ScoreRequest, live: LiveScores) -> list[dict[str, Any]]:
    rows = [] if live.table is None else live.table.to_pylist()
    found = {row["customer_id"]: row for row in rows}
    return [found[each.customer_id] for each in asked.customers if each.customer_id in found]


def _plain(value: Any, kind: str) -> Any:
    return ("" if value is None else str(value)) if kind == "BYTES" else value


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _known(value: Any) -> Any:
    return None if value == "" else value


def _require_columns(names: Sequence[str], loc: Loc) -> None:
    for at, name in enumerate(names):
        if name not in COLUMNS:
            raise refused((*loc, at), "column", f"Known columns: {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise refused(loc, "duplicate_column", "Each column may stand once.")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise refused(loc, "missing", f"Columns that are needed: {', '.join(missing)}.")


def _require_width(split: Split) -> None:
    for at, row in enumerate(split.data):
        if len(row) != len(split.columns):
            loc = ("body", "dataframe_split", "data", at)
            raise refused(loc, "width", "A row has a value for each column.")


def _rows(columns: Mapping[str, list[Any]], loc: Loc) -> list[dict[str, Any]]:
    if len({len(values) for values in columns.values()}) > 1:
        raise refused(loc, "length", "All columns have as many values.")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _asked(
    rows: Sequence[dict[str, Any]], as_of: date | None, horizons: list[int] | None, where: Where
) -> ScoreRequest:
    """Return rows as histories, in the order in which each customer first stands."""
    if not rows:
        raise refused(("body",), "too_short", "There is no order line.")
    orders: dict[str, list[dict[str, Any]]] = {}
    stood: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        customer_id = row.get("customer_id")
        if not isinstance(customer_id, str):
            raise refused(("body", *where("customer_id", at)), "string_type", "Each row needs a text here.")
        order = {name: value for name, value in row.items() if value is not None or name in REQUIRED}
        del order["customer_id"]
        orders.setdefault(customer_id, []).append(order)
        stood.setdefault(customer_id, []).append(at)
    places = list(stood.values())

    def place(loc: Loc) -> Loc:
        match loc:
            case ("customers", int(one), "orders", int(order), str(name), *_):
                return where(name, places[one][order])
            case ("customers", int(one), "orders", int(order), *_):
                return where("ordered_at", places[one][order])[:-1]
            case ("customers", int(one), *_):
                return where("customer_id", places[one][0])
        return loc

    value: dict[str, Any] = {
        "customers": [{"customer_id": each, "orders": some} for each, some in orders.items()],
        "as_of": None if as_of is None else as_of.isoformat(),
        "horizons": horizons,
    }
    return checked(value, ScoreRequest, place=place, names=_NAMES)
