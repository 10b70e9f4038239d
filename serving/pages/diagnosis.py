"""What kind of shop this is, and how many customers come back: the diagnosis that `repurchase diagnose` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from contracts.errors import ArtifactError
from pages.chart import Chart, Line, even_axis, named_axis
from pages.svg import legend, svg
from serving.pages import words
from serving.pages.days import days_differ
from serving.pages.folders import Folder, read_json
from serving.pages.guard import PageRoute
from serving.pages.returning import cohorts_of, verdict
from serving.pages.visit import VisitDep

router = APIRouter(include_in_schema=False, route_class=PageRoute)

COMMAND = "repurchase diagnose ORDERS --out diagnosis"
_LEAST = 30  # customers of a month that a picture shows
_SHARES = (
    ("repurchase_rate_90d", "of new customers ordered a second time within 90 days"),
    ("ordered_twice_90d", "of those who ordered in the last 90 days did so on two days or more"),
    ("returned_90d", "of those who ordered in the 90 days before came back in the last 90"),
)


@router.get("/diagnosis")
def diagnosis(visit: VisitDep) -> Response:
    """Show the diagnosis, or how to make one."""
    found = _FOLDER.of(visit.service.settings.diagnosis)
    if found is None:
        option = "--diagnosis diagnosis"
        return visit.page("absent.html", title="Diagnosis", what="diagnosis", command=COMMAND, option=option)
    differ = days_differ(visit, "diagnosis", found["as_of_day"])
    return visit.page("diagnosis.html", title="Diagnosis", **found, differ=differ)


def _read(path: Path) -> dict[str, Any]:
    """Return what the page shows of a diagnosis.json; ArtifactError if it is none."""
    found = read_json(path, command=COMMAND)
    try:
        return _shown(found)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ArtifactError(f"{path} is of another version. Run `{COMMAND}` again.") from error


_FOLDER: Folder[dict[str, Any]] = Folder("diagnosis.json", _read)


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    trend, extent, cohorts = _trend(found["trend"]), found["extent"], cohorts_of(found["cohorts_by_month"])
    return {
        "as_of": words.day(found["as_of"]),
        "as_of_day": date.fromisoformat(found["as_of"]).isoformat(),
        "advice": found["advice"],
        "doubts": found["mode"]["doubts"],
        "sentences": found["sentences"],
        "notes": found["notes"],
        "extent": f"{words.count(extent['customers'])} customers, {words.count(extent['orders'])} orders, "
        f"{words.day(extent['first_day'])} to {words.day(extent['last_day'])}",
        "shares": [(_share(found["rates"][key]), says) for key, says in _SHARES],
        "picture": svg(trend) if trend else None,
        "legend": legend(trend) if trend else None,
        "picture_title": trend.title if trend else "",
        "verdict": verdict(found["trend"]),
        "trend": [(words.month(one["month"]), *_share(one["share"])) for one in found["trend"]],
        "cohorts": cohorts,
    }


def _share(share: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a share, its interval and of how many, in words."""
    interval = f"{words.percent(share['lower'])} to {words.percent(share['upper'])}"
    return words.percent(share["value"]), interval, words.count(share["of"])


def _trend(months: list[dict[str, Any]]) -> Chart | None:
    """Draw the 90-day repurchase rate by month of first order; None without two months of enough customers."""
    some = [one for one in months if one["share"]["of"] >= _LEAST][-24:]
    if len(some) < 2:
        return None
    value, lower, upper = (
        np.array([one["share"][name] for one in some], dtype=np.float64)
        for name in ("value", "lower", "upper")
    )
    first, last = some[0], some[-1]
    return Chart(
        "trend",
        "Share of new customers who order again within 90 days",
        f"{words.percent(first['share']['value'])} of those won in {words.month(first['month'])}, "
        f"{words.percent(last['share']['value'])} of those won in {words.month(last['month'])}. "
        "Bars are 95 % intervals.",
        named_axis("month of first order", tuple(words.month(one["month"]) for one in some), most=4),
        even_axis("order again within 90 days", 0.0, float(upper.max()), percent=True),
        (Line("repurchase rate", np.arange(float(len(some))), value, lower, upper, dots=True),),
    )
