"""The OpenAPI document, with the shapes that FastAPI does not see: our bodies and our problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from serving.access import SECURITY
from serving.posted import ScoreRequest
from serving.problems import ProblemDocument

_COMPONENTS = "#/components/schemas/{model}"
# Bodies that an endpoint reads itself, by path.
_BODIES: dict[str, type[BaseModel]] = {"/v1/score": ScoreRequest}


def document_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application, made at the first request."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        shapes: tuple[type[BaseModel], ...] = (*_BODIES.values(), ProblemDocument)
        for shape in shapes:
            schema = shape.model_json_schema(ref_template=_COMPONENTS)
            document["components"]["schemas"] |= {**schema.pop("$defs"), shape.__name__: schema}
        for path, shape in _BODIES.items():
            reference = {"$ref": _COMPONENTS.format(model=shape.__name__)}
            body = {"required": True, "content": {"application/json": {"schema": reference}}}
            document["paths"][path]["post"]["requestBody"] = body
        document["components"]["securitySchemes"] = SECURITY
        document["security"] = [{name: []} for name in SECURITY]
        app.openapi_schema = document
    return app.openapi_schema
