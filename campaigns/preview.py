"""What contacting so many customers would bring, from the scores alone: the quick look before a plan.

Each customer gets the offer that earns most with them; then the best come first. With p the chance of an order within
the response days without a contact, and e = lift · (1 - p) what the contact adds (as in campaigns.plan.economics):

    profit = (p + e) · (what a redemption leaves of the margin) - p · margin · basket - cost of the contact

so the profit is only what the contact adds. The lift is an assumption; the range is what half and one and a half times
of it would earn. Consent, channels, weeks, the contact policy and a control group are the plan's (campaigns.plan).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.knapsack import Problem, Resource, solve
from campaigns.knapsack.problem import CHUNK
from campaigns.offers import Offer, eligible, read_offers
from campaigns.plan.gather import basket_of
from campaigns.plan.terms import ASSUMED_MARGIN
from contracts.errors import ContractError, DeclarationError
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from features.kernel.buffers import as_numpy, as_rows, in_one
from features.kernel.running import Ints
from models.curve import at_horizon

LOW, HIGH = 0.5, 1.5  # of an assumed lift, as campaigns.plan.lifts
LABELS = ("lifecycle", "tier", "segment")  # what a lift may differ by; a later one goes before an earlier one
MOST_POINTS = 200
PLAIN = "message"  # our offer that gives nothing away
_SAMPLE = 20_000  # customers by whom money is priced where there are several offers
_SMALLEST = 1e-9


@dataclass(frozen=True)
class PreviewTerms:
    """What is asked.

    contact_cost: currency per contact; margin: the profit's share of the amount; response_days: a contact is credited
    with orders in so many days; offers: to choose from, empty for a plain message; budget (contacts and what offers
    give away) and customers: at most so much, None for no limit.
    """

    contact_cost: float = 0.0
    margin: float = ASSUMED_MARGIN
    response_days: int = 30
    offers: tuple[Offer, ...] = ()
    budget: float | None = None
    customers: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0.0 <= self.contact_cost < np.inf:
            raise DeclarationError(f"contact_cost is {self.contact_cost:g}. Write an amount of at least 0.")
        if not 0.0 < self.margin <= 1.0:
            raise DeclarationError(f"margin is {self.margin:g}. Write a share above 0 and at most 1.")
        if not 1 <= self.response_days <= 365:
            raise DeclarationError(f"response_days is {self.response_days}. Write 1 to 365.")
        for name in ("budget", "customers"):
            if not 0 <= (getattr(self, name) or 0) < np.inf:
                raise DeclarationError(f"{name} is {getattr(self, name):g}. Write a number of at least 0.")

    @cached_property
    def choices(self) -> tuple[Offer, ...]:
        """The offers to choose from."""
        return self.offers or (read_offers()[PLAIN],)


@dataclass(frozen=True)
class Point:
    """What contacting the best `contacted` customers is expected to bring; money in the shop's currency.

    cost: of the contacts, and what offers give away; buyers: who order within the response days; added: those of them
    who would not have ordered without the contact; revenue: of the buyers' next order, before what an offer gives away;
    profit: what the contacts add, less their cost; profit_low, profit_high: at half and one and a half times the lift.
    """

    contacted: int
    cost: float
    buyers: float
    added: float
    revenue: float
    profit: float
    profit_low: float
    profit_high: float


_SUMMED = tuple(one.name for one in fields(Point))[1:]


@dataclass(frozen=True)
class Preview:
    """Customers in the order in which they should be contacted, and what each brings.

    order: (m,) their positions in the columns given, without those for whom no offer is; offer: (m,) places in
    terms.choices; each: (m,) by the names of Point, one customer's part, in that order.
    """

    terms: PreviewTerms
    order: Ints
    offer: NDArray[np.int16]
    each: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.order)

    def at(self, number: int) -> Point:
        """Return what contacting the best `number` brings; all of them if there are fewer."""
        number = min(max(number, 0), len(self))
        return Point(number, *(float(self.each[name][:number].sum()) for name in _SUMMED))

    @cached_property
    def _profits(self) -> Floats:
        """The profit of contacting 0, 1, … all; (m + 1,)."""
        return np.concatenate(([0.0], np.cumsum(self.each["profit"])))

    @cached_property
    def best(self) -> Point:
        """The number that earns most; the next contact would cost more than it brings."""
        return self.at(int(self._profits.argmax()))

    @cached_property
    def break_even(self) -> int | None:
        """The largest number that does not lose money as a whole; None if contacting all does not."""
        if self._profits[-1] >= 0.0:
            return None
        return int(np.flatnonzero(self._profits >= 0.0)[-1])

    @cached_property
    def affordable(self) -> int:
        """How many the budget pays for; all without one."""
        if self.terms.budget is None:
            return len(self)
        spent = np.cumsum(self.each["cost"])
        return int(np.searchsorted(spent, self.terms.budget * (1.0 + _SMALLEST), side="right"))

    @cached_property
    def chosen(self) -> Point:
        """What was asked for: the customers asked for, else the best number; no more than the budget pays for."""
        wanted = self.best.contacted if self.terms.customers is None else self.terms.customers
        return self.at(min(wanted, self.affordable))

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The curve over the number contacted: 0, all, even steps between, and the numbers that matter."""
        marks = {0, len(self), self.best.contacted, self.chosen.contacted, self.break_even or 0}
        steps = np.linspace(0, len(self), MOST_POINTS - len(marks), dtype=np.int64)
        numbers = np.array(sorted(marks | set(steps.tolist())))
        sums = np.column_stack([_sums_until(self.each[name], numbers) for name in _SUMMED]).tolist()
        return tuple(Point(int(number), *row) for number, row in zip(numbers, sums, strict=True))


