"""What a campaign may do: a closed entry of a TOML file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from campaigns.declarations import load_toml, read_declarations, require_sections
from campaigns.rules import Rule
from campaigns.tiers import NAMES as TIERS
from contracts.days import to_date, to_day
from contracts.errors import DeclarationError, nearest
from contracts.tables import CURVE_KNOTS

ASK, ALLOW, ORDERS = "ask", "allow", "orders"
ASSUMED_MARGIN = 0.3
MOST_WEEKS, MOST_RESPONSE_DAYS = 12, 180
_TASTES = ("low", "medium", "high")
_SECTION, _OURS = "plans", "campaign"
# What may stand beside the plans in one file: the catalogues that a plan reads.
SECTIONS = (_SECTION, "offers", "channels", "stages", "calendar")


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
    channel_loss: float = 0.1
    taste: Mapping[str, float] = field(default_factory=dict)
    unknown_reach: str = ORDERS
    no_send: tuple[str, ...] = ()
    country: str | None = None

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
        for key in ("least_margin", "week_loss", "channel_loss"):
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
        for day in self.no_send:
            if _day(day) is None:
                yield f"no_send has '{day}'. Write days as YYYY-MM-DD."
        if self.when:
            self.rule  # noqa: B018 (reads it, so that a rule that cannot be read is refused here)

    @cached_property
    def rule(self) -> Rule | None:
        """Who is in the campaign; None: everyone."""
        return Rule.parse(self.when, where=f"campaign {self.name}") if self.when else None

    def first_day(self, as_of: int) -> int:
        """Return the first day of the campaign; DeclarationError if the scores cannot tell about it.

        It must come after the day of the scores, and end with its responses within the longest horizon.
        """
        day = as_of + 1 if self.start is None else _day(self.start)
        if day is None or day <= as_of:
            raise DeclarationError(
                f"campaign {self.name}: start is {self.start}, but the scores know the days up to {to_date(as_of)}. "
                "Write a later start, or leave it out for the day after."
            )
        last = day + 7 * (self.weeks - 1) + self.response_days - 1
        if last > as_of + CURVE_KNOTS[-1]:
            raise DeclarationError(
                f"campaign {self.name}: with its responses it ends on {to_date(last)}, but the scores of "
                f"{to_date(as_of)} reach {CURVE_KNOTS[-1]} days. Start earlier, or rank anew when it comes nearer."
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
    if path is None:
        ours = read_declarations(Terms, section=_SECTION, default="plan.toml")[_OURS]
        return replace(ours, name=campaign or _OURS)
    require_sections(path, SECTIONS)
    plans = read_declarations(Terms, section=_SECTION, default="plan.toml", path=path)
    own = [name for name in load_toml(path).get(_SECTION, {}) if name in plans]
    if not own:
        raise DeclarationError(f"{path}: there is no campaign in it. Write a table [{_SECTION}.NAME].")
    if campaign is None and len(own) > 1:
        raise DeclarationError(
            f"{path} has several campaigns: {', '.join(own)}. Say which: --campaign {own[0]}."
        )
    if campaign is not None and campaign not in own:
        hint = nearest(campaign, own) or "."
        raise DeclarationError(f"{path} has no [{_SECTION}.{campaign}]{hint} Found: {', '.join(own)}.")
    return plans[campaign or own[0]]


def _day(text: str) -> int | None:
    try:
        return to_day(date.fromisoformat(text))
    except ValueError:
        return None
