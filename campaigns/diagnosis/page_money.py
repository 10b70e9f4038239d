"""The parts of the diagnosis page about money."""

from __future__ import annotations

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.page_parts import large, part, pictures
from campaigns.diagnosis.page_pictures import bar, concentration_chart, existing_chart, figure
from campaigns.diagnosis.revenue import FACTORS, Tree
from campaigns.diagnosis.sentences import FACTOR_WORDS, largest
from campaigns.diagnosis.words import UNKNOWN, about, day, money, number, percent, plural
from features.reading.presets import NO_CURRENCY
from pages.html import Html, element, folded, joined, paragraph, table

_UNITS = {
    "customers": "customers who ordered",
    "frequency": "order days per customer",
    "basket": "units per order day",
    "price": "revenue per unit",
}


def existing(found: Diagnosis) -> Html | None:
    """Show what of the revenue comes from customers won in an earlier month."""
    chart = existing_chart(found)
    if chart is None:
        return None
    whole = [one for one in found.months if one.whole][-12:]
    share = sum(one.existing for one in whole) / sum(one.revenue for one in whole)
    said = f"of the revenue of the last {len(whole)} full months came from customers won in an earlier month"
    rows = [
        (one.month if one.whole else f"{one.month} (part)", about(one.revenue), percent(one.share, 0))
        for one in found.months
    ]
    numbers = folded(
        "The numbers", table("Revenue by month", ("month", "revenue", "existing customers"), rows)
    )
    title = "How much do existing customers bring?"
    return part(found, "existing", title, large(percent(share, 0), said), pictures(figure(chart)), numbers)


def trees(found: Diagnosis) -> Html | None:
    """Show what moved the revenue: customers, frequency, basket or price."""
    if not found.trees:
        return None
    shown = [_tree(found, one) for one in found.trees]
    tree = found.trees[-1]
    said = f"revenue of the last {found.period} days against {_against(found, tree)}: {_why(found, tree)}"
    change = tree.change / tree.before.revenue if tree.before.revenue > 0 else float("nan")
    top = large(f"{number(100 * change, 0, signed=True)} %" if change == change else UNKNOWN, said)
    return part(found, "tree", "What moved the revenue?", top, *shown)


def _against(found: Diagnosis, tree: Tree) -> str:
    return tree.name if tree.name.startswith("the same") else f"the {found.period} days before"


def _why(found: Diagnosis, tree: Tree) -> str:
    amounts = (
        f"{money(tree.now.revenue, found.currency)} instead of {money(tree.before.revenue, found.currency)}"
    )
    most = largest(tree)
    return f"{amounts}, most of all through {FACTOR_WORDS[most]}" if most else amounts


def _tree(found: Diagnosis, tree: Tree) -> Html:
    parts = [tree.parts.get(name, float("nan")) for name in FACTORS]
    rows = []
    for name, value in zip(FACTORS, parts, strict=True):
        now, before = getattr(tree.now, name), getattr(tree.before, name)
        drawn = bar(value, parts) if tree.parts else UNKNOWN
        added = number(value, signed=True)
        rows.append((_UNITS[name], _factor(name, before), _factor(name, now), added, drawn))
    total = number(tree.change, signed=True)
    rows.append(("revenue", number(tree.before.revenue), number(tree.now.revenue), total, ""))
    head = (
        "",
        "before",
        "now",
        "added" if found.currency == NO_CURRENCY else f"added ({found.currency})",
        "",
    )
    caption = (
        f"The {found.period} days up to {day(tree.now.end)} against {_against(found, tree)} "
        f"(up to {day(tree.before.end)})"
    )
    shown = table(caption, head, rows, marked=frozenset({len(rows) - 1}))
    told = (
        None
        if tree.parts
        else paragraph("A factor was zero, so that the change cannot be divided among them.")
    )
    return joined([element("div", shown, class_="parts"), told])


def _factor(name: str, value: float) -> str:
    return number(value) if name == "customers" else number(value, 2)


def point(found: Diagnosis) -> Html | None:
    """Show what one more point of retention would bring in a year, by which formula and under which assumption."""
    one = found.point
    if one is None:
        return None
    worth = money(one.worth, found.currency)
    said = (
        f"a year, if one more of 100 active customers came back every {one.length} days and spent as those do who come "
        "back already"
    )
    formula = paragraph(
        f"0.01 × {number(one.active)} active customers × {money(one.spent, found.currency)} that a returning customer "
        f"spends in {one.length} days × {number(365 / one.length, 2)} periods a year = {worth}. Averages of the last "
        f"{plural(one.periods, 'period')}."
    )
    care = paragraph(
        "This is an assumption, not a measurement: who has to be won back usually spends less. At half as much it is "
        f"{money(one.worth / 2, found.currency)}. It is revenue, not profit, and leaves out what they buy later."
    )
    return part(
        found, "point", "What is one more point of retention worth?", large(worth, said), formula, care
    )


def concentration(found: Diagnosis) -> Html | None:
    """Show how much the best customers bring."""
    chart, best = concentration_chart(found), found.concentration
    if chart is None:
        return None
    said = f"of the revenue of the last {best.length} days came from the best tenth of {best.customers:,} customers"
    rows = [(f"the best {100 * share:.0f} %", percent(brought)) for share, brought in best.shares.items()]
    rows.append((f"half of the revenue comes from {percent(best.half)}", "50.0 %"))
    numbers = folded("The numbers", table("Share of the revenue", ("customers", "bring"), rows))
    title = "How much depends on a few?"
    return part(
        found,
        "concentration",
        title,
        large(percent(best.shares[0.1], 0), said),
        pictures(figure(chart)),
        numbers,
    )
