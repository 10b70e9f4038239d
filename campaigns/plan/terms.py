"""What a campaign may do: a closed entry of a TOML file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

from campaigns.declarations import read_declarations
from campaigns.rules import Rule
from campaigns.tiers import NAMES as TIERS
from contracts.days import to_day
from contracts.errors import DeclarationError, nearest

ASK, ALLOW, ORDERS = "ask", "allow", "orders"
ASSUMED_MARGIN = 0.3
MOST_WEEKS, MOST_RESPONSE_DAYS = 12, 180
_TASTES = ("low", "medium", "high")


@dataclass(frozen=True)
class Terms:
    """One campaign; what the fields mean stands in plan.toml. Money is in `currency`, by default the shop's."""

    name: str
    label: str
    says: str = ""
    start: str | None = None
    weeks: int = 4
    budget: float | None = None
    currency: str | None = None
    margin: float | None = None
    response_days: int = 30
    least_profit: float = 0.0
    least_margin: float = 0.0
    control_share: float | None = None
    wanted_lift: float | None = None
    floors: Mapping[str, float] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    when: str = ""
    week_loss: float = 0.1
    taste: Mapping[str, float] = field(default_factory=dict)
    unknown_reach: str = ORDERS

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for problem in self._problems():
            raise DeclarationError(problem)

    def _problems(self) -> Iterable[str]:
        if not 1 <= self.weeks <= MOST_WEEKS:
            yield f"weeks is {self.weeks}. Write 1 to {MOST_WEEKS}."
        if not 1 <= self.response_days <= MOST_RESPONSE_DAYS:
            yield f"response_days is {self.response_days}. Write 1 to {MOST_RESPONSE_DAYS}."
        if self.budget is not None and not 0.0 < self.budget < math.inf:
            yield f"budget is {self.budget:g}: nobody could be contacted. Write an amount above 0, or leave it out."
        if self.margin is not None and not 0.0 < self.margin <= 1.0:
            yield f"margin is {self.margin:g}. Write the profit's share of the amount, above 0 and at most 1."
        for key in ("least_margin", "week_loss"):
            if not 0.0 <= getattr(self, key) < 1.0:
                yield f"{key} is {getattr(self, key):g}. Write a share from 0 to below 1."
        if not abs(self.least_profit) < math.inf:
            yield f"least_profit is {self.least_profit:g}. Write an amount."
        for key in ("control_share", "wanted_lift"):
            value = getattr(self, key)
            if value is not None and not 0.0 <= value < 1.0:
                yield f"{key} is {value:g}. Write a share from 0 to below 1."
        yield from self._word_problems()

    def _word_problems(self) -> Iterable[str]:
        for key, known in (("floors", TIERS), ("taste", _TASTES)):
            for word, value in getattr(self, key).items():
                if word not in known:
                    yield f"{key} has '{word}'{nearest(word, known) or '.'} Known: {', '.join(known)}."
                elif not 0.0 <= value < math.inf:
                    yield f"{key}.{word} is {value:g}. Write a number of at least 0."
        if self.unknown_reach not in (ASK, ALLOW, ORDERS):
            yield f"unknown_reach is '{self.unknown_reach}'. Write {ASK}, {ALLOW} or {ORDERS}."
        if self.start is not None and _day(self.start) is None:
            yield f"start is '{self.start}'. Write a day as YYYY-MM-DD."
        if self.when:
            self.rule  # noqa: B018 (reads it, so that a rule that cannot be read is refused here)

    @cached_property
    def rule(self) -> Rule | None:
        """Who is in the campaign; None: everyone."""
        return Rule.parse(self.when, where=f"campaign {self.name}") if self.when else None

    def first_day(self, as_of: int) -> int:
        """Return the first day of the campaign; DeclarationError if it is not after the day that the scores know."""
        day = as_of + 1 if self.start is None else _day(self.start)
        if day is None or day <= as_of:
            raise DeclarationError(
                f"start {self.start} is not after the day of the scores. Choose a later one."
            )
        return day

    def chosen(self, what: str, names: Iterable[str]) -> list[str]:
        """Return the names of offers or channels that the campaign uses; DeclarationError for one that is not there."""
        known, asked = list(names), getattr(self, what)
        for name in asked:
            if name not in known:
                raise DeclarationError(
                    f"campaign {self.name}: {what} has '{name}'{nearest(name, known) or '.'} Known: {', '.join(known)}."
                )
        return [name for name in known if not asked or name in asked]


def read_terms(path: Path | None, campaign: str | None) -> Terms:
    """Return a campaign's terms: of the shop's file, else ours under the asked name. Raises DeclarationError."""
    plans = read_declarations(Terms, section="plans", default="plan.toml", path=path)
    if path is None:
        return Terms(**{**vars(plans["campaign"]), "name": campaign or "campaign"})
    own = {name: one for name, one in plans.items() if name != "campaign"} or plans
    if campaign is None and len(own) == 1:
        return next(iter(own.values()))
    if campaign is None:
        raise DeclarationError(f"{path} has several campaigns. Say which: --campaign {next(iter(own))}.")
    if campaign not in plans:
        hint = nearest(campaign, plans) or "."
        raise DeclarationError(f"{path} has no [plans.{campaign}]{hint} Found: {', '.join(own)}.")
    return plans[campaign]


def _day(text: str) -> int | None:
    try:
        return to_day(date.fromisoformat(text))
    except ValueError:
        return None
