"""The diagnosis as one HTML page that a shop's owner reads without help: nothing is loaded from anywhere."""

from __future__ import annotations

from importlib.resources import files

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.notes import notes_of
from campaigns.diagnosis.page_money import concentration, existing, point, trees
from campaigns.diagnosis.page_parts import bullets, large
from campaigns.diagnosis.page_return import back, cohort_tables, groups, next_orders, second_order, trend
from campaigns.diagnosis.sentences import sentences_of
from campaigns.diagnosis.words import day, of_100, percent, span
from pages.html import Html, element, folded, joined, paragraph
from pages.page import document

_DEFINITIONS = {
    "Order day": "A day on which a customer ordered. Two orders on one day count once.",
    "90-day repurchase rate": "Of the customers whose first order was at least 90 days ago (and at most 12 "
    "months before that), the share whose second order day came within 90 days.",
    "95 % interval": "Where the figure would fall with other customers of the same kind, 19 times of 20.",
    "Acquisition, hybrid, loyalty": "A shop whose 90-day repurchase rate is at least 1, 15 or 30 %.",
    "Cohort": "The customers whose first order lies in the same month or week.",
    "Within so many days": "New customers count for as long as they have been watched (Kaplan and Meier, 1958).",
    "Existing customers": "Those whose first order lies in an earlier month.",
    "Revenue": "What was paid for goods. Sales that were cancelled as a whole do not count; other returns are not "
    "taken off.",
}


def diagnosis_page(found: Diagnosis) -> str:
    """Return the whole page; the same diagnosis gives the same text."""
    main = element(
        "main",
        _top(found),
        trend(found),
        groups(found),
        second_order(found),
        cohort_tables(found),
        back(found),
        next_orders(found),
        existing(found),
        trees(found),
        point(found),
        concentration(found),
        _care(found),
    )
    style = (files("campaigns.diagnosis") / "page.css").read_text(encoding="utf-8")
    return document("What kind of shop is this?", main, style=style)


def _top(found: Diagnosis) -> Html:
    five = (element("li", one) for one in sentences_of(found))
    return element(
        "header",
        element("h1", f"What kind of shop is this? As known on {day(found.as_of)}"),
        _kind(found),
        element("h2", "Five sentences about this shop"),
        element("ol", *five, class_="five"),
        _todo_of_mode(found),
        element("h2", "Three figures that are easily mistaken for each other"),
        _three(found),
    )


def _kind(found: Diagnosis) -> Html:
    mode, share = found.mode, found.rates.second
    if mode.name == "too_few":
        return joined([large("Too few to say", *mode.doubts), _says(found)])
    how = (
        f"{of_100(share.value)} of 100 new customers order again within 90 days "
        f"({percent(share.value)}; 95 % interval {span(share.lower, share.upper)}; {share.of:,} customers)"
    )
    name = large(f"{mode.words.capitalize()} shop", how)
    if mode.stable:
        return joined([name, _says(found)])
    doubts = element(
        "div",
        paragraph(element("strong", "This is not certain."), " Why:"),
        bullets(mode.doubts),
        class_="doubt",
    )
    return joined([name, _says(found), doubts])


def _says(found: Diagnosis) -> Html | None:
    advice = found.advice.get(found.mode.name)
    return paragraph(advice.says) if advice else None


def _todo_of_mode(found: Diagnosis) -> Html | None:
    advice = found.advice.get(found.mode.name)
    if advice is None or not advice.todo:
        return None
    return element("div", element("h3", "What to do"), bullets(advice.todo), class_="todo")


def _three(found: Diagnosis) -> Html:
    what = (
        "of the new customers ordered a second time within 90 days. This is the 90-day repurchase rate.",
        "of those who ordered in the last 90 days did so on 2 days or more.",
        "of those who ordered in the 90 days before came back in the last 90.",
    )
    boxes = []
    for share, words in zip(found.rates.shares.values(), what, strict=True):
        how = f"{words} 95 % interval {span(share.lower, share.upper)}; {share.of:,} customers."
        boxes.append(
            element("div", large(percent(share.value), how if share.of else f"not known yet: {words}"))
        )
    return element("div", *boxes, class_="three")


def _care(found: Diagnosis) -> Html:
    notes = notes_of(found)
    pairs = (joined([element("dt", word), element("dd", meaning)]) for word, meaning in _DEFINITIONS.items())
    return element(
        "section",
        element("h2", "What this page cannot say, or only with care", id="care-title"),
        bullets(notes) if notes else paragraph("Nothing was missing."),
        folded("What the words mean", element("dl", *pairs)),
        id="care",
        aria_labelledby="care-title",
    )
