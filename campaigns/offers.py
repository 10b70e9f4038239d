"""The catalogue of offers: what each costs, whom it is for, what it may bring, and whether it can pay at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from campaigns.declarations import read_declarations
from campaigns.lifecycle import LEVELS
from campaigns.rules import Rule
from campaigns.sensitivity import KINDS, folded
from contracts.errors import ContractError, DeclarationError, nearest
from features.kernel.running import Bools, Floats

MESSAGE = "none"  # the kind of a message without an offer
OFFER_KINDS = (*KINDS, MESSAGE)
INACTIVE = ("silent", "inactive")  # engagement of subscribers who do not open messages any more


class OfferError(DeclarationError):
    """An offer cannot pay, or does not fit the shop. names: the offers that are at fault."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"[offers.{name}]: {problem}" for name, problem in problems))
        self.names = tuple(name for name, _ in problems)


class StagePolicy(Protocol):
    """What a lifecycle stage may be offered at most: `discount`, and `inactive` for subscribers who went silent."""

    @property
    def discount(self) -> str: ...
    @property
    def inactive(self) -> str: ...


@dataclass(frozen=True)
class Offer:
    """One offer; what the fields mean stands in offers.toml. Money is in `currency`, by default the shop's."""

    name: str
    label: str
    says: str
    kind: str
    level: str
    cost: float = 0.0
    share: float = 0.0
    margin_effect: float = 0.0
    min_basket: float = 0.0
    when: str = ""
    stock: int | None = None
    cap: float | None = None
    currency: str | None = None
    lift_prior: float = 0.0
    lift_of: Mapping[str, float] = field(default_factory=dict)
    prior_source: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for key, known in (("kind", OFFER_KINDS), ("level", LEVELS)):
            value = getattr(self, key)
            if value not in known:
                hint = nearest(value, known) or "."
                raise DeclarationError(f"{key} is '{value}'{hint} Known: {', '.join(known)}.")
        for problem in self._problems():
            raise DeclarationError(problem)
        if self.when:
            self.rule  # noqa: B018 (reads it, so that a rule that cannot be read is refused here)

    def _problems(self) -> Iterable[str]:
        """Name what is wrong with the numbers."""
        for key in ("cost", "min_basket"):
            if not 0.0 <= getattr(self, key) < math.inf:
                yield f"{key} is {getattr(self, key):g}. Write an amount of at least 0."
        for key in ("share", "lift_prior"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                yield f"{key} is {getattr(self, key):g}. Write a share from 0 to 1."
        if not -1.0 <= self.margin_effect <= 1.0:
            yield f"margin_effect is {self.margin_effect:g}. Write a share from -1 to 1."
        for word, lift in self.lift_of.items():
            if not 0.0 <= lift <= 1.0:
                yield f"lift_of.{word} is {lift:g}. Write a share from 0 to 1."
        if self.stock is not None and self.stock <= 0:
            yield f"stock is {self.stock}: nobody can get it. Leave stock out (no limit), or write off = true."
        if self.cap is not None and not self.cap > 0:
            yield f"cap is {self.cap:g}: nothing may be given. Leave cap out (no limit), or write off = true."
        if self.assumes and not self.prior_source.strip():
            yield "lift_prior stands without prior_source. Say where the number comes from, or that it is assumed."
        gives = self.cost > 0 or self.share > 0
        if gives and self.level == "none":
            yield "level is none, but it gives something away. Write small, medium or large."
        if gives and self.kind == MESSAGE:
            yield "kind is none, a plain message, but it gives something away. Name the kind of offer."

    @property
    def assumes(self) -> bool:
        """Whether it states a lift that no test of the shop has measured."""
        return self.lift_prior > 0 or any(lift > 0 for lift in self.lift_of.values())

    @cached_property
    def rule(self) -> Rule | None:
        """Who may get it; None: everyone."""
        return Rule.parse(self.when, where=f"offer {self.name}") if self.when else None

    def given(self, basket: Floats) -> Floats:
        """Return what one redemption gives away; (n,) currency. basket: (n,) the amount before the offer."""
        return np.asarray(self.cost + self.share * basket)

    def earned(self, basket: Floats, *, margin: float | Floats) -> Floats:
        """Return what one redemption leaves of the margin; (n,) currency."""
        return np.asarray((margin + self.margin_effect) * basket - self.given(basket))

    def lift(self, size: int, *labels: NDArray[Any]) -> Floats:
        """Return the assumed share of the headroom 1 - p that one contact converts; (size,).

        labels: (size,) texts such as lifecycle, tier, segment; a later one goes before an earlier one.
        """
        found = np.full(size, self.lift_prior)
        for texts in labels:
            for word, lift in self.lift_of.items():
                found[texts == word] = lift
        return found


# ---------------------------------------------------------------- the catalogue
def read_offers(path: Path | None = None) -> dict[str, Offer]:
    """Read our offers and the shop's; DeclarationError names the entry, what was found and the fix."""
    offers = read_declarations(Offer, section="offers", default="offers.toml", path=path)
    seen: dict[str, str] = {}
    for name, offer in offers.items():
        label = folded(offer.label)
        if label in seen:
            where = "" if path is None else f" ({path})"
            problem = f"has the label of [offers.{seen[label]}], '{offer.label}'{where}. Name one otherwise."
            raise OfferError([(name, problem)])
        seen[label] = name
    return offers


def check_offers(
    offers: Mapping[str, Offer],
    *,
    margin: float,
    basket: float,
    currency: str,
    columns: Iterable[str] | None = None,
) -> None:
    """Raise OfferError for every offer that costs more than it can earn, or that does not fit the shop.

    margin: share of the amount; basket: a usual amount of an order (the median); columns: what rules may read.
    """
    known = None if columns is None else frozenset(columns)
    problems = []
    for name, offer in offers.items():
        problems += [(name, text) for text in _problems_of(offer, margin, basket, currency, known)]
    if problems:
        raise OfferError(problems)


def fitting_offers(
    offers: Mapping[str, Offer],
    *,
    margin: float,
    basket: float,
    currency: str,
    columns: Iterable[str] | None = None,
) -> tuple[dict[str, Offer], list[str]]:
    """Return the offers that fit the shop, and a sentence for each that is left out.

    Only those that stand in our own catalogue as they are can be left out; for the shop's own see `check_offers`.
    """
    known, ours = None if columns is None else frozenset(columns), read_offers()
    kept, said = {}, []
    for name, offer in offers.items():
        problems = list(_problems_of(offer, margin, basket, currency, known))
        if problems and ours.get(name) == offer:
            said.append(f"Our offer '{offer.label}' is left out: it {problems[0]}")
        else:
            kept[name] = offer
    check_offers(kept, margin=margin, basket=basket, currency=currency, columns=known)
    return kept, said


def _problems_of(
    offer: Offer, margin: float, basket: float, currency: str, known: frozenset[str] | None
) -> Iterable[str]:
    """Say why an offer does not fit the shop."""
    if not 0.0 < margin <= 1.0 or not 0.0 < basket < math.inf:
        raise ContractError(f"margin {margin:g} must lie in (0, 1] and basket {basket:g} above 0")
    yield from _misfits(offer, margin, basket, currency)
    missing = offer.rule.columns - known if offer.rule is not None and known is not None else frozenset()
    for name in sorted(missing):
        yield (
            f"asks in its rule `{offer.when}` for the column '{name}', which does not exist"
            f"{nearest(name, known or ()) or '.'}"
        )


def _misfits(offer: Offer, margin: float, basket: float, currency: str) -> Iterable[str]:
    """Say why an offer cannot pay in this shop."""
    if offer.currency is not None and offer.currency != currency:
        yield (
            f"counts in {offer.currency}, the shop in {currency}. Write its amounts in {currency}, or set the "
            "shop's currency in the mapping of the orders."
        )
        return
    amount = max(basket, offer.min_basket)
    one = np.array([amount])
    left, gives = float(offer.earned(one, margin=margin)[0]), float(offer.given(one)[0])
    if left <= 0:
        earns = (margin + offer.margin_effect) * amount
        yield (
            f"costs {gives:,.2f} {currency} per redemption and can earn {earns:,.2f} (margin "
            f"{margin + offer.margin_effect:.0%} of a basket of {amount:,.2f}). Make it smaller, or ask for a "
            "larger basket (min_basket)."
        )
    if offer.cap is not None and offer.cap < gives:
        yield f"has a cap of {offer.cap:,.2f} {currency}, less than one redemption costs ({gives:,.2f}). Raise the cap."


def eligible(
    offers: Mapping[str, Offer], columns: Mapping[str, NDArray[Any]], *, basket: Floats
) -> dict[str, Bools]:
    """Return who may get each offer by its rule and least basket; (n,) each. basket: (n,) the usual amount."""
    found = {}
    for name, offer in offers.items():
        fits = np.asarray(basket >= offer.min_basket)
        found[name] = fits if offer.rule is None else fits & offer.rule.holds(columns)
    return found


def allowed_levels(
    lifecycle: NDArray[Any], engagement: NDArray[Any] | None, *, policy: Mapping[str, StagePolicy]
) -> Bools:
    """Return which LEVELS of offers each customer may get; (n, 4).

    lifecycle: (n,) stages, each in `policy` (campaigns.lifecycle.read_stages). engagement: (n,) e-mail engagement; who
    is in INACTIVE may get the stage's `inactive` level, everyone else (also where it is not known) its `discount`.
    A plain message is allowed to all; a customer without a stage gets nothing more.
    """
    silent = np.zeros(len(lifecycle), np.bool_) if engagement is None else np.isin(engagement, INACTIVE)
    highest = np.zeros(len(lifecycle), np.int64)
    for stage, rules in policy.items():
        here = lifecycle == stage
        highest[here & ~silent] = LEVELS.index(rules.discount)
        highest[here & silent] = LEVELS.index(rules.inactive)
    return np.asarray(np.arange(len(LEVELS)) <= highest[:, None])


def kinds_of(offers: Mapping[str, Offer]) -> dict[str, str]:
    """Return the kind of each offer by its name and by its label, as contacts may write it."""
    return {text: offer.kind for offer in offers.values() for text in (offer.name, offer.label)}


def assumptions(offers: Mapping[str, Offer]) -> list[str]:
    """Return each stated lift with its source, as sentences."""
    said = []
    for offer in offers.values():
        if offer.assumes:
            others = "".join(f", {word} {lift:.1%}" for word, lift in offer.lift_of.items())
            said.append(
                f"{offer.label}: one contact is assumed to convert {offer.lift_prior:.1%}{others} of those who would "
                f"not have bought ({offer.prior_source})."
            )
    return said
