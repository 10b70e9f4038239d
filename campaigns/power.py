"""How large a control group must be: the smallest difference that a test finds, and the share that finds a wanted one.

Two independent groups of customers, two-sided level alpha, normal approximation without continuity correction:

    rates  |p1 - p2| = z(1 - alpha/2) sqrt(p q (1/n1 + 1/n2)) + z(power) sqrt(p1 q1/n1 + p2 q2/n2)
           with p the pooled rate (Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, ch. 4,
           unequal sample sizes)
    money  |m1 - m2| = (z(1 - alpha/2) + z(power)) sd sqrt(1/n1 + 1/n2)
           (the same chapter's argument for means; Cohen 1988, ch. 2)

A score as covariate shrinks the money's sd by sqrt(1 - r²) (Deng et al. 2013); `explained` is that r².
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite, sqrt

from scipy.optimize import brentq
from scipy.special import ndtri

from contracts.errors import DeclarationError

FEW = 5  # buyers expected in a group, below which the normal approximation is rough
LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class Question:
    """What is to be measured: a rate (`base` without contact) or money (`base` and `sd` per customer, in `currency`).

    customers: those whom the campaign would contact, controls among them.
    """

    customers: int
    base: float
    sd: float | None = None
    explained: float = 0.0
    currency: str = ""
    alpha: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        checks = {
            "customers": (self.customers >= 2, "2 or more"),
            "base": (
                isfinite(self.base) and (self.sd is not None or 0 < self.base < 1),
                "a rate between 0 and 1",
            ),
            "sd": (self.sd is None or (isfinite(self.sd) and self.sd > 0), "above 0"),
            "explained": (0 <= self.explained < 1, "from 0 to below 1"),
            "alpha": (0 < self.alpha < 1, "between 0 and 1"),
            "power": (self.alpha < self.power < 1, "between alpha and 1"),
        }
        for name, (fine, must) in checks.items():
            if not fine:
                raise DeclarationError(
                    f"power calculation: {name} is {getattr(self, name)}; it must be {must}."
                )

    @property
    def of_money(self) -> bool:
        """Whether the outcome is money, not a rate."""
        return self.sd is not None


@dataclass(frozen=True)
class Answer:
    """What a control share finds. detectable: the smallest difference, None where no possible one is large enough."""

    question: Question
    share: float
    controls: int
    treated: int
    detectable: float | None

    @property
    def rough(self) -> bool:
        """Whether so few buyers are expected in the control group that the approximation is rough."""
        few = min(self.question.base, 1 - self.question.base) * self.controls
        return not self.question.of_money and few < FEW


def detectable(question: Question, share: float) -> Answer:
    """Return the smallest rise over the base that a control group of `share` of the customers finds."""
    if not 0 < share < 1:
        raise DeclarationError(f"the share of controls is {share:g}; it must be between 0 and 1.")
    controls = min(max(round(question.customers * share), 1), question.customers - 1)
    treated = question.customers - controls
    return Answer(question, share, controls, treated, smallest_rise(question, controls, treated))


def smallest_rise(question: Question, controls: float, treated: float) -> float | None:
    """Return the smallest rise that groups of these sizes find, None where even a rate of 1 is not found."""
    if question.sd is not None:
        sd = question.sd * sqrt(1 - question.explained)
        return sum(quantiles(question)) * sd * sqrt(1 / controls + 1 / treated)
    most = 1 - question.base

    def found(rise: float) -> float:
        return rise - needed_rise(question, rise, controls, treated)

    return None if found(most) < 0 else float(brentq(found, 0.0, most, xtol=1e-12))


def needed_rise(question: Question, rise: float, controls: float, treated: float) -> float:
    """Return the right side of the formula for rates, at the rates base and base + rise."""
    level, reached = quantiles(question)
    one, other = question.base, question.base + rise
    pooled = (one * controls + other * treated) / (controls + treated)
    by_chance = sqrt(pooled * (1 - pooled) * (1 / controls + 1 / treated))
    apart = sqrt(one * (1 - one) / controls + other * (1 - other) / treated)
    return level * by_chance + reached * apart


def quantiles(question: Question) -> tuple[float, float]:
    """Return z(1 - alpha/2) and z(power)."""
    return float(ndtri(1 - question.alpha / 2)), float(ndtri(question.power))


def smallest_share(question: Question, wanted: float) -> float | None:
    """Return the smallest share of controls that finds a rise of `wanted`, None where no share up to a half does."""
    if not (isfinite(wanted) and wanted > 0) or (not question.of_money and question.base + wanted > 1):
        raise DeclarationError(
            f"power calculation: the wanted difference is {wanted:g}; it must be above 0 and possible."
        )
    many = question.customers

    def missing(share: float) -> float:
        found = smallest_rise(question, many * share, many * (1 - share))
        return (found if found is not None else 1.0) - wanted

    if missing(LARGEST_SHARE) > 0:
        return None
    least = 1 / many
    return least if missing(least) <= 0 else float(brentq(missing, least, LARGEST_SHARE, xtol=1e-9))


def customers_needed(question: Question, wanted: float, share: float) -> int:
    """Return how many customers, controls among them, find a rise of `wanted` at this share of controls."""
    level, reached = quantiles(question)
    if question.sd is not None:
        spread = question.sd * sqrt(1 - question.explained)
        return ceil(((level + reached) * spread / wanted) ** 2 * (1 / share + 1 / (1 - share)))
    unit = needed_rise(question, wanted, share, 1 - share)  # falls with the root of the customers
    return ceil((unit / wanted) ** 2)


def in_words(answer: Answer, *, wanted: float | None = None) -> list[str]:
    """Return sentences that show the calculation: what is found, what a wanted difference needs, what is rough."""
    question = answer.question
    size = f"Leaving {answer.controls:,} of {question.customers:,} customers ({answer.share:.1%}) alone"
    sure = f"with {question.power:.0%} certainty at the {question.alpha:.0%} level (two-sided)"
    if answer.detectable is None:
        said = [f"{size} is too few to find any difference {sure}."]
    else:
        said = [f"{size} finds, {sure}, a rise {rise_words(question, answer.detectable)} or more."]
    if wanted is not None:
        said.append(wanted_words(question, wanted))
    if answer.rough:
        said.append(f"This is rough: fewer than {FEW} buyers are expected among the controls.")
    return said


def wanted_words(question: Question, wanted: float) -> str:
    """Say which share of controls finds a wanted rise, or how many customers it would take."""
    share = smallest_share(question, wanted)
    rise = rise_words(question, wanted)
    if share is None:
        many = customers_needed(question, wanted, LARGEST_SHARE)
        return f"A rise {rise} cannot be found: even halves would need {many:,} customers."
    return f"A rise {rise} is found from {share:.1%} controls on ({ceil(share * question.customers):,} customers)."


def rise_words(question: Question, rise: float) -> str:
    """Return a rise over the base in words."""
    if question.of_money:
        return (
            f"from {question.base:,.2f} to {question.base + rise:,.2f} {question.currency}".rstrip()
            + " per customer"
        )
    return f"from {question.base:.2%} to {question.base + rise:.2%}"
