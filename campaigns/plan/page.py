"""One page about a plan: who, how many, what it costs and earns, when it pays, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from campaigns.plan.holdout import Holdout
from campaigns.plan.planning import Plan
from campaigns.plan.summary import Summary, Totals
from campaigns.plan.what_if import WhatIf
from contracts.days import to_date
from pages.chart import Chart, Line, even_axis
from pages.html import Html, element, folded, joined, paragraph, section, table
from pages.page import document
from pages.svg import legend, svg

_COLUMNS = {
    "offer": "By offer",
    "channel": "By channel",
    "week": "By week",
    "tier": "By tier",
    "lifecycle": "By lifecycle stage",
    "segment": "By segment",
}
_TERMS = (
    ("Added profit", "Profit that is expected because of the contact: not what the contacted would buy anyway."),
    ("Cost", "The contacts, and what the offers are expected to give away, also to those who would buy anyway."),
    ("Low and high", "Where a test of your own measured the effect: its 95 % bounds. Else half and one and a half "
     "times what is assumed."),
    ("Control group", "Customers who are left alone by lot, so that the effect can be measured afterwards."),
)  # fmt: skip


def plan_page(
    plan: Plan,
    summary: Summary,
    others: Sequence[WhatIf],
    *,
    holdout: Holdout,
    notes: Sequence[str],
    as_of: int,
) -> str:
    """Return the page; the same plan gives the same text."""
    terms, currency = plan.economics.terms, plan.currency
    title = terms.label if terms.label != "Campaign" else f"Campaign {terms.name}"
    main = element(
        "main",
        _top(plan, summary, title, as_of),
        section("Who is contacted", *_groups(summary, currency), key="who"),
        section("Who is not, and why", _left_out(summary), key="not"),
        section("How the effect will be measured", *(paragraph(one) for one in holdout.words), key="control"),
        section("What the limits cost", *(paragraph(one) for one in summary.sentences), key="limits"),
        section("What if", *_what_if(others, currency), key="what-if") if others else None,
        section("What is assumed or missing", _list(notes), key="assumed"),
        folded("Words on this page", element("dl", *(_term(word, means) for word, means in _TERMS))),
    )
    return document(title, main)


def _top(plan: Plan, summary: Summary, title: str, as_of: int) -> Html:
    whole, currency, terms = summary.whole, plan.currency, plan.economics.terms
    first = terms.first_day(as_of)
    assumed = [label for label, measured in summary.measured.items() if not measured]
    used = [label for label in summary.groups["offer"] if label in assumed]
    basis = (
        "All lifts were measured by tests of your own."
        if not used
        else "The lifts are assumptions, not yet measured in this shop: a first campaign with its control group "
        "measures them."
    )
    return element(
        "header",
        element("h1", title),
        element(
            "p",
            f"{whole.customers:,} of {len(plan.choice):,} customers are contacted. Expected cost "
            f"{whole.cost:,.0f} {currency}, added profit {whole.profit:,.0f} {currency}.",
            class_="result",
        ),
        paragraph(f"Between {whole.low:,.0f} and {whole.high:,.0f} {currency} in all. {basis}"),
        paragraph(_break_even(summary)),
        paragraph(
            f"From {to_date(first)} to {to_date(first + 7 * terms.weeks - 1)}, by what is known on {to_date(as_of)}. "
            f"A contact is credited with what is bought within {terms.response_days} days."
        ),
    )


def _break_even(summary: Summary) -> str:
    if summary.break_even is None:
        return "The contacts give nothing away and cost next to nothing: they cannot lose much."
    return (
        f"It pays as long as the contacts move at least {summary.break_even:.0%} of what is expected of them."
    )


def _groups(summary: Summary, currency: str) -> list[Html]:
    head = (
        "",
        "Customers",
        "Buy anyway",
        "Added",
        f"Cost, {currency}",
        f"Added profit, {currency}",
        "Low",
        "High",
    )
    return [
        table(title, head, [_row(name, one) for name, one in _by_profit(summary.groups[column])])
        for column, title in _COLUMNS.items()
        if summary.groups.get(column)
    ]


def _by_profit(groups: Mapping[str, Totals]) -> list[tuple[str, Totals]]:
    return sorted(groups.items(), key=lambda item: -item[1].profit)


def _row(name: str, one: Totals) -> tuple[str, ...]:
    money = (f"{value:,.2f}" for value in (one.cost, one.profit, one.low, one.high))
    return name, f"{one.customers:,}", f"{one.buyers:,.1f}", f"{one.added:,.1f}", *money


def _left_out(summary: Summary) -> Html:
    rows = [(reason, f"{count:,}") for reason, count in summary.left_out.items()]
    return (
        table("Customers who are not contacted", ("Why", "Customers"), rows) if rows else paragraph("Nobody.")
    )


def _what_if(others: Sequence[WhatIf], currency: str) -> list[Html | None]:
    head = ("", "Customers", f"Cost, {currency}", f"Added profit, {currency}", "Low")
    rows = [
        (one.words, f"{one.customers:,.0f}", f"{one.cost:,.2f}", f"{one.profit:,.2f}", f"{one.low:,.2f}")
        for one in others
    ]
    return [_picture(others, currency), table("The same campaign otherwise", head, rows)]


def _picture(others: Sequence[WhatIf], currency: str) -> Html | None:
    """Draw added profit over money spent, where several budgets spend different amounts."""
    money = sorted((one.cost, one.profit) for one in others if one.words.startswith(("budget", "no limit")))
    cost, profit = np.array([one for one, _ in money]), np.array([one for _, one in money])
    if len(np.unique(np.round(cost, 2))) < 3:
        return None
    chart = Chart(
        "budget",
        "Added profit by money spent",
        "; ".join(f"{c:,.0f} spent, {p:,.0f} added profit" for c, p in money),
        even_axis(f"spent, {currency}", 0.0, float(cost.max())),
        even_axis(f"added profit, {currency}", min(0.0, float(profit.min())), float(profit.max())),
        (Line("best plan", cost, profit, dots=True),),
    )
    return element("figure", element("figcaption", chart.title), svg(chart), legend(chart))


def _list(notes: Sequence[str]) -> Html:
    return element("ul", *(element("li", one) for one in notes), class_="plain")


def _term(word: str, means: str) -> Html:
    return joined([element("dt", word), element("dd", means)])
