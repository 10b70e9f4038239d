"""A trigger as it is declared: what starts it, who takes part, its steps, and what ends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from campaigns.declarations import read_declarations
from campaigns.rules import Rule
from contracts.errors import DeclarationError, nearest

SECTION, DEFAULT = "triggers", "triggers/triggers.toml"
CHANNELS = ("email", "sms", "phone", "messenger", "app", "post")
LEVELS = ("none", "small", "medium", "large")


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A ladder of messages that begins `wait` days after its start (below 0: before it).

    start: what starts it, one of campaigns.triggers.starts.STARTS; a later start begins the ladder anew.
    entry: a rule, as on the day of a step; exit: one as on the night of the list; whom it holds for gets no step.
    offers: the offer level of each step; between: the days from each step to the next one.
    channels: by preference; priority: the lowest number goes first, then the name; cooldown: days after a start that
    led to a first step in which no other one counts; late: how many days after its day a step may still be sent.
    adds: what the data that it needs would bring, where a shop has not got them.
    """

    name: str
    label: str
    says: str
    start: str
    offers: tuple[str, ...]
    priority: int
    between: tuple[int, ...] = ()
    wait: int = 0
    entry: str = "true"
    exit: str = "false"
    channels: tuple[str, ...] = ("email",)
    cooldown: int = 0
    late: int = 14
    adds: str = ""

    def __post_init__(self) -> None:
        """Raise DeclarationError for a ladder that cannot be climbed."""
        if not self.offers or len(self.between) != len(self.offers) - 1:
            raise DeclarationError(
                f"{len(self.offers)} offers and {len(self.between)} numbers of days between them. Write one offer "
                "level per step, and one number less of days."
            )
        _among("offers", self.offers, LEVELS)
        _among("channels", self.channels, CHANNELS)
        if not self.channels:
            raise DeclarationError("channels is empty. Write at least one, by preference.")
        if any(days < 1 for days in self.between):
            raise DeclarationError(f"between is {list(self.between)}. Steps are at least 1 day apart.")
        for key in ("cooldown", "late"):
            if getattr(self, key) < 0:
                raise DeclarationError(f"{key} is {getattr(self, key)}. Write 0 or more days.")
        if not -60 <= self.wait <= 3_650:
            raise DeclarationError(f"wait is {self.wait}. Write days, -60 to 3650.")
        _ = (self.entry_rule, self.exit_rule)

    @cached_property
    def entry_rule(self) -> Rule:
        """Who takes part."""
        return Rule.parse(self.entry, where="entry")

    @cached_property
    def exit_rule(self) -> Rule:
        """Whom no step reaches any more."""
        return Rule.parse(self.exit, where="exit")

    @property
    def columns(self) -> frozenset[str]:
        """The columns that its rules read."""
        return self.entry_rule.columns | self.exit_rule.columns

    @property
    def offsets(self) -> tuple[int, ...]:
        """The days from the start to each step."""
        return tuple(accumulate(self.between, initial=self.wait))


def read_triggers(
    path: Path | None = None, *, starts: Iterable[str], columns: Iterable[str]
) -> tuple[Trigger, ...]:
    """Return the triggers by priority, ours with those of the shop's file; raise DeclarationError.

    starts, columns: what there is to start with and to ask for in a rule.
    """
    found = read_declarations(Trigger, section=SECTION, default=DEFAULT, path=path)
    known, names = list(starts), set(columns)
    where = DEFAULT if path is None else str(path)
    for one in found.values():
        at = f"{where}, [{SECTION}.{one.name}]"
        if one.start not in known:
            raise DeclarationError(
                f"{at}: nothing is called '{one.start}' that starts a trigger{nearest(one.start, known) or '.'} "
                f"Known: {', '.join(known)}."
            )
        for rule in (one.entry_rule, one.exit_rule):
            _check(rule, names, at)
    return tuple(sorted(found.values(), key=lambda one: (one.priority, one.name)))


def _check(rule: Rule, names: set[str], at: str) -> None:
    try:
        rule.check(names)
    except DeclarationError as error:
        raise DeclarationError(f"{at}: {error}") from None


def _among(key: str, found: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in found:
        if word not in known:
            raise DeclarationError(
                f"{key}: '{word}' is not known{nearest(word, known) or '.'} Write of {', '.join(known)}."
            )
