"""The OpenAPI document, with the shapes that FastAPI does not see: our bodies and our problems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from serving.guarding.access import SECURITY
from serving.problems import ProblemDocument
from serving.shapes.posted import Posted, ScoreRequest

_COMPONENTS = "#/components/schemas/{model}"
_REFERENCE = re.compile(r'"\$ref": "#/components/schemas/([^"]+)"')
# Bodies of endpoints that do not say themselves what they take, by path.
_BODIES: dict[str, type[BaseModel]] = {"/v1/score": ScoreRequest}


def takes(shape: type[BaseModel]) -> dict[str, Any]:
    """Return what an endpoint adds to the document (openapi_extra) to say which body it reads itself."""
    reference = {"$ref": _COMPONENTS.format(model=shape.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application, made at the first request."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path, shape in _BODIES.items():
            if path in document["paths"]:
                document["paths"][path]["post"].update(takes(shape))
        _define(document, ProblemDocument)
        _define_the_rest(document)
        document["components"]["securitySchemes"] = SECURITY
        document["security"] = [{name: []} for name in SECURITY]
        app.openapi_schema = document
    return app.openapi_schema


def _define_the_rest(document: dict[str, Any]) -> None:
    """Define the bodies that are referred to and not there yet."""
    known = {shape.__name__: shape for shape in _posted(Posted)}
    for name in _REFERENCE.findall(json.dumps(document)):
        if name in known and name not in document["components"]["schemas"]:
            _define(document, known[name])


def _define(document: dict[str, Any], shape: type[BaseModel]) -> None:
    schema = shape.model_json_schema(ref_template=_COMPONENTS)
    document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["schemas"] |= {**schema.pop("$defs", {}), shape.__name__: schema}


def _posted(shape: type[Posted]) -> Iterator[type[Posted]]:
    for one in shape.__subclasses__():
        yield one
        yield from _posted(one)