def preview(columns: Mapping[str, NDArray[Any]], terms: PreviewTerms) -> Preview:
    """Return what contacting customers would bring, the best first.

    columns: (n,) each: `p`, the chance of an order within the response days without a contact; `basket`, the expected
    amount of an order; where offers ask for them LABELS, as texts, and what their rules read (see `columns_of`).
    Equals keep the order of the columns given.
    """
    p, basket = columns["p"], columns["basket"]
    if p.shape != basket.shape or p.ndim != 1:
        raise ContractError(f"p and basket must be (n,) each, not {p.shape} and {basket.shape}")
    price = _price_of_money(columns, terms)
    offer = np.empty(len(p), dtype=np.int16)
    each = {name: np.empty(len(p)) for name in _SUMMED}
    for begin in range(0, len(p), CHUNK):
        some = slice(begin, begin + CHUNK)
        parts = _parts({name: values[some] for name, values in columns.items()}, terms)
        offer[some] = _best_offer(parts, price)
        for name in _SUMMED:
            each[name][some] = _picked(parts[name], offer[some])
    order = _order(each["profit"], each["cost"], by_cost=terms.budget is not None)
    return Preview(terms, order, offer[order], {name: each.pop(name)[order] for name in _SUMMED})


def needed(horizons: Sequence[int], terms: PreviewTerms) -> list[str]:
    """Return the columns of the scores (contracts.tables.scores_schema) that `columns_of` reads."""
    nearest = min(horizons, key=lambda h: abs(h - terms.response_days))
    read = {f"expected_orders_{nearest}d", f"expected_value_{nearest}d", "monetary_value"}
    read.add(f"p_repurchase_{terms.response_days}d" if terms.response_days in horizons else "curve")
    if any(offer.lift_of for offer in terms.choices):
        read.update(LABELS)
    for offer in terms.choices:
        read.update(offer.rule.columns if offer.rule is not None else ())
    return sorted(read)


def columns_of(scores: pa.Table, terms: PreviewTerms) -> dict[str, NDArray[Any]]:
    """Return the columns that `preview` takes, from scores that hold what is `needed`."""
    found = {name: _column(scores[name]) for name in scores.column_names if name != "curve"}
    chance = f"p_repurchase_{terms.response_days}d"
    found["p"] = (
        found[chance]
        if chance in found
        else at_horizon(as_rows(scores["curve"], width=len(CURVE_KNOTS)), terms.response_days)
    )
    found["basket"] = basket_of(found, scores, days=terms.response_days)
    return found


# ---------------------------------------------------------------- one offer with each customer
def _parts(columns: Mapping[str, NDArray[Any]], terms: PreviewTerms) -> dict[str, list[Floats]]:
    """Return what contacting each customer with each offer brings, by the names of Point: one (n,) per offer."""
    found = [dict(_parts_of(columns, offer, terms)) for offer in terms.choices]
    return {name: [one[name] for one in found] for name in _SUMMED}


