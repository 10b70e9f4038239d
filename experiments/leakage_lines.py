"""Why two readings of the same rows have different order lines at a cutoff: which rule or which link looked ahead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from contracts.days import to_date
from contracts.tables import ORDER_LINES
from features.rulebook import RULES

Line = dict[str, Any]
# What a link to another customer may change in a line.
_KEYED = ("customer_id", "order_id", "line", "reverses", "cancelled_day")


@dataclass(frozen=True)
class Refused:
    """The typed rows of a reading, and those it refused (source, source_row, reason)."""

    rows: pa.Table
    refused: pa.Table

    def of(self, customer: str) -> dict[tuple[int, int], str]:
        """Return the rule that refused each refused row of a customer, by source and row."""
        own = self.rows.select(["source", "source_row", "customer_id"]).to_pylist()
        places = {(row["source"], row["source_row"]) for row in own if row["customer_id"] == customer}
        reasons = {
            (row["source"], row["source_row"]): RULES[row["reason"] - 1].name
            for row in self.refused.to_pylist()
        }
        return {place: rule for place, rule in reasons.items() if place in places}


def line_difference(
    whole: pa.Table,
    cut: pa.Table,
    cutoff: int,
    customers: Iterable[str],
    whole_refused: Refused | None,
    cut_refused: Refused | None,
) -> str | None:
    """Return what made the order lines of some customer differ at the cutoff, in words; None if they are the same.

    whole, cut: order lines; of the whole ones only what was known at the cutoff is compared.
    """
    names = [name for name in ORDER_LINES.names if name in whole.column_names and name in cut.column_names]
    with_later, without = (_by_customer(table.select(names), cutoff) for table in (whole, cut))
    for customer in customers:
        ours, theirs = with_later.get(customer, []), without.get(customer, [])
        if ours != theirs:
            other = _linked(customer, with_later, without)
            if other is not None:
                return _link(customer, other, cutoff)
            rule = _rule(customer, whole_refused, cut_refused)
            return _told(rule, customer, ours, theirs, cutoff)
    return None


def _by_customer(lines: pa.Table, cutoff: int) -> Mapping[str, list[Line]]:
    """Return each customer's lines up to the cutoff, without cancellations that come later."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines.to_pylist():
        if line["day"] <= cutoff:
            known = line["cancelled_day"] is not None and line["cancelled_day"] <= cutoff
            found[line["customer_id"]].append(line if known else {**line, "cancelled_day": None})
    return found


def _linked(
    customer: str, with_later: Mapping[str, list[Line]], without: Mapping[str, list[Line]]
) -> str | None:
    """Return the customer under whom some of a customer's lines stand in the other reading."""
    for here, there in ((with_later, without), (without, with_later)):
        left = [line for line in there.get(customer, []) if line not in here.get(customer, [])]
        wanted = {_content(line) for line in left}
        for other, lines in here.items():
            if other != customer and any(
                _content(line) in wanted and line not in there.get(other, []) for line in lines
            ):
                return other
    return None


def _content(line: Line) -> tuple[Any, ...]:
    return tuple(value for name, value in line.items() if name not in _KEYED)


def _rule(customer: str, whole: Refused | None, cut: Refused | None) -> str | None:
    """Return the rule that refuses a row of a customer in one reading only."""
    if whole is None or cut is None:
        return None
    ours, theirs = whole.of(customer), cut.of(customer)
    late = [
        rule
        for one, other in ((ours, theirs), (theirs, ours))
        for place, rule in sorted(one.items())
        if other.get(place) != rule
    ]
    return late[0] if late else None


def _link(customer: str, other: str, cutoff: int) -> str:
    one, two = sorted((customer, other))
    return (
        f"the link between '{one}' and '{two}' sees the future: on {to_date(cutoff)} they are one customer when later "
        "rows are in the file and two when they are cut off. Give the link the day from which it was known "
        "(known_day), and key the lines as known at the cutoff."
    )


def _told(rule: str | None, customer: str, ours: Sequence[Line], theirs: Sequence[Line], cutoff: int) -> str:
    what = f"the cleaning rule {rule}" if rule else "the cleaning of order lines"
    fix = f"Switch it off in the mapping until it is mended: [rules] {rule} = false" if rule else "Report it"
    differ = [line for line in (*ours, *theirs) if line not in ours or line not in theirs]
    first = min((line["ordered_at"] for line in differ), default=None)
    return (
        f"{what} sees the future: customer '{customer}' has {len(ours)} order lines up to {to_date(cutoff)} when later "
        f"rows are in the file and {len(theirs)} when they are cut off (first difference: the line of {first}). {fix}."
    )
