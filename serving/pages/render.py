"""Templates filled in: all text is escaped, what is not known is an error and never a blank."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from campaigns.plan.words import said as coded
from serving.pages import words
from serving.pages.assets import HTMX, address_of

# What no page may hold: control characters but tab and line ends.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NAV = (
    ("/customers", "Customers"),
    ("/contact", "How many to contact"),
    ("/segments", "Segments"),
    ("/model", "Model"),
    ("/diagnosis", "Diagnosis"),
    ("/plan", "Plan"),
)
_WORDS = (
    "about_of_100",
    "amount",
    "ago",
    "count",
    "day",
    "moment",
    "month",
    "of_100",
    "people",
    "percent",
    "plain",
    "plural",
    "said",
    "unit",
)


def html_of(template: str, context: Mapping[str, Any]) -> str:
    """Return a filled-in template."""
    return _templates().get_template(template).render(**context)


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("serving.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update({name: getattr(words, name) for name in _WORDS})
    found.filters.update(path=_as_path, coded=coded)
    found.globals.update(
        nav=_NAV, unknown=words.UNKNOWN, htmx=HTMX, asset=address_of, money=words.money, said=words.said
    )
    return found


def _as_path(customer_id: str) -> str:
    """Return what follows /customers/ in the address of a customer."""
    dots = customer_id in (".", "..")  # browsers take such a part of a path for a way upwards
    return f"?id={customer_id}" if dots else quote(customer_id, safe="")


def _printable(value: Any) -> Any:
    """Replace what no page may hold in plain text; all else stays."""
    if type(value) is str and _FORBIDDEN.search(value):
        return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
    return "" if value is None else value
