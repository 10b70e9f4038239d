"""What the form of /contact asks for: read from its address, every field that cannot be meant with what to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from campaigns.offers import Offer, read_offers
from campaigns.plan.terms import ASSUMED_MARGIN
from campaigns.preview import PLAIN, PreviewTerms
from contracts.errors import DeclarationError
from contracts.tables import scores_schema
from serving.pages.numbers import number_of
from serving.problems import Problem
from serving.store import Store

BY_CUSTOMERS, BY_BUDGET = "customers", "budget"
ASSUMED_CHANNEL = "email"
_DAYS = 30
_MOST = 1e15
_NAMES = {"cost": "Cost of one contact", "margin": "Margin", "amount": "How many or how much"}
_WRITE = {
    "cost": "Write at least 0, such as 0.05; no commas.",
    "margin": "Write above 0 and at most 100; no commas.",
    BY_CUSTOMERS: "Write a whole number, 0 or more; no commas.",
    BY_BUDGET: "Write at least 0, such as 250.5; no commas.",
}


class Unclear(Exception):
    """Fields that cannot be meant. wrong: what to write, by the field's name."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{_NAMES[name]}: {words}" for name, words in wrong.items()))
        self.wrong = dict(wrong)


@dataclass(frozen=True)
class Asked:
    """What the form says. amount: customers or money, None: what earns most."""

    by: str
    amount: float | None
    terms: PreviewTerms

    @property
    def key(self) -> tuple[float | str, ...]:
        """What one answer is kept under."""
        terms = self.terms
        return terms.contact_cost, terms.margin, terms.response_days, terms.choices[0].name


@cache
def _offers() -> Mapping[str, Offer]:
    return read_offers()


def offers_for(store: Store) -> dict[str, Offer]:
    """Return the offers of our catalogue whose rules ask for nothing that the scores lack."""
    known = set(scores_schema(store.horizons).names)
    return {
        name: one for name, one in _offers().items() if one.rule is None or set(one.rule.columns) <= known
    }


@cache
def assumed_cost() -> float:
    """Return what one contact by e-mail is assumed to cost, as plans do."""
    from campaigns.channels import read_channels  # here: it brings scipy.special, which no other page needs

    return read_channels()[ASSUMED_CHANNEL].cost


def usual_margin(store: Store) -> float:
    """Return the margin that the model was trained with; where it was told none, the one that plans assume."""
    trained = float(store.manifest.get("clv", {}).get("margin") or 1.0)
    return trained if 0.0 < trained < 1.0 else ASSUMED_MARGIN


def asked_of(query: Mapping[str, str], store: Store) -> Asked:
    """Return what is asked for; Unclear for fields, Problem 422 for what the form cannot send."""
    offers, by = offers_for(store), query.get("by") or BY_CUSTOMERS
    offer = query.get("offer") or PLAIN
    if by not in (BY_CUSTOMERS, BY_BUDGET) or offer not in offers:
        raise Problem(422, "Choose one of the ways and offers that the form shows.")
    found = _Fields(query)
    cost = found.number("cost", assumed_cost())
    margin = found.number("margin", 100.0 * usual_margin(store), least=1e-9, most=100.0)
    amount = found.amount(by)
    if found.wrong:
        raise Unclear(found.wrong)
    try:
        terms = PreviewTerms(
            contact_cost=cost, margin=margin / 100.0, response_days=_days(query), offers=(offers[offer],)
        )
    except DeclarationError as error:
        raise Problem(422, str(error)) from None
    return Asked(by, amount, terms)


def _days(query: Mapping[str, str]) -> int:
    text = query.get("days", "").strip() or str(_DAYS)
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Problem(422, "Write the number of days as a whole number, such as 30.")
    return int(text)


class _Fields:
    """The numbers of one address; `wrong` gathers those that cannot be meant."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.wrong: dict[str, str] = {}

    def number(self, name: str, otherwise: float, *, least: float = 0.0, most: float = _MOST) -> float:
        """Return a field's number, or another one where it is empty."""
        if not self._given(name):
            return otherwise
        value = self._read(name)
        if value is None or not least <= value <= most:
            self.wrong[name] = _WRITE[name]
            return otherwise
        return value

    def amount(self, by: str) -> float | None:
        """Return the number or the money asked for; None: neither was set.

        What was typed goes before the slider, which knows only the numbers between its ends. After a change of the way
        to decide, what still stands there from before means nothing: only a field that was typed into does.
        """
        was, slider, value = (self._read(name) for name in ("was", "slider", "amount"))
        typed = self._given("amount") and (value is None or value != was)
        if typed:
            if value is None or not 0 <= value <= _MOST or (by == BY_CUSTOMERS and value % 1):
                self.wrong["amount"] = _WRITE[by]
            return value
        if (self._query.get("was_by") or by) != by:
            return None
        moved = slider is not None and slider != was and 0 <= slider <= _MOST
        return slider if moved else value

    def _given(self, name: str) -> str:
        return self._query.get(name, "").strip()

    def _read(self, name: str) -> float | None:
        try:
            return number_of(self._given(name))
        except ValueError:
            return None
