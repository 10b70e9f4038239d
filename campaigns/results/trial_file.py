"""A randomised test in one table, one row per customer, described by a closed TOML file.

[test]
arm = "segment"                         # which column says who got what
control = "No E-Mail"                   # its word for those who got nothing
outcomes = ["visit", "conversion"]      # 0 or 1 for every customer
money = ["spend"]                       # currency for every customer, 0 if nothing
covariates = ["recency", "history"]     # known before: they check the balance and shorten the intervals
groups = ["newbie", "channel"]          # known before: effects by group
margin = 0.4                            # share of the first money column that is profit
contact_cost = 0.1                      # currency per treated customer

[test.shares]                           # planned share of each arm; equal if not said
"No E-Mail" = 0.5
"Mens E-Mail" = 0.5
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.results.plain import is_text, labels, numbers, read_plain
from campaigns.results.trial import Trial, Values
from contracts.errors import DataError, DeclarationError, nearest

_LISTS = ("outcomes", "money", "covariates", "groups")


@dataclass(frozen=True, kw_only=True)
class TrialFile:
    """The columns of a test; see the module's example for each field."""

    arm: str
    control: str
    outcomes: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    margin: float | None = None
    contact_cost: float = 0.0
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a test without outcomes, and columns that play two parts; raise DeclarationError."""
        if not self.outcomes and not self.money:
            raise DeclarationError("[test] names no outcomes and no money. Name at least one column.")
        parts = [self.arm, *self.outcomes, *self.money, *self.covariates]
        twice = next((name for name in parts if parts.count(name) > 1), None)
        if twice is not None:
            raise DeclarationError(
                f"[test] has the column '{twice}' in two places. It can only be one thing."
            )
        if self.margin is not None and not self.money:
            raise DeclarationError("[test] has a margin but no money. Name the column of the revenue.")

    def read(self, path: Path) -> Trial:
        """Read the table and return the test; DataError where its columns are no such test."""
        table = read_plain(path, [self.arm, *self.outcomes, *self.money, *self.covariates, *self.groups])
        where = str(path)
        if not table.num_rows:
            raise DataError(f"{path}: there is no row. Export it again.")
        rates = {name: numbers(table, name, where=where) for name in self.outcomes}
        money = {name: numbers(table, name, where=where) for name in self.money}
        covariates = {name: _values(table, name, where) for name in self.covariates}
        try:
            trial = Trial.of_arrays(
                labels(table, self.arm),
                control=self.control,
                rates=rates,
                money=money,
                covariates=covariates,
                groups={name: labels(table, name) for name in self.groups},
                shares=self.shares or None,
                name=path.stem,
            )
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        return self._with_profit(trial)

    def _with_profit(self, trial: Trial) -> Trial:
        if self.margin is None:
            return trial
        cost = self.contact_cost * (trial.arm > 0).astype(np.float64)
        return replace(
            trial, money={**trial.money, "profit": self.margin * trial.money[self.money[0]] - cost}
        )


def load_trial_file(path: Path) -> TrialFile:
    """Read the section [test] of a TOML file; raises DeclarationError for what is unknown or of a wrong type."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DeclarationError(
            f"{path}: the test cannot be read ({error.strerror}). Check the path."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: this is not TOML ({error}). Correct that line.") from None
    for section in content:
        if section != "test":
            raise DeclarationError(f"{path}: unknown section '{section}'. The one section is [test].")
    values = content.get("test")
    if not isinstance(values, dict):
        raise DeclarationError(
            f"{path}: there is no section [test]. Begin with it: [test], arm = …, control = …."
        )
    known = [one.name for one in fields(TrialFile)]
    for key, value in values.items():
        if key not in known:
            raise DeclarationError(
                f"{path}: unknown key '{key}' in [test]{nearest(key, known) or '.'} Known keys: {', '.join(known)}."
            )
        _check_type(path, key, value)
    for key in ("arm", "control"):
        if key not in values:
            raise DeclarationError(
                f"{path}: [test] has no '{key}'. Say the column of the arm and the control's word."
            )
    given: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in values.items()}
    try:
        return TrialFile(**given)
    except DeclarationError as error:
        raise DeclarationError(f"{path}: {error}") from None


def _check_type(path: Path, key: str, value: Any) -> None:
    if key in _LISTS:
        right, rule = (
            isinstance(value, list) and all(isinstance(one, str) for one in value),
            "a list of column names",
        )
    elif key == "shares":
        right, rule = (
            isinstance(value, dict) and all(_is_number(one) for one in value.values()),
            "a table of shares",
        )
    elif key in ("margin", "contact_cost"):
        right, rule = _is_number(value) and value >= 0, "a number of at least 0"
    else:
        right, rule = isinstance(value, str), "text in quotes"
    if not right:
        raise DeclarationError(f"{path}: '{key}' in [test] is {value!r}. Write {rule}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(table: pa.Table, name: str, where: str) -> Values:
    return labels(table, name) if is_text(table, name) else numbers(table, name, where=where)
