"""The API's documentation as one page, made here from the OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, Template
from starlette.responses import HTMLResponse

_HERE = Path(__file__).parent
_COMPONENT = "#/components/schemas/"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1a1a1a;background:#fff}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f4f4f4;padding:.75rem;overflow:auto}"
    "section{border-top:1px solid #ccc;margin-top:1.5rem;overflow-x:auto}"
    "nav ul{columns:20rem;list-style:none;padding:0}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;font-weight:600}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #e4e4e4}"
    "a{color:#0b57a4}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

Schema = dict[str, Any]

router = APIRouter(include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
def reference(request: Request) -> HTMLResponse:
    """Return the page."""
    page = page_of(request.app.openapi())
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


def page_of(document: Schema) -> str:
    """Return an OpenAPI document as a page of HTML."""
    schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})
    return _template().render(
        document=document,
        style=_STYLE,
        names=frozenset(schemas),
        endpoints=[
            _endpoint(method, path, one)
            for path, methods in document["paths"].items()
            for method, one in methods.items()
        ],
        shapes=[_fields(name, one) for name, one in sorted(schemas.items())],
    )


@cache
def _template() -> Template:
    found = Environment(loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True)
    return found.get_template("reference.html")


def _endpoint(method: str, path: str, one: Schema) -> Schema:
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = body.get("schema")
    return {
        "method": method.upper(),
        "path": path,
        "anchor": one.get("operationId") or f"{method}-{path}",
        "paragraphs": [part for part in one.get("description", "").split("\n\n") if part],
        "parameters": [
            {
                "name": each["name"],
                "where": each["in"],
                "type": _type(each.get("schema", {})),
                "required": each.get("required", False),
                "meaning": each.get("description") or each.get("schema", {}).get("description", ""),
            }
            for each in one.get("parameters", ())
        ],
        "body": None if schema is None else {**_fields(_type(schema), schema), "link": "$ref" in schema},
        "answers": [_answer(status, each) for status, each in one.get("responses", {}).items()],
    }


def _answer(status: str, one: Schema) -> Schema:
    content: Schema = next(iter(one.get("content", {}).values()), {})
    return {
        "status": status,
        "meaning": one.get("description", ""),
        "type": _type(content.get("schema", {})),
    }


def _fields(name: str, one: Schema) -> Schema:
    required = one.get("required", ())
    examples = one.get("examples")
    return {
        "name": name,
        "description": one.get("description", ""),
        "example": json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else "",
        "rows": [
            {
                "name": field,
                "type": _type(schema),
                "required": field in required,
                "meaning": schema.get("description", ""),
            }
            for field, schema in one.get("properties", {}).items()
        ],
    }


def _type(schema: Schema) -> str:
    """Return a schema in a word or a few."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_COMPONENT)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return " | ".join(str(each) for each in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'anything'}"
    bounds = [
        f"{sign} {schema[name]}" for name, sign in (("minimum", "≥"), ("maximum", "≤")) if name in schema
    ]
    return f"{kind} ({', '.join(bounds)})" if bounds else (schema.get("format") or kind)
