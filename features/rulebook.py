"""The cleaning rules: what each one does, whether it looks at other rows, and whether a shop may switch it.

A `row` rule looks at one row alone. A `dated` rule looks at other rows as well, and what it learns from them takes
effect from the time at which it could be known, never before.

    [rules]                     # in the mapping file
    not_a_product = false       # off
    reseller = "refuse"         # a flag that refuses: rows from the day on which it is known go to quarantine
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from contracts.errors import DeclarationError, nearest

Setting = bool | Literal["refuse"]


@dataclass(frozen=True)
class Rule:
    """One named rule. `fixed` rules cannot be switched: without them no line can be made of the row."""

    name: str
    looks_at: Literal["row", "dated"]
    does: Literal["refuse", "merge", "flag", "make"]
    text: str
    on: bool = True
    fixed: bool = False


# In the order in which they are asked: the first reason that fits is given.
RULES = (
    Rule("malformed_row", "row", "refuse", "It has more or fewer fields than the header.", fixed=True),
    Rule("unreadable_date", "row", "refuse", "Its date is missing or cannot be read.", fixed=True),
    Rule("future_date", "dated", "refuse", "It is later than the current time."),
    Rule(
        "absurd_date",
        "dated",
        "refuse",
        "Ten years without any row lie between it and the bulk, or it is before 1970-01-02.",
    ),
    Rule(
        "guest_checkout",
        "row",
        "make",
        "A row without a customer but with an e-mail address belongs to the customer of that hashed address.",
    ),
    Rule(
        "missing_customer",
        "row",
        "refuse",
        "It has no customer: blank, or a word such as nan or null.",
        fixed=True,
    ),
    Rule("test_order", "row", "refuse", "Its e-mail address or customer is a test (example.com, test@…, …)."),
    Rule("unpaid_order", "row", "refuse", "Its order was never paid: pending, failed, voided, on hold."),
    Rule(
        "cancelled_order",
        "row",
        "refuse",
        "Its order has the status cancelled or refunded, and no time of it is given.",
    ),
    Rule("missing_quantity", "row", "refuse", "It has no quantity, and no amount either.", fixed=True),
    Rule("unreadable_quantity", "row", "refuse", "Its quantity is not a finite number.", fixed=True),
    Rule("zero_quantity", "row", "refuse", "Its quantity is 0."),
    Rule("other_currency", "row", "refuse", "It is in a currency for which no rate is given.", fixed=True),
    Rule(
        "unreadable_amount",
        "row",
        "refuse",
        "Its amount or price is missing, not a finite number, or beyond 1e15.",
        fixed=True,
    ),
    Rule("negative_price", "row", "refuse", "Its unit price is below zero, as in bad-debt adjustments."),
    Rule(
        "not_a_product", "row", "refuse", "Its product_id is postage, a fee, a voucher, … by `not_products`."
    ),
    Rule("delivered_twice", "dated", "merge", "Another source delivered the same row."),
    Rule(
        "duplicate_line",
        "dated",
        "merge",
        "The same source has the same line of the same order twice, alike in everything.",
    ),
    Rule("no_valid_order", "dated", "refuse", "Its customer has returns only, no sale.", fixed=True),
    Rule(
        "outlier_basket",
        "dated",
        "flag",
        "Its amount is more than 20 times the 99.9th percentile of all lines of earlier months (wholesale).",
    ),
    Rule("reseller", "dated", "flag", "Its customer bought 2,000 items or more within 30 days."),
    Rule("bot", "dated", "flag", "Its customer placed 20 orders or more on one day."),
    Rule(
        "identity",
        "dated",
        "make",
        "Ids with the same e-mail address, telephone number or link are one customer from the day this is known.",
    ),
)
REASONS = tuple(rule.name for rule in RULES if rule.does in ("refuse", "flag"))
MERGES = tuple(rule.name for rule in RULES if rule.does == "merge")
_BY_NAME = {rule.name: rule for rule in RULES}


@dataclass(frozen=True)
class Rules:
    """Which rules are on: the defaults, and what a shop's mapping file changes."""

    changed: Mapping[str, Setting] = field(default_factory=dict)

    def on(self, name: str) -> bool:
        """Tell whether a rule is on."""
        return bool(self.changed.get(name, _BY_NAME[name].on))

    def refuses(self, name: str) -> bool:
        """Tell whether a flag refuses rows."""
        return self.changed.get(name) == "refuse"

    @staticmethod
    def of(settings: Mapping[str, Any], where: str) -> Rules:
        """Return the rules with these settings; DeclarationError for what is unknown or cannot be switched."""
        for name, value in settings.items():
            if name not in _BY_NAME:
                raise DeclarationError(
                    f"{where}: [rules] has the unknown rule '{name}'{nearest(name, _BY_NAME) or '.'}"
                )
            rule = _BY_NAME[name]
            if rule.fixed:
                raise DeclarationError(f"{where}: the rule {name} cannot be switched. {rule.text}")
            allowed = (True, False, "refuse") if rule.does == "flag" else (True, False)
            if not any(value is one or value == one == "refuse" for one in allowed):
                words = 'true, false or "refuse"' if rule.does == "flag" else "true or false"
                raise DeclarationError(f"{where}: the rule {name} is {value!r}. Write {words}.")
        return Rules(dict(settings))


def as_table() -> str:
    """Return the rules as a table of Markdown; docs/orders.md holds it."""
    rows = ["| rule | looks at | does | when | |", "|---|---|---|---|---|"]
    for rule in RULES:
        switch = "always on" if rule.fixed else "on" if rule.on else "off"
        rows.append(f"| `{rule.name}` | {rule.looks_at} | {rule.does} | {rule.text} | {switch} |")
    return "\n".join(rows)