def _parts_of(
    columns: Mapping[str, NDArray[Any]], offer: Offer, terms: PreviewTerms
) -> Iterator[tuple[str, Floats]]:
    """Yield what contacting each customer with an offer brings; profit -inf: the offer is not for them."""
    p, basket = columns["p"], columns["basket"]
    labels = [columns[name] for name in LABELS if name in columns] if offer.lift_of else []
    lift = offer.lift(len(p), *labels) if labels else offer.lift_prior
    given, left, room = offer.given(basket), offer.earned(basket, margin=terms.margin), 1.0 - p
    anyway = p * (left - terms.margin * basket) - terms.contact_cost
    added = np.minimum(lift, 1.0) * room
    buyers = p + added
    yield "cost", terms.contact_cost + buyers * given
    yield "buyers", buyers
    yield "added", added
    yield "revenue", buyers * basket
    profit = anyway + added * left
    if offer.rule is not None or offer.min_basket > 0.0:
        fits = eligible({offer.name: offer}, columns, basket=basket)[offer.name]
        profit = np.where(fits, profit, -np.inf)
    yield "profit", profit
    for name, share in (("profit_low", LOW), ("profit_high", HIGH)):
        yield name, anyway + np.minimum(share * lift, 1.0) * room * left


def _best_offer(parts: Mapping[str, Sequence[Floats]], price: float) -> NDArray[np.int16]:
    """Return which offer earns most with each customer, where a unit of money could earn `price` elsewhere; (n,)."""
    if len(parts["profit"]) == 1:
        return np.zeros(len(parts["profit"][0]), dtype=np.int16)
    net = [profit - price * cost for profit, cost in zip(parts["profit"], parts["cost"], strict=True)]
    return np.asarray(np.argmax(net, axis=0), dtype=np.int16)


def _price_of_money(columns: Mapping[str, NDArray[Any]], terms: PreviewTerms) -> float:
    """Return what one unit more of the budget would earn, by a sample of customers; 0 where that decides nothing."""
    every = max(1, len(columns["p"]) // _SAMPLE)
    some = {name: values[::every] for name, values in columns.items()}
    if terms.budget is None or len(terms.choices) == 1 or not len(some["p"]):
        return 0.0
    parts = _parts(some, terms)
    profit, cost = np.stack(parts["profit"]), np.stack(parts["cost"])
    worth = np.where(profit > 0.0, profit, -np.inf)
    money = Resource("budget", np.ones(len(profit)), limit=terms.budget / every, of_cost=True)
    return solve(Problem.of(worth.T, [money], cost=cost.T)).uses[0].limit_price


def _picked(values: Sequence[Floats], offer: NDArray[np.int16]) -> Floats:
    return values[0] if len(values) == 1 else np.stack(values)[offer, np.arange(len(offer))]


# ---------------------------------------------------------------- all customers
def _order(profit: Floats, cost: Floats, *, by_cost: bool) -> Ints:
    """Return the positions of customers for whom an offer is, best first: by profit, or by profit per money spent."""
    key = profit / np.maximum(cost, _SMALLEST) if by_cost else profit
    order = _descending(key)
    return np.asarray(order[: int(np.isfinite(profit).sum())], dtype=np.int64)


def _descending(key: Floats) -> Ints:
    """Return the positions of the largest first, equals in their order; to 7 digits.

    Twice by 16 bits, for which numpy counts instead of comparing: a third of the time of a sort.
    """
    bits = (0.0 - key).astype(np.float32).view(np.uint32)
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    low = np.argsort((rising & 0xFFFF).astype(np.uint16), kind="stable")
    return low[np.argsort((rising >> 16).astype(np.uint16)[low], kind="stable")]


def _sums_until(values: Floats, numbers: Ints) -> Floats:
    """Return the sums of the first `numbers` (ascending, from 0 to all) values."""
    if not len(values):
        return np.zeros(len(numbers))
    between = np.add.reduceat(values, numbers[:-1]) if len(numbers) > 1 else np.zeros(0)
    return np.concatenate(([0.0], np.cumsum(between)))


def _column(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return as_numpy(column).astype(np.float64, copy=False)
    words = in_one(column).dictionary_encode()
    names = np.array([*words.dictionary.to_pylist(), None], dtype=object)
    return np.asarray(names[as_numpy(words.indices.fill_null(len(words.dictionary)))])
