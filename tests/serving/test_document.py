"""The OpenAPI document: complete, true to the shapes, with examples that fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from serving.shapes.asked import ExportRequest, LookupRequest, PlanRequest
from serving.shapes.posted import ScoreRequest
from serving.shapes.schemas import (
    CustomerAnswer,
    LookupAnswer,
    ModelAnswer,
    Provenance,
    RankingAnswer,
    ScoreAnswer,
)
from serving.shapes.schemas_exports import ExportAnswer
from serving.shapes.schemas_plan import PlanAnswer
from tests.serving.asked_shop import service
from tests.serving.shop import Client

ANSWERS: tuple[type[Provenance], ...] = (
    CustomerAnswer, LookupAnswer, RankingAnswer, ScoreAnswer, ModelAnswer, PlanAnswer, ExportAnswer,
)  # fmt: skip
REQUESTS: tuple[type[BaseModel], ...] = (LookupRequest, PlanRequest, ExportRequest, ScoreRequest)
OURS = ("/v1/customers", "/v1/ranking", "/v1/plan", "/v1/exports", "/v1/model")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(Client(service(None)).get("/openapi.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.parametrize("shape", ANSWERS)
def test_the_example_of_an_answer_is_what_its_shape_would_write(shape: type[BaseModel]) -> None:
    for example in shape.model_json_schema()["examples"]:
        assert shape.model_validate(example).model_dump(mode="json", exclude_unset=True) == example


@pytest.mark.parametrize("shape", REQUESTS)
def test_the_example_of_a_request_is_taken(shape: type[BaseModel]) -> None:
    for example in shape.model_json_schema()["examples"]:
        shape.model_validate(example)


def test_every_answer_has_an_example_and_the_provenance(document: dict[str, Any]) -> None:
    for shape in ANSWERS:
        schema = document["components"]["schemas"][shape.__name__]
        assert schema["examples"] and set(Provenance.model_fields) <= set(schema["required"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])


def test_every_field_of_ours_is_described(document: dict[str, Any]) -> None:
    bare = []
    for shape in (*ANSWERS, *REQUESTS[:3]):
        schema = document["components"]["schemas"][shape.__name__]
        for name, field in schema["properties"].items():
            referred = "$ref" in json.dumps(field)  # the shape that is referred to describes itself
            if not referred and "description" not in field:
                bare.append(f"{shape.__name__}.{name}")
    assert bare == []


def test_every_shape_describes_itself(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    theirs = {"HTTPValidationError", "ValidationError"}
    assert [name for name, one in schemas.items() if name not in theirs and not one.get("description")] == []


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [one["operationId"] for _, _, one in operations(document)]
    assert len(set(names)) == len(names)
    ours = [one["operationId"] for path, _, one in operations(document) if path.startswith(OURS)]
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in ours)


def test_bodies_and_parameters_are_shown(document: dict[str, Any]) -> None:
    paths = document["paths"]
    for path in ("/v1/customers:lookup", "/v1/plan/preview", "/v1/exports", "/v1/score"):
        assert paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    told = {one["name"]: one for one in paths["/v1/ranking"]["get"]["parameters"]}
    assert {"tier", "p_min", "last_order_from", "after", "count", "columns"} <= set(told)
    assert all(one.get("description") or one["schema"].get("description") for one in told.values())
    headers = paths["/v1/exports"]["post"]["parameters"]
    assert [one["name"] for one in headers] == ["Idempotency-Key"]


def test_every_operation_tells_its_problems(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        if path.startswith(OURS):
            assert {"401", "403", "422", "503"} <= set(operation["responses"])
