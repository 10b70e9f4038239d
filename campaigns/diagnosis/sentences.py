"""Five sentences about a shop, from the numbers of its diagnosis."""

from __future__ import annotations

import math

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.gaps import ANY
from campaigns.diagnosis.revenue import FACTORS, Tree
from campaigns.diagnosis.second_order import ALL, NEW, SOON, SecondOrder
from campaigns.diagnosis.shares import LEAST
from campaigns.diagnosis.words import day, money, number, of_100, percent, plural, span

FACTOR_WORDS = {
    "customers": "the number of customers",
    "frequency": "how often each one orders",
    "basket": "the size of the basket",
    "price": "the price per unit",
}


def sentences_of(found: Diagnosis) -> tuple[str, ...]:
    """Return five sentences; where something cannot be said, its sentence says that."""
    return (_extent(found), _mode(found), _second_order(found), _revenue(found), _worth(found))


def _extent(found: Diagnosis) -> str:
    extent, last = found.extent, found.concentration
    began = f"From {day(extent.first_day)} to {day(found.as_of)}"
    customers = f"{plural(extent.customers, 'customer')} ordered on {plural(extent.order_days, 'order day')}"
    if not last.customers:
        return f"{began} {customers}; in the last {last.length} days nobody did."
    who = "one of them" if last.customers == 1 else f"{last.customers:,} of them"
    return f"{began} {customers}; {who} did in the last {last.length} days, for {money(last.revenue, found.currency)}."


def _mode(found: Diagnosis) -> str:
    share, mode = found.rates.second, found.mode
    if mode.name == "too_few":
        why = mode.doubts[0] if mode.doubts and not share.enough else "hardly any new customer ordered again"
        return f"What kind of shop it is cannot be said: {why}."
    begin = (
        f"It is {'an' if mode.words[0] in 'aeiou' else 'a'} {mode.words} shop: of 100 new customers "
        f"{of_100(share.value)} order again within 90 days ({span(share.lower, share.upper)}, allowing for chance)"
    )
    return f"{begin}, but this is not certain: {'; '.join(mode.doubts)}." if mode.doubts else f"{begin}."


def _second_order(found: Diagnosis) -> str:
    who = usual_curve(found)
    soon, late = who.curve.at(SOON)[0], who.curve.at(who.curve.days[-1])[0]
    usual = next(one for one in found.gaps if one.after == ANY)
    if who.curve.customers < LEAST:
        return f"How soon second orders come cannot be said of {plural(who.curve.customers, 'customer')}."
    if not math.isfinite(soon):
        return f"Nobody has been watched for {SOON} days, so it cannot be said how soon second orders come."
    until = f" and {of_100(late)} within {who.curve.days[-1]} days" if math.isfinite(late) else ""
    customers = "new customers" if who.name == NEW else "customers"
    begin = f"Of 100 {customers} {of_100(soon)} order a second time within {SOON} days{until}"
    if not usual.count:
        return f"{begin}; no time between two orders has been seen yet."
    return f"{begin}; half of all repeat orders come within {number(usual.median)} days of the one before."


def usual_curve(found: Diagnosis) -> SecondOrder:
    """Return the curve that speaks for the shop: that of the new customers if there are enough, else of all."""
    by_name = {one.name: one for one in found.second}
    return by_name[NEW] if NEW in by_name and found.rates.second.enough else by_name[ALL]


def _revenue(found: Diagnosis) -> str:
    whole = [one for one in found.months if one.whole][-12:]
    total, best = sum(one.revenue for one in whole), found.concentration.shares.get(0.1)
    parts = []
    if total > 0:
        share = sum(one.existing for one in whole) / total
        months = "full month" if len(whole) == 1 else f"{len(whole)} full months"
        parts.append(
            f"in the last {months} {percent(share, 0)} of the revenue came from customers won in an earlier month"
        )
    if best is not None and found.concentration.customers >= 10:
        parts.append(f"the best tenth of the customers brought {percent(best, 0)} in the last 365 days")
    if not parts:
        return "Who brings the revenue cannot be said: there is no full month and there are fewer than 10 customers."
    told = " and ".join(parts)
    return f"{told[0].upper()}{told[1:]}{_moved(found)}."


def _moved(found: Diagnosis) -> str:
    if not found.trees:
        return ""
    tree = found.trees[-1]
    if not tree.before.revenue > 0:
        return ""
    change = tree.change / tree.before.revenue
    way = "rose" if change > 0 else "fell"
    most = largest(tree)
    why = f", most of all through {FACTOR_WORDS[most]}" if most else ""
    against = (
        f"against {tree.name}"
        if tree.name.startswith("the same")
        else f"against the {found.period} days before"
    )
    return f"; the revenue of the last {found.period} days {way} by {abs(100 * change):.0f} % {against}{why}"


def largest(tree: Tree) -> str | None:
    """Return the factor that moved the revenue most in the direction of the change; None if none can be named."""
    if not tree.parts or tree.change == 0:
        return None
    return max(FACTORS, key=lambda name: tree.parts[name] * math.copysign(1.0, tree.change))


def _worth(found: Diagnosis) -> str:
    advice = found.advice.get(found.mode.name)
    first = f"; to begin with: {advice.todo[0].rstrip('.')}." if advice and advice.todo else "."
    if found.point is None:
        return f"What one more point of retention is worth cannot be said yet{first}"
    worth = money(found.point.worth, found.currency)
    return (
        f"If one more of 100 active customers came back every {found.period} days, this would bring about {worth} a "
        f"year{first}"
    )
