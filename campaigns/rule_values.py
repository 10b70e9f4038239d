"""What the parts of a rule (campaigns.rules) answer for customers: columns as numbers or texts, and comparisons."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.errors import DeclarationError
from contracts.training import Floats

Bools = NDArray[np.bool_]
Values = NDArray[Any]  # (n,) or a single one; float64, or objects where they are texts
Read = Callable[["RuleColumns"], Values]

ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
SAME: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {ast.Eq: np.equal, ast.NotEq: np.not_equal}
_NOTHING, _EMPTY = np.asarray(None, dtype=object), np.asarray("", dtype=object)


class RuleColumns:
    """Columns as float64 or objects. where: the rule, for messages; rows: how many customers."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], where: str) -> None:
        self.where = where
        self.rows = len(next(iter(columns.values()), ()))
        self._columns = columns
        self._found: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._found:
            self._found[name] = self._plain(name)
        return self._found[name]

    def number(self, values: Values, what: str) -> Floats:
        """Return values that must be numbers."""
        if is_text(values):
            raise DeclarationError(f"{self.where} needs numbers, but {what} holds texts.")
        return values

    def _plain(self, name: str) -> Values:
        values = np.asarray(self._columns[name])
        if values.dtype.kind in "biuf":
            return values.astype(np.float64, copy=False)
        if values.dtype.kind in "UT":
            return values.astype(object)
        if values.dtype.kind != "O":
            raise DeclarationError(
                f"{self.where} reads the column '{name}', which holds dates. A rule compares numbers and texts only."
            )
        first = next((one for one in values if one is not None and one == one), None)
        return values if isinstance(first, str) else self._numbers(values, name)

    def _numbers(self, values: Values, name: str) -> Floats:
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            raise DeclarationError(
                f"{self.where} reads the column '{name}', which holds neither numbers nor texts alone."
            ) from None


def alike(columns: RuleColumns, parts: Iterable[Read]) -> list[Bools]:
    """Return what the parts answer, each (n,)."""
    return [np.broadcast_to(part(columns), (columns.rows,)) for part in parts]


def compared(columns: RuleColumns, left: Values, sign: type[ast.cmpop], right: Values) -> Values:
    """Compare two sides, false where one is unknown; DeclarationError for a text with a number or a larger text."""
    both = is_known(left) & is_known(right)
    if is_text(left) != is_text(right):
        if not both.any():  # a column without any value has no kind
            return both
        raise DeclarationError(f"{columns.where} compares a text with a number. Put texts in quotes only.")
    if is_text(left) and sign in ORDER:
        raise DeclarationError(
            f"{columns.where} asks which text is larger. Texts are compared by ==, != and in."
        )
    with np.errstate(invalid="ignore"):
        return both & (SAME | ORDER)[sign](left, right).astype(np.bool_)


def is_text(values: Values) -> bool:
    """Tell whether these are texts."""
    return values.dtype.kind == "O"


def is_known(values: Values) -> Bools:
    """Tell which values there are: no NaN, no None, no empty text."""
    if not is_text(values):
        return ~np.isnan(values)
    filled = np.not_equal(values, _NOTHING) & np.not_equal(values, _EMPTY) & np.equal(values, values)
    return np.asarray(filled, dtype=np.bool_)


def highest(values: Floats, share: float) -> Bools:
    """Tell who is among at most this share of the known values, the highest; equal values stay together."""
    known = values[~np.isnan(values)]
    most = math.floor(share * len(known) + 1e-9)
    if most == 0:
        return np.zeros(values.shape, dtype=np.bool_)
    least = np.partition(known, len(known) - most)[len(known) - most]
    return values >= least if np.count_nonzero(known >= least) <= most else values > least


def quantile(values: Floats, share: float) -> Values:
    """Return the value below which this share of the known ones lies, NaN if none is known."""
    known = values[~np.isnan(values)]
    return np.asarray(np.quantile(known, share) if len(known) else np.nan)
