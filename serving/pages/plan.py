"""The campaign's plan that `repurchase plan` wrote: what it costs and earns, by channel and week, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastapi import APIRouter
from starlette.responses import Response

from campaigns.channels import read_channels
from campaigns.offers import read_offers
from campaigns.plan.words import pays_words
from contracts.errors import ArtifactError
from serving.pages import words
from serving.pages.days import days_differ
from serving.pages.folders import Folder, read_json
from serving.pages.guard import PageRoute
from serving.pages.visit import Visit, VisitDep

router = APIRouter(include_in_schema=False, route_class=PageRoute)

COMMAND = "repurchase plan ORDERS --ranking RANKING --budget 2000 --out plan"
_FIRST = 25
_NAMELESS = "Campaign"
_COLUMNS = [
    "customer_id", "action", "offer", "channel", "send_at", "p_without", "p_with", "expected_cost", "expected_profit",
]  # fmt: skip
_GROUPS = (("offer", "By offer"), ("channel", "By channel"), ("week", "By week"), ("tier", "By tier"))


@router.get("/plan")
def plan(visit: VisitDep) -> Response:
    """Show the plan, or how to make one."""
    found = _FOLDER.of(visit.service.settings.plan)
    if found is None:
        return visit.page("absent.html", title="Plan", what="plan", command=COMMAND, option="--plan plan")
    differ = days_differ(visit, "plan", found["as_of_day"])
    return visit.page(
        "plan.html", title="Plan", **found, differ=differ, linked=_linked(visit, found["first"])
    )


def _linked(visit: Visit, first: list[dict[str, Any]]) -> set[str]:
    """Return which customers of the table the ranking holds, so that they have a page."""
    store, ids = visit.current.store, [str(one["customer_id"]) for one in first]
    if store is None or not ids:
        return set()
    return {name for name, row in zip(ids, store.customers(ids), strict=True) if row is not None}


def _read(path: Path) -> dict[str, Any]:
    """Return what the page shows of a plan; ArtifactError if it is none."""
    log = read_json(path, command=COMMAND)
    try:
        if log["format"] != "repurchase-plan-1":
            raise KeyError("format")
        return _shown(log, _first_rows(path.with_name("plan.parquet")))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path} is of another version. Run `{COMMAND}` again.") from error


_FOLDER: Folder[dict[str, Any]] = Folder("plan.json", _read)


def _shown(log: Mapping[str, Any], first: list[dict[str, Any]]) -> dict[str, Any]:
    summary, control = log["summary"], log["control"]
    return {
        "heading": _heading(log["terms"]),
        "as_of_day": date.fromisoformat(log["as_of"]).isoformat(),
        "as_of": words.day(log["as_of"]),
        "sent_from": words.day(log["days"]["first"]),
        "weeks": log["terms"]["weeks"],
        "response_days": log["terms"]["response_days"],
        "currency": log["currency"],
        "whole": summary["whole"],
        "pays": _pays(summary["break_even_share_of_lift"]),
        "sentences": summary["sentences"],
        "groups": [
            (title, key, list(summary["groups"][key].items()))
            for key, title in _GROUPS
            if summary["groups"].get(key)
        ],
        "left_out": sorted(summary["left_out"].items(), key=lambda item: -item[1]),
        "what_if": log["what_if"],
        "control": control["power"],
        "controls": control["controls"],
        "assumptions": log["notes"],
        "first": first,
    }


def _heading(terms: Mapping[str, Any]) -> str:
    """Return the campaign's name after "The plan"; a campaign that was given none has the usual one."""
    return "The plan" if terms["label"] == _NAMELESS else f"The plan: {terms['label']}"


def _pays(share: float | None) -> str | None:
    return None if share is None else pays_words(share)


@cache
def _labels() -> Mapping[str, str]:
    """Return what people call the offers and channels of our catalogue; a shop's own are called by their names."""
    offers = {name: one.label for name, one in read_offers().items()}
    return {**offers, **{name: one.label for name, one in read_channels().items()}}


def _label(name: str) -> str:
    return _labels().get(name) or words.said(name.replace("_", " "))


def _first_rows(path: Path) -> list[dict[str, Any]]:
    """Return the contacts that are expected to earn most, of the whole table; none if there is no table."""
    try:
        table = pq.read_table(path, columns=_COLUMNS, filters=pc.field("action") == "contact")
    except FileNotFoundError:
        return []
    except (OSError, pa.ArrowInvalid) as error:
        raise ArtifactError(f"{path} is damaged. Run `{COMMAND}` again.") from error
    order = pc.select_k_unstable(
        table, k=min(_FIRST, table.num_rows), sort_keys=[("expected_profit", "descending")]
    )
    return [
        {**one, "offer": _label(one["offer"]), "channel": _label(one["channel"])}
        for one in table.take(order).to_pylist()
    ]
