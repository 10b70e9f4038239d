"""What screening goes by: limits, checks, word lists, providers and screens, ours and the shop's, from TOML."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from campaigns.declarations import read_declarations, require_sections
from contracts.errors import DeclarationError, nearest

DEFAULT = "screening/screens.toml"
SECTIONS = ("screen", "limit", "check", "words", "provider")
VERDICTS = ("doubtful", "yes")
LAST_LAYER = 100


@dataclass(frozen=True)
class Limit:
    """A number that decides, and what it decides."""

    name: str
    value: float
    text: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.value < float("inf"):
            raise DeclarationError(f"'value' is {self.value!r}. Write a finite number of at least 0.")


@dataclass(frozen=True)
class Check:
    """A check of suspicious accounts. text: the reason, in which {value} and {limit's name} are filled in."""

    name: str
    verdict: str
    text: str
    limits: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise DeclarationError(f"'verdict' is {self.verdict!r}. Write 'yes' or 'doubtful'.")
        known = ("value", *self.limits)
        try:
            parts = list(string.Formatter().parse(self.text))
            self.reason(0.0)
        except (KeyError, ValueError, IndexError, AttributeError):
            parts = [("", "?", None, None)]
        for _, name, _, _ in parts:
            if name is not None and name not in known:
                raise DeclarationError(
                    f"'text' is {self.text!r}. In braces stand numbers: {', '.join(known)}, as in {{value:,.0f}}."
                )

    def reason(self, value: float) -> str:
        """Return the reason with the value that shows it."""
        return self.text.format(value=value, **self.limits)


@dataclass(frozen=True)
class Words:
    """A list of words; they are compared in lower case."""

    name: str
    words: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True)
class Provider:
    """A large provider of e-mail addresses (its domain is the name), and misspellings of it."""

    name: str
    misspelt: tuple[str, ...] = ()


@dataclass(frozen=True)
class Screen:
    """Which combination counts as potential. A customer stands in the first layer whose rule holds."""

    name: str
    rule: str
    text: str = ""
    layer: int = LAST_LAYER


@dataclass(frozen=True)
class Settings:
    """All entries by name; screens in the order of their layers. source: the shop's file, for messages."""

    limits: Mapping[str, float]
    checks: Mapping[str, Check]
    words: Mapping[str, tuple[str, ...]]
    providers: Mapping[str, Provider]
    screens: tuple[Screen, ...]
    source: str = field(default=DEFAULT)

    @staticmethod
    def read(path: Path | None = None) -> Settings:
        """Read our own entries and those of the shop's file; DeclarationError with file, entry, found and fix."""
        if path is not None:
            require_sections(path, SECTIONS)
        limits = read_declarations(Limit, section="limit", default=DEFAULT, path=path)
        checks = read_declarations(Check, section="check", default=DEFAULT, path=path)
        words = read_declarations(Words, section="words", default=DEFAULT, path=path)
        screens = read_declarations(Screen, section="screen", default=DEFAULT, path=path)
        if path is not None:
            own = Settings.ours()
            _require_known("limit", limits, own.limits, path=path, complete=True)
            _require_known("words", words, own.words, path=path, complete=True)
            _require_known("check", checks, own.checks, path=path)
            for name, check in checks.items():
                _require_limits(check, own.checks[name], path=path)
        return Settings(
            {name: one.value for name, one in limits.items()},
            checks,
            {name: tuple(word.lower() for word in one.words) for name, one in words.items()},
            read_declarations(Provider, section="provider", default=DEFAULT, path=path),
            tuple(sorted(screens.values(), key=lambda one: one.layer)),
            DEFAULT if path is None else str(path),
        )

    @staticmethod
    @cache
    def ours() -> Settings:
        """Return our own entries."""
        return Settings.read()

    @property
    def misspelt(self) -> dict[str, str]:
        """Misspelt domain -> the provider that was meant."""
        return {word.lower(): one.name for one in self.providers.values() for word in one.misspelt}


def _require_known(
    section: str,
    found: Mapping[str, object],
    ours: Mapping[str, object],
    *,
    path: Path,
    complete: bool = False,
) -> None:
    """Refuse entries that nothing reads, and the removal of one that is needed."""
    for name in found:
        if name not in ours:
            raise DeclarationError(
                f"{path}, [{section}.{name}]: there is no such entry{nearest(name, ours) or '.'} "
                f"Known: {', '.join(ours)}."
            )
    for name in ours if complete else ():
        if name not in found:
            raise DeclarationError(f"{path}, [{section}.{name}]: this is needed. Change it, or leave it out.")


def _require_limits(check: Check, ours: Check, *, path: Path) -> None:
    if set(check.limits) != set(ours.limits):
        raise DeclarationError(
            f"{path}, [check.{check.name}]: 'limits' names {', '.join(sorted(check.limits)) or 'nothing'}. "
            f"Write {', '.join(ours.limits)}."
        )
