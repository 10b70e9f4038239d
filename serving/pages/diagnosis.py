"""What kind of shop this is, and how many customers come back: the diagnosis that `repurchase diagnose` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from serving.pages.visit import VisitDep

router = APIRouter(include_in_schema=False, route_class=PageRoute)

COMMAND = "repurchase diagnose ORDERS --out diagnosis"
_COLUMNS = 13  # months of the coloured table; all are in retention_monthly.csv
_SHADES = 9
_LEAST = 30  # customers of a month that a picture shows
_SHARES = (
    ("repurchase_rate_90d", "of new customers ordered a second time within 90 days"),
    ("ordered_twice_90d", "of those who ordered in the last 90 days did so on two days or more"),
    ("returned_90d", "of those who ordered in the 90 days before came back in the last 90"),
)


@dataclass(frozen=True)
class Cell:
    """One cell of the coloured table: the share that ordered, and how strong its colour is, 0 to _SHADES."""

    says: str
    shade: int


@dataclass(frozen=True)
class Cohort:
    """The customers won in one month, and what share of them ordered in each month after."""

    month: str
    customers: str
    cells: list[Cell]


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
    trend, extent, cohorts = _trend(found["trend"]), found["extent"], _cohorts(found["cohorts_by_month"])
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
        "trend": [(one["month"], *_share(one["share"])) for one in found["trend"]],
        "months": max((len(one.cells) for one in cohorts), default=0),
        "cohorts": cohorts,
    }


def _share(share: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return a share, its interval and of how many, in words."""
    interval = f"{words.percent(share['lower'])} to {words.percent(share['upper'])}"
    return words.percent(share["value"]), interval, words.count(share["of"])


def _cohorts(found: Mapping[str, Any]) -> list[Cohort]:
    rows = [[_known(one) for one in row[1:_COLUMNS]] for row in found["shares"][-_COLUMNS:]]
    shares = [row + [None] * (max(map(len, rows)) - len(row)) for row in rows]
    top = max((one for row in shares for one in row if one is not None), default=0.0) or 1.0
    return [
        Cohort(month, words.count(customers), [_cell(one, top) for one in row])
        for month, customers, row in zip(
            found["won_in"][-_COLUMNS:], found["customers"][-_COLUMNS:], shares, strict=True
        )
    ]


def _known(share: Any) -> float | None:
    return None if share is None or share != share else float(share)


def _cell(share: float | None, top: float) -> Cell:
    if share is None:
        return Cell("", 0)
    return Cell(f"{100 * share:.0f}", round(_SHADES * min(share / top, 1.0)))


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
        f"{words.percent(first['share']['value'])} of those won in {first['month']}, "
        f"{words.percent(last['share']['value'])} of those won in {last['month']}. Bars are 95 % intervals.",
        named_axis("month of first order", tuple(one["month"] for one in some)),
        even_axis("order again within 90 days", 0.0, float(upper.max()), percent=True),
        (Line("repurchase rate", np.arange(float(len(some))), value, lower, upper, dots=True),),
    )
