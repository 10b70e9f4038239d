"""The pictures of the diagnosis page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.mode import BORDERS
from campaigns.diagnosis.retention import Cohorts
from campaigns.diagnosis.second_order import ALL, NEW, OTHER, SOON
from campaigns.diagnosis.sentences import usual_curve
from campaigns.diagnosis.shares import LEAST
from campaigns.diagnosis.words import of_100, percent
from contracts.days import to_date
from contracts.training import Floats
from pages.chart import REFERENCE, Chart, Line, even_axis, named_axis
from pages.html import Html, element
from pages.svg import legend, svg

_COHORTS = 13  # rows and columns of the coloured table; all are in the CSV files
_DEEPEST = 45  # percent of colour at the most; more would hide the number
_BAR = 60


def figure(chart: Chart, *numbers: Html | None) -> Html:
    """Return the picture with its title and what its lines mean."""
    return element("figure", element("figcaption", chart.title), svg(chart), legend(chart), *numbers)


def trend_chart(found: Diagnosis) -> Chart | None:
    """Draw the rate by month of first order, with the borders between the kinds of shop; None without two months."""
    months = [one for one in found.trend if one.share.of >= LEAST][-24:]
    if len(months) < 2:
        return None
    place = np.arange(float(len(months)))
    value, lower, upper = (np.array([getattr(one.share, name) for one in months]) for name in _INTERVAL)
    top = float(upper.max())
    ends = np.array([-0.5, len(months) - 0.5])
    borders = [
        Line(f"{name} from {100 * border:.0f} %", ends, np.full(2, border), look=REFERENCE)
        for border, name in BORDERS
        if 0.01 < border < top
    ]
    first, last = months[0], months[-1]
    return Chart(
        "picture-trend",
        "Is it getting better? Repurchase rate by month of first order",
        f"Share of the customers won in each month who order again within 90 days: {percent(first.share.value)} in "
        f"{first.month}, {percent(last.share.value)} in {last.month}. Bars are 95 % intervals.",
        named_axis("month of first order", tuple(one.month for one in months), most=4),
        even_axis("order again within 90 days", 0.0, top, percent=True),
        (Line("repurchase rate", place, value, lower, upper, dots=True), *borders),
    )


_INTERVAL = ("value", "lower", "upper")


def second_chart(found: Diagnosis) -> Chart | None:
    """Draw how soon the second order comes; None if nobody has been watched long enough."""
    usual = usual_curve(found)
    seasons = [one for one in found.second if one.name not in (ALL, NEW, OTHER)]
    rest = [one for one in found.second if one.name == OTHER] if seasons else []
    lines = []
    for look, one in enumerate([usual, *seasons, *rest]):
        x = np.concatenate(([0.0], np.array(one.curve.days, dtype=np.float64)))
        y = np.concatenate(([0.0], one.curve.share))
        lines.append(Line(one.label, x, y, look=look, dots=True))
    known = [line.y[np.isfinite(line.y)].max() for line in lines]
    if not np.isfinite(usual.curve.share).any() or max(known) == 0:
        return None
    soon = usual.curve.at(SOON)[0]
    return Chart(
        "picture-second",
        "How soon does the second order come?",
        f"Share of customers who have ordered a second time by so many days after the first order: {of_100(soon)} of "
        f"100 by day {SOON}.",
        even_axis("days after the first order", 0.0, 180.0),
        even_axis("have ordered again", 0.0, max(known), percent=True),
        tuple(lines),
    )


def returning_chart(found: Diagnosis) -> Chart | None:
    """Draw retention from period to period, oldest first; None without two of them."""
    some = [one for one in reversed(found.returning) if one.share.of]
    if len(some) < 2:
        return None
    value, lower, upper = (np.array([getattr(one.share, name) for one in some]) for name in _INTERVAL)
    names = tuple(to_date(one.origin + one.length).isoformat() for one in some)
    return Chart(
        "picture-returning",
        f"Who was active for {found.period} days: how many came back in the next {found.period}?",
        f"Share of active customers who ordered again in the next {found.period} days, by the end of these days: from "
        f"{percent(value[0])} to {percent(value[-1])}. Bars are 95 % intervals.",
        named_axis("end of the period", names, most=3),
        even_axis("came back", 0.0, float(upper.max()), percent=True),
        (Line("came back", np.arange(float(len(some))), value, lower, upper, dots=True),),
    )


def existing_chart(found: Diagnosis) -> Chart | None:
    """Draw the existing customers' share of each whole month's revenue; None without two months."""
    some = [one for one in found.months if one.whole and one.revenue > 0][-24:]
    if len(some) < 2:
        return None
    value = np.array([one.share for one in some])
    return Chart(
        "picture-existing",
        "How much of the revenue comes from existing customers?",
        f"Share of each month's revenue that came from customers won in an earlier month: {percent(value[0])} in "
        f"{some[0].month}, {percent(value[-1])} in {some[-1].month}.",
        named_axis("month", tuple(one.month for one in some), most=4),
        even_axis("of the revenue", 0.0, 1.0, percent=True),
        (Line("existing customers", np.arange(float(len(some))), value, dots=True),),
    )


def again_chart(found: Diagnosis) -> Chart | None:
    """Draw how likely the next order is after the first, second, … one; None without two of them."""
    some = [one for one in found.gaps if np.isfinite(one.again) and one.of >= LEAST][:-1]
    if len(some) < 2:
        return None
    value, lower, upper = (
        np.array([getattr(one, name) for one in some]) for name in ("again", *_INTERVAL[1:])
    )
    names = tuple(one.after.removeprefix("order ").replace(" and later", "+") for one in some)
    return Chart(
        "picture-again",
        "How likely is the next order?",
        f"Share who order again within 90 days, by how many orders they have: {percent(value[0])} after the first, "
        f"{percent(value[-1])} after order {names[-1]}.",
        named_axis("orders so far (order days)", names),
        even_axis("order again within 90 days", 0.0, float(np.nanmax([*value, *upper])), percent=True),
        (Line("order again", np.arange(float(len(some))), value, lower, upper, dots=True),),
    )


def concentration_chart(found: Diagnosis) -> Chart | None:
    """Draw the share of revenue against the share of customers, best first; None without revenue."""
    best = found.concentration
    if not np.isfinite(best.up).all():
        return None
    ends = np.array([0.0, 1.0])
    return Chart(
        "picture-concentration",
        "How much do the best customers bring?",
        f"Share of the revenue of the last {best.length} days against the share of customers, best first. The best "
        f"tenth brings {percent(best.shares[0.1], 0)}.",
        even_axis("customers, best first", 0.0, 1.0, percent=True),
        even_axis("of the revenue", 0.0, 1.0, percent=True),
        (Line("your customers", best.across, best.up), Line("if all were alike", ends, ends, look=REFERENCE)),
    )


def heat_table(cohorts: Cohorts, caption: str) -> Html:
    """Return the last cohorts as a coloured table: the darker, the more came back."""
    shares, names = cohorts.shares[-_COHORTS:], cohorts.names[-_COHORTS:]
    sizes = cohorts.size[-_COHORTS:]
    columns = min(_COHORTS, max(shares.shape[1], 1))
    top = np.nanmax(shares[:, 1:columns], initial=0.01, where=np.isfinite(shares[:, 1:columns]))
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", f"{size:,}", class_="size"),
            *_cells(row, top),
        )
        for name, size, row in zip(names, sizes, shares[:, 1:columns], strict=True)
    ]
    mean = _cells(cohorts.mean[1:columns], top)
    body.append(
        element(
            "tr",
            element("th", "all", scope="row"),
            element("td", f"{cohorts.size.sum():,}", class_="size"),
            *mean,
            class_="mean",
        )
    )
    heads = ["won in", "customers", *(f"+{k}" for k in range(1, columns))]
    head = element("thead", element("tr", *(element("th", one, scope="col") for one in heads)))
    inner = element("table", element("caption", element("span", caption)), head, element("tbody", *body))
    return element("div", inner, class_="wide heat", role="group", aria_label=caption, tabindex=0)


def _cells(row: Floats, top: float) -> list[Html]:
    return [
        element("td", f"{100 * share:.0f} %", style=f"--h:{_DEEPEST * min(share / top, 1.0):.0f}")
        if np.isfinite(share)
        else element("td", "", style="--h:0")
        for share in row
    ]


def bar(part: float, parts: Sequence[float]) -> Html:
    """Return a small bar to the right for what rose, to the left for what fell; its number stands beside it."""
    most = max(abs(one) for one in parts) or 1.0
    width = _BAR * abs(part) / most
    begin = _BAR if part >= 0 else _BAR - width
    shape = element(
        "rect", x=f"{begin:.1f}", y=2, width=f"{width:.1f}", height=10, class_="rise" if part >= 0 else "fall"
    )
    middle = element("path", d=f"M{_BAR} 0V14", class_="middle")
    return element("svg", shape, middle, viewBox=f"0 0 {2 * _BAR} 14", aria_hidden="true")
