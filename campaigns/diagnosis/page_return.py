"""The parts of the diagnosis page about who comes back."""

from __future__ import annotations

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.gaps import ANY
from campaigns.diagnosis.page_parts import large, part, pictures
from campaigns.diagnosis.page_pictures import (
    again_chart,
    figure,
    heat_table,
    returning_chart,
    second_chart,
    trend_chart,
)
from campaigns.diagnosis.repurchase_rate import Groups
from campaigns.diagnosis.second_order import ALL, NEW, OTHER, SOON
from campaigns.diagnosis.sentences import usual_curve
from campaigns.diagnosis.shares import LEAST, Share
from campaigns.diagnosis.survival import Curve
from campaigns.diagnosis.words import UNKNOWN, day, number, of_100, percent, plural, span
from contracts.days import to_date
from pages.html import Html, element, folded, joined, paragraph, table

LISTED = 8  # groups on the page; all are in diagnosis.csv
_APART = {1: "above the others", -1: "below the others", 0: ""}


def trend(found: Diagnosis) -> Html | None:
    """Show the 90-day repurchase rate by month of first order."""
    chart = trend_chart(found)
    if chart is None:
        return None
    rows = [(one.month, *_share(one.share)) for one in found.trend]
    head = ("won in", "order again within 90 days", "95 % interval", "customers")
    numbers = folded("The numbers", table("90-day repurchase rate by month of first order", head, rows))
    months = [one for one in found.trend if one.share.of >= LEAST]
    last = months[-1]
    said = f"of the customers won in {last.month} ordered again within 90 days ({months[0].month}: "
    said += f"{percent(months[0].share.value)})"
    top = large(percent(last.share.value), said)
    return part(found, "trend", "Is it getting better?", top, pictures(figure(chart)), numbers)


def _share(share: Share) -> tuple[str, str, str]:
    return percent(share.value), span(share.lower, share.upper), f"{share.of:,}"


def groups(found: Diagnosis) -> Html | None:
    """Show the rate by country, channel, category and first product, where the orders say them."""
    shown = [_group_table(found, one) for one in found.groups if one.groups]
    if not shown:
        return None
    rate = found.rates.second
    first = paragraph(
        f"Of all new customers {percent(rate.value)} order again within 90 days. Groups below 30 are not shown. "
        "'Above' and 'below' are only said where chance is no explanation, however many groups are compared."
    )
    return part(found, "groups", "Where do customers come from who order again?", first, *shown)


def _group_table(found: Diagnosis, one: Groups) -> Html:
    rows = [(group.name, *_share(group.share), _APART[group.apart]) for group in one.groups[:LISTED]]
    head = (one.by, "order again within 90 days", "95 % interval", "customers", "")
    rest = len(one.groups) - len(rows)
    told = [f"{rest:,} more of at least 30 customers are in diagnosis.csv."] if rest else []
    told += [f"{one.small:,} smaller ones are not told apart."] if one.small else []
    told += [f"{plural(one.without, 'customer')}: not known."] if one.without else []
    shown = table(f"By {one.by} of the first order", head, rows, words=frozenset({4}))
    return joined([shown, paragraph(" ".join(told)) if told else None])


def second_order(found: Diagnosis) -> Html:
    """Show how soon the second order comes, and apart who was won in a season."""
    usual = usual_curve(found)
    share, lower, upper = usual.curve.at(SOON)
    who = "new customers" if usual.name == NEW else "customers"
    said = f"of 100 {who} order a second time within {SOON} days (95 % interval {span(lower, upper)})"
    chart = second_chart(found)
    picture = None if chart is None else pictures(figure(chart))
    top = large(of_100(share), said if share == share else f"nobody has been watched for {SOON} days")
    titled = "How soon does the second order come?"
    return joined(
        [
            part(found, "second", titled, top, picture, _curves(found), advice="second_order"),
            _seasons(found),
        ]
    )


