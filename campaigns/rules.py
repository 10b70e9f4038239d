"""A condition in words of columns, as it stands in a declaration.

    recency_days > 90 and top(expected_value_90d, 0.2)
    tier in ('focus', 'cultivate') and not known(days_since_email_open)

Numbers, 'texts', columns; and, or, not; == != < <= > >=, also chained; in, not in; + - * /; and the functions

    top(x, share)     among the highest values: at most this share of the known ones, equal values together
    bottom(x, share)  among the lowest
    quantile(x, q)    the value below which this share of the known ones lies, as a number to compare with
    known(x)          there is a value

A comparison with an unknown value is false (so is !=), and `not` makes that true: say known(x) where it matters. A
column of 0 and 1 is a condition by itself. The text is read with Python's grammar but never run: what is not in this
list is refused.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from campaigns.rule_values import (
    ORDER,
    SAME,
    Bools,
    Read,
    RuleColumns,
    Values,
    alike,
    compared,
    highest,
    is_known,
    quantile,
)
from contracts.errors import DeclarationError, nearest

FUNCTIONS = ("top", "bottom", "quantile", "known")
_LONGEST, _DEEPEST = 2_000, 40
_SUMS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide,
}  # fmt: skip
_WORDS = {"true": True, "false": False}
_HINTS: dict[type[ast.AST], str] = {
    ast.BitAnd: "Write `and` for &.",
    ast.BitOr: "Write `or` for |.",
    ast.Invert: "Write `not` for ~.",
    ast.Mod: "Write 0.2 for 20 %.",
    ast.Is: "Write == for `is`, and known(x) for `is not None`.",
    ast.IsNot: "Write != for `is not`, and known(x) for `is not None`.",
}


@dataclass(frozen=True)
class Rule:
    """A condition. text: as it was written; where: whose it is, for messages; columns: what it reads."""

    text: str
    where: str
    columns: frozenset[str]
    _holds: Read = field(repr=False, compare=False)

    @staticmethod
    def parse(text: str, *, where: str = "a rule") -> Rule:
        """Read a rule; DeclarationError with the place for anything that is no condition."""
        reader = _Reader(text, where)
        holds = reader.condition(reader.tree())
        return Rule(text, where, frozenset(reader.columns), holds)

    def check(self, known: Iterable[str]) -> None:
        """Raise DeclarationError if it reads a column that is not among these, with the nearest one."""
        names = set(known)
        for name in sorted(self.columns - names):
            raise DeclarationError(
                f"{self.where}: the rule `{self.text}` asks for the column '{name}', which does not exist"
                f"{nearest(name, names) or '.'}"
            )

    def holds(self, columns: Mapping[str, NDArray[Any]]) -> Bools:
        """Return for which of n customers it holds; (n,).

        columns: (n,) each: numbers (NaN unknown), booleans or texts (None or '' unknown), at least those of the rule.
        Raises DeclarationError for a column that is not there or whose values do not fit the comparison.
        """
        self.check(columns)
        found = RuleColumns(columns, f"{self.where}: the rule `{self.text}`")
        return np.broadcast_to(self._holds(found), (found.rows,)).astype(np.bool_)


class _Reader:
    """Makes functions of columns out of the parts of a rule, and notes the columns."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.columns: set[str] = set()
        self._depth = 0

    def tree(self) -> ast.expr:
        if len(self.text) > _LONGEST:
            self._refuse(f"has {len(self.text):,} characters; {_LONGEST:,} are the most")
        line = " ".join(self.text.split())
        if not line:
            self._refuse("is empty. Write a condition, such as recency_days > 90")
        try:
            return ast.parse(line, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            self._refuse(_not_read(line, error))

    def condition(self, node: ast.expr) -> Read:
        """Return the function that answers true or false for each customer."""
        self._deeper(node)
        try:
            match node:
                case ast.BoolOp():
                    parts = [self.condition(one) for one in node.values]
                    join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
                    return lambda columns: join.reduce(alike(columns, parts))
                case ast.UnaryOp(op=ast.Not()):
                    inner = self.condition(node.operand)
                    return lambda columns: ~alike(columns, [inner])[0]
                case ast.Compare():
                    return self._comparison(node)
                case ast.Call(func=ast.Name(id="top" | "bottom" | "known")):
                    return self._call(node)
                case ast.Constant(value=bool()) | ast.Name():
                    return self._flag(node)
            self._refuse(f"says `{ast.unparse(node)}` where a condition is needed. {_hint(node)}".rstrip())
        finally:
            self._depth -= 1

    def value(self, node: ast.expr) -> Read:
        """Return the function that answers a number or a text for each customer."""
        self._deeper(node)
        try:
            match node:
                case ast.Constant(value=bool() | int() | float() | str()):
                    constant = self._constant(node)
                    return lambda _: constant
                case ast.Name(id=name) if name in _WORDS:
                    return lambda _: np.asarray(float(_WORDS[name]))
                case ast.Name(id=name):
                    self.columns.add(name)
                    return lambda columns: columns[name]
                case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                    return self._signed(node)
                case ast.BinOp() if type(node.op) in _SUMS:
                    return self._sum(node)
                case ast.Call(func=ast.Name(id="quantile")):
                    return self._call(node)
            self._refuse(f"says `{ast.unparse(node)}` where a value is needed. {_hint(node)}".rstrip())
        finally:
            self._depth -= 1

    def _comparison(self, node: ast.Compare) -> Read:
        sides = [node.left, *node.comparators]
        pairs = [self._pair(*one) for one in zip(sides[:-1], node.ops, sides[1:], strict=True)]
        return lambda columns: np.logical_and.reduce(alike(columns, pairs))

    def _pair(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Read:
        if isinstance(sign, ast.In | ast.NotIn):
            return self._among(left, sign, right)
        if type(sign) not in ORDER | SAME:
            self._refuse(f"uses `is`. {_hint(sign)}")
        a, b = self.value(left), self.value(right)
        return lambda columns: compared(columns, a(columns), type(sign), b(columns))

    def _among(self, left: ast.expr, sign: ast.In | ast.NotIn, right: ast.expr) -> Read:
        several = isinstance(right, ast.Tuple | ast.List | ast.Set)
        items = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
        if not items or not (several or isinstance(right, ast.Constant)):
            self._refuse("needs a list after `in`, such as ('focus', 'cultivate')")
        value, listed = self.value(left), [self._constant(one) for one in items]

        def among(columns: RuleColumns) -> Values:
            values = value(columns)
            found = np.logical_or.reduce([compared(columns, values, ast.Eq, one) for one in listed])
            return is_known(values) & ~found if isinstance(sign, ast.NotIn) else found

        return among

    def _flag(self, node: ast.expr) -> Read:
        read, what = self.value(node), ast.unparse(node)

        def flag(columns: RuleColumns) -> Values:
            values = columns.number(read(columns), what)
            filled = is_known(values)
            if not np.isin(values[filled], (0.0, 1.0)).all():
                raise DeclarationError(
                    f"{columns.where} takes '{what}' for true or false, but it holds numbers. Compare it: {what} > 0."
                )
            return filled & (values == 1.0)

        return flag

    def _signed(self, node: ast.UnaryOp) -> Read:
        inner, what = self.value(node.operand), ast.unparse(node.operand)
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return lambda columns: sign * columns.number(inner(columns), what)

    def _sum(self, node: ast.BinOp) -> Read:
        a, b, act = self.value(node.left), self.value(node.right), _SUMS[type(node.op)]
        left, right = ast.unparse(node.left), ast.unparse(node.right)

        def total(columns: RuleColumns) -> Values:
            with np.errstate(all="ignore"):
                found = np.asarray(act(columns.number(a(columns), left), columns.number(b(columns), right)))
            return np.where(np.isfinite(found), found, np.nan)  # x / 0 is unknown

        return total

    def _call(self, node: ast.Call) -> Read:
        name, given = ast.unparse(node.func), node.args
        wanted = 1 if name == "known" else 2
        if node.keywords or len(given) != wanted or any(isinstance(one, ast.Starred) for one in given):
            form = "known(x)" if wanted == 1 else f"{name}(x, {'0.5' if name == 'quantile' else '0.2'})"
            self._refuse(f"says `{ast.unparse(node)}`. Write {form}")
        read, what = self.value(given[0]), ast.unparse(given[0])
        if wanted == 1:
            return lambda columns: is_known(read(columns))
        share = self._share(given[1])
        if name == "quantile":
            return lambda columns: quantile(columns.number(read(columns), what), share)
        sign = 1.0 if name == "top" else -1.0
        return lambda columns: highest(sign * columns.number(read(columns), what), share)

    def _share(self, node: ast.expr) -> float:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
            self._refuse(f"gives `{ast.unparse(node)}` as a share. Write a number from 0 to 1, such as 0.2")
        return float(value)

    def _constant(self, node: ast.expr) -> Values:
        """Return the single number or text that is written out here."""
        sign, at = 1.0, node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, at = -1.0, node.operand
        value = at.value if isinstance(at, ast.Constant) else None
        if isinstance(value, str) and sign > 0:
            return np.array(value, dtype=object)
        if not isinstance(value, int | float) or not math.isfinite(_float(value)):
            self._refuse(f"says `{ast.unparse(node)}` where a number or a text in quotes is needed")
        return np.asarray(sign * float(value))

    def _deeper(self, node: ast.expr) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"is nested more than {_DEEPEST} deep. Make it two segments")

    def _refuse(self, why: str) -> NoReturn:
        shown = self.text if len(self.text) <= 200 else f"{self.text[:200]}…"
        raise DeclarationError(f"{self.where}: the rule `{shown}` {why.removesuffix('.')}.")


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _hint(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        return f"The functions are {', '.join(FUNCTIONS)}{nearest(name, FUNCTIONS)}"
    at: ast.AST = getattr(node, "op", node)
    return _HINTS.get(type(at), "")


def _not_read(line: str, error: Exception) -> str:
    bare = line
    for sign in ("==", "!=", "<=", ">="):
        bare = bare.replace(sign, "")
    if "=" in bare:
        return "cannot be read. Write == for equal"
    if any(word in bare.split() for word in ("AND", "OR", "NOT", "IN")):
        return "cannot be read. Write and, or, not, in with small letters"
    at = getattr(error, "offset", None)
    return f"cannot be read{f' (at character {at})' if at else ''}. Write it like recency_days > 90 and orders >= 2"
