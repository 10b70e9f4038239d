"""One page about a plan: who, how many, what it costs and earns, when it pays, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from campaigns.plan.holdout import Holdout
from campaigns.plan.notes import Notes
from campaigns.plan.planning import Plan
from campaigns.plan.summary import Summary, Totals
from campaigns.plan.terms import Terms
from campaigns.plan.weeks import Days
from campaigns.plan.what_if import MONEY, OPEN, THIS, WhatIf
from campaigns.plan.words import SMALLEST, in_columns, money, pays_words, said
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
DEFAULT_LABEL = "Campaign"
_AFTERWARDS = (
    "Nobody of them may be written to for this campaign. Those of them who would have been contacted stand in "
    "control.csv. Afterwards, put them and the contacts into one file: `repurchase results` tells what the campaign "
    "earned."
)
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
    notes: Notes,
    days: Days,
    as_of: int,
    reengage: int | None = None,
) -> str:
    """Return the page; the same plan gives the same text. reengage: how many are silent by e-mail, None: not known."""
    title = title_of(plan.economics.terms)
    currency = plan.currency
    main = element(
        "main",
        _top(plan, summary, title, days, as_of),
        section("Who is contacted", *_groups(summary, currency), key="who"),
        section("Who is not, and why", *_left_out(summary, notes, reengage), key="not"),
        section("When", *_when(days), key="when"),
        section("How the effect will be measured", *_control(holdout), key="control"),
        section("What the limits cost", *(paragraph(one) for one in summary.sentences), key="limits"),
        section("What if", *_what_if(others, currency), key="what-if") if others else None,
        section("What is assumed", _list(notes.assumed), key="assumed"),
        section("What is missing, and would add", _list(notes.missing), key="missing")
        if notes.missing
        else None,
        folded("Words on this page", element("dl", *(_term(word, means) for word, means in _TERMS))),
    )
    return document(title, main)


def title_of(terms: Terms) -> str:
    """Return what a campaign is called: by its label, else by its name."""
    if terms.label != DEFAULT_LABEL or terms.name == DEFAULT_LABEL.casefold():
        return terms.label
    return f"{DEFAULT_LABEL} {terms.name}"


def _top(plan: Plan, summary: Summary, title: str, days: Days, as_of: int) -> Html:
    whole, currency, terms = summary.whole, plan.currency, plan.economics.terms
    last = to_date(days.first + 7 * terms.weeks - 1)
    lines = [] if not whole.customers else [
        paragraph(
            f"About {_people(whole.buyers)} of them would buy anyway within {terms.response_days} days; the contacts "
            f"are expected to add {_people(whole.added)} buyers."
        ),
        paragraph(
            f"The added profit is between {money(whole.low)} and {money(whole.high)} {currency}. {_basis(summary)}"
        ),
        paragraph(_break_even(summary)),
    ]  # fmt: skip
    return element(
        "header",
        element("h1", title),
        element("p", _result(plan, summary), class_="result"),
        *lines,
        paragraph(
            f"Sent from {to_date(days.first)} to {last}, by what is known on {to_date(as_of)}. "
            f"A contact is credited with what is bought within {terms.response_days} days."
        ),
    )


def _result(plan: Plan, summary: Summary) -> str:
    whole, currency = summary.whole, plan.currency
    if not whole.customers:
        return f"None of {len(plan.choice):,} customers is contacted: no contact is expected to pay."
    return (
        f"{whole.customers:,} of {len(plan.choice):,} customers are contacted. Expected cost "
        f"{money(whole.cost)} {currency}, added profit {money(whole.profit)} {currency}."
    )


def _basis(summary: Summary) -> str:
    used = [label for label in summary.groups["offer"] if not summary.measured[label]]
    if not used:
        return "All effects were measured by tests of your own."
    return (
        f"The effects of {', '.join(used)} are assumptions, not yet measured in this shop: a first campaign with its "
        "control group measures them."
    )


def _people(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 else f"{count:,.1f}"


def _break_even(summary: Summary) -> str:
    whole, share = summary.whole, summary.break_even
    if share is not None:
        return pays_words(share)
    if whole.cost < SMALLEST:
        return "The contacts cost nothing and give nothing away: they cannot lose."
    return "The contacts are not expected to win anybody, so no larger effect would make them pay."


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
    found = [
        table(title, head, _rows(_sorted(column, summary.groups[column])))
        for column, title in _COLUMNS.items()
        if len(summary.groups.get(column, {})) > 1
    ]
    same = [
        f"{title.removeprefix('By ')}: {name}"
        for column, title in _COLUMNS.items()
        if len(summary.groups.get(column, {})) == 1
        for name in summary.groups[column]
    ]
    if same:
        found.append(paragraph(f"The same for everyone who is contacted: {'; '.join(same)}."))
    return found or [paragraph("Nobody.")]


def _sorted(column: str, groups: Mapping[str, Totals]) -> list[tuple[str, Totals]]:
    """Return weeks in their order, all else by profit."""
    if column == "week":
        return list(groups.items())
    return sorted(groups.items(), key=lambda item: -item[1].profit)


def _rows(groups: Sequence[tuple[str, Totals]]) -> list[tuple[str, ...]]:
    amounts = in_columns([(one.cost, one.profit, one.low, one.high) for _, one in groups])
    return [
        (name, f"{one.customers:,}", _people(one.buyers), _people(one.added), *cells)
        for (name, one), cells in zip(groups, amounts, strict=True)
    ]


def _left_out(summary: Summary, notes: Notes, reengage: int | None) -> list[Html]:
    rows = sorted(summary.left_out.items(), key=lambda item: -item[1])
    cells = [(reason[:1].upper() + reason[1:], f"{count:,}") for reason, count in rows]
    found = [table("Customers who are not contacted", ("Why", "Customers"), cells)] if cells else []
    if reengage:
        found.append(
            paragraph(
                f"{reengage:,} subscribers do not open e-mails any more: they stand in reengage.csv, to be won back or "
                "asked apart. Nobody is deleted."
            )
        )
    if notes.left_out:
        found.append(_list(notes.left_out))
    return found or [paragraph("Nobody is left out.")]


def _when(days: Days) -> list[Html]:
    first, last = to_date(days.first), to_date(days.first + 7 * days.weeks - 1)
    events = [str(one) for one in days.events]
    lines = [
        f"{days.weeks} weeks, from {first} to {last}."
        if days.weeks > 1
        else f"One week, from {first} to {last}.",
        "Each contact is sent in the customer's best week and on their best weekday and hour, never in quiet hours.",
    ]
    if len(days.closed):
        lines.append(f"Nothing is sent on {', '.join(str(to_date(int(day))) for day in days.closed)}.")
    if days.holidays:
        lines.append(f"Public holidays: {'; '.join(str(one) for one in days.holidays)}.")
    lines.append(
        f"Events in these days: {'; '.join(events)}." if events else "No event falls into these days."
    )
    return [paragraph(one) for one in lines]


def _control(holdout: Holdout) -> list[Html]:
    found = [paragraph(said(one)) for one in holdout.words]
    if holdout.control.any():
        found.append(paragraph(said(_AFTERWARDS)))
    return found


def _what_if(others: Sequence[WhatIf], currency: str) -> list[Html | None]:
    head = ("", "Customers", f"Cost, {currency}", f"Added profit, {currency}", "Low")
    amounts = in_columns([(one.cost, one.profit, one.low) for one in others])
    rows = [(one.words, f"{one.customers:,.0f}", *cells) for one, cells in zip(others, amounts, strict=True)]
    here = table("The same campaign otherwise", head, rows, marked=frozenset({0}))
    return [_picture(others, currency), here]


def _picture(others: Sequence[WhatIf], currency: str) -> Html | None:
    """Draw added profit over money spent, where several budgets spend different amounts."""
    pairs = sorted((one.cost, one.profit) for one in others if one.words.startswith((THIS, MONEY, OPEN)))
    cost, profit = np.array([one for one, _ in pairs]), np.array([one for _, one in pairs])
    if len(np.unique(np.round(cost, 2))) < 3:
        return None
    chart = Chart(
        "budget",
        "Added profit by money spent",
        "; ".join(f"{money(c)} spent, {money(p)} added profit" for c, p in pairs),
        even_axis(f"spent, {currency}", 0.0, float(cost.max())),
        even_axis(f"added profit, {currency}", min(0.0, float(profit.min())), float(profit.max())),
        (Line("best plan", cost, profit, dots=True),),
    )
    return element("figure", element("figcaption", chart.title), svg(chart), legend(chart))


def _list(notes: Sequence[str]) -> Html:
    return element("ul", *(element("li", said(one)) for one in notes), class_="plain")


def _term(word: str, means: str) -> Html:
    return joined([element("dt", word), element("dd", means)])