def _curves(found: Diagnosis) -> Html:
    shown = (7, 30, SOON, 90, 180)
    rows = []
    for one in found.second:
        cells = (f"{percent(one.curve.at(within)[0])}" for within in shown)
        plain = one.curve.plain[one.curve.days.index(SOON)]
        rows.append((one.label, f"{one.curve.customers:,}", *cells, percent(float(plain))))
    head = (
        "who",
        "customers",
        *(f"{within} days" for within in shown),
        f"{SOON} days, only who was watched so long",
    )
    return folded("The numbers", table("Have ordered a second time within", head, rows))


def _seasons(found: Diagnosis) -> Html | None:
    by_name = {one.name: one for one in found.second}
    special = [one for name, one in by_name.items() if name not in (ALL, NEW, OTHER)]
    rest = by_name.get(OTHER)
    if not special or rest is None:
        return None
    rows = [
        (one.label, f"{one.curve.customers:,}", *(f"{percent(a)} ({span(b, c)})" for a, b, c in _ends(one.curve)))
        for one in (*special, rest)
    ]  # fmt: skip
    head = ("who", "customers", f"again within {SOON} days", "within 90 days", "within 180 days")
    caption = f"First orders since {day(rest.begin)} by season, with 95 % intervals"
    shown = table(caption, head, rows)
    return part(found, "season", "Do customers won in a season come back?", None, shown)


def _ends(curve: Curve) -> list[tuple[float, float, float]]:
    return [curve.at(within) for within in (SOON, 90, 180)]


def cohort_tables(found: Diagnosis) -> Html | None:
    """Show the cohorts of first orders as coloured tables."""
    if found.monthly.shares.shape[1] < 2:
        return None
    mean = found.monthly.mean
    top = (
        large(percent(float(mean[1])), "of the customers won in a month order again in the month after it")
        if mean[1] == mean[1]
        else None
    )
    months = heat_table(
        found.monthly, "Share of each month's new customers who ordered in the k-th month after"
    )
    weeks = heat_table(found.weekly, "Share of each week's new customers who ordered in the k-th week after")
    all_ = paragraph("Empty: not over yet. All cohorts: retention_monthly.csv and retention_weekly.csv.")
    return part(
        found,
        "cohorts",
        "Who comes back, month by month?",
        top,
        months,
        folded("Week by week", weeks),
        all_,
        advice="retention",
    )


def back(found: Diagnosis) -> Html | None:
    """Show retention from period to period."""
    if not found.returning:
        return None
    last, chart = found.returning[0], returning_chart(found)
    said = (
        f"of those who were active in {found.period} days came back in the next {found.period} "
        f"(95 % interval {span(last.share.lower, last.share.upper)}; {last.share.of:,} customers)"
    )
    rows = [
        (
            f"{to_date(one.origin + 1)} to {to_date(one.origin + one.length)}",
            *_share(one.share),
        )
        for one in found.returning
    ]
    head = ("came back in", "share", "95 % interval", "active before")
    numbers = folded("The numbers", table(f"Retention from {found.period} days to the next", head, rows))
    picture = None if chart is None else pictures(figure(chart))
    top = large(percent(last.share.value), said)
    return part(found, "back", "Do active customers stay?", top, picture, numbers)


def next_orders(found: Diagnosis) -> Html | None:
    """Show the time between orders, and how likely the next one is."""
    usual = next(one for one in found.gaps if one.after == ANY)
    if not usual.count:
        return None
    said = "days pass between two orders in the middle: half of all repeat orders come sooner, half later"
    rows = [
        (
            f"after {one.after}",
            *(number(value) for value in (one.quarter, one.median, one.three_quarters)),
            f"{one.count:,}",
            f"{percent(one.again)}" if one.of else UNKNOWN,
        )
        for one in found.gaps
    ]
    head = (
        "",
        "a quarter within (days)",
        "half within",
        "three quarters within",
        "seen",
        "again within 90 days",
    )
    shown = table("Days to the next order of those who ordered again", head, rows)
    chart = again_chart(found)
    picture = None if chart is None else pictures(figure(chart))
    title = "How much time lies between orders?"
    note = element(
        "p",
        "Times that are still running are not in the quartiles, which are therefore a little short; the last column "
        "counts them.",
        class_="about",
    )
    return part(found, "gaps", title, large(number(usual.median), said), picture, shown, note)
