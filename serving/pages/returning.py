"""Do customers come back, and is it getting better: the cohorts and the trend of a diagnosis, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.diagnosis.shares import LEAST, Share
from contracts.intervals import newcombe
from serving.pages import words

_ROWS, _COLUMNS = 24, 12  # months won, months after; all are in retention_monthly.csv
_SHADES = 9
_TOGETHER = 3  # months that are compared with as many earlier ones

Trend = list[dict[str, Any]]


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


@dataclass(frozen=True)
class Cohorts:
    """The coloured table without empty rows and columns. left_out: which months are missing, as a sentence or ""."""

    rows: list[Cohort]
    months: int
    left_out: str


def cohorts_of(found: Mapping[str, Any]) -> Cohorts:
    """Return the table of a diagnosis's cohorts_by_month; a share that is not known yet is an empty cell."""
    every = list(zip(found["won_in"], found["customers"], found["shares"], strict=True))
    known = [
        (month, customers, [_known(one) for one in row[1 : _COLUMNS + 1]]) for month, customers, row in every
    ]
    told = [one for one in known if any(share is not None for share in one[2])]
    shown = told[-_ROWS:]
    months = max((len(_without_end(row)) for *_, row in shown), default=0)
    top = max((one for *_, row in shown for one in row if one is not None), default=0.0) or 1.0
    rows = [
        Cohort(words.month(month), words.count(customers), [_cell(one, top) for one in row[:months]])
        for month, customers, row in shown
    ]
    return Cohorts(rows, months, _left_out([one[0] for one in known], [one[0] for one in shown]))


def verdict(trend: Trend) -> str | None:
    """Say whether more new customers come back than before; None without enough months of enough customers.

    The last months are held against the same ones a year before, or, where these are not known, against those just
    before; a difference counts if its 95 % interval excludes 0 (Newcombe 1998, Statistics in Medicine 17, method 10).
    """
    some = [one for one in trend if one["share"]["of"] >= LEAST]
    now, by_month = some[-_TOGETHER:], {one["month"]: one for one in trend}
    years = [by_month.get(_year_before(one["month"])) for one in now]
    before = [one for one in years if one is not None]
    against = "the same months a year before"
    if len(before) < len(now):
        before, against = some[-2 * _TOGETHER : -_TOGETHER], "the months before"
    new, old = _pooled(now), _pooled(before)
    if not (new.enough and old.enough):
        return None
    told = (
        f"of those won from {words.month(now[0]['month'])} to {words.month(now[-1]['month'])} "
        f"{words.percent(new.value)} ordered again within 90 days, of those won in {against} {words.percent(old.value)}"
    )
    lower, upper = newcombe((new.value, new.lower, new.upper), (old.value, old.lower, old.upper))
    if lower <= 0 <= upper:
        return f"That cannot be told: {told}; chance alone brings such a difference."
    return f"{'Yes' if lower > 0 else 'No, worse'}: {told}; chance alone hardly brings such a difference."


def _known(share: Any) -> float | None:
    return None if share is None or share != share else float(share)


def _without_end(row: list[float | None]) -> list[float | None]:
    """Return a row up to its last known share."""
    last = max((place for place, one in enumerate(row) if one is not None), default=-1)
    return row[: last + 1]


def _cell(share: float | None, top: float) -> Cell:
    if share is None:
        return Cell("", 0)
    return Cell(f"{100 * share:.0f}", round(_SHADES * min(share / top, 1.0)))


def _left_out(every: list[str], shown: list[str]) -> str:
    """Say which months are not in the table."""
    if not shown:
        return ""
    early = [one for one in every if one < shown[0]]
    late = [one for one in every if one > shown[-1]]
    said = [
        *(
            [f"those won before {words.month(shown[0])} ({words.plural(len(early), 'month')})"]
            if early
            else []
        ),
        *([f"those won since {words.month(late[0])}, of whom no later month is over"] if late else []),
    ]
    return f"Not in the table: {'; '.join(said)}." if said else ""


def _year_before(month: str) -> str:
    return f"{int(month[:4]) - 1:04d}{month[4:]}"


def _pooled(months: Trend) -> Share:
    shares = [one["share"] for one in months]
    return Share.of_counts(sum(one["count"] for one in shares), sum(one["of"] for one in shares))
