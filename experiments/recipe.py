"""A recipe: everything that decides what a training does. A closed TOML file, or these defaults."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from contracts.errors import DeclarationError, nearest
from contracts.tables import DEFAULT_HORIZONS
from experiments.tuning_space import checked

MOST_RATE = 100  # margins and yearly rates beyond this are slips of the pen
MODELS = ("ensemble", "lightgbm", "bgnbd", "mbgnbd", "paretonbd", "mbgcnbdk")


@dataclass(frozen=True)
class Recipe:
    """What a training does. Days are days; rates are per year; the rest are counts."""

    horizons: tuple[int, ...] = (90,)  # the first is the main one: it is ranked and judged by
    cutoffs: int = 12
    cutoff_step_days: int = 30
    most_customers: int = 60_000  # in the panel; sampled by hashed id above that
    model: str = "ensemble"
    margin: float = 1.0  # share of the amount that is profit, for clv
    discount_rate: float = 0.1  # per year, for clv
    clv_days: int = 365
    contact_cost: float = 0.0  # currency per customer and year, for clv
    lightgbm: dict[str, Any] = field(default_factory=dict, hash=False)  # what to change in its parameters

    @property
    def horizon(self) -> int:
        """The main horizon in days."""
        return self.horizons[0]

    @property
    def all_horizons(self) -> tuple[int, ...]:
        """The standard horizons and the asked ones, ascending."""
        return tuple(sorted({*DEFAULT_HORIZONS, *self.horizons}))

    def with_horizons(self, horizons: tuple[int, ...]) -> Recipe:
        """Return this recipe with other horizons, if any are given."""
        return replace(self, horizons=horizons) if horizons else self

    def on_rows_of(self, other: Recipe) -> Recipe:
        """Return this recipe with the other's horizons and sample, so that both are judged on the same rows."""
        return replace(self, horizons=other.horizons, most_customers=other.most_customers)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "horizons": list(self.horizons)}

    @classmethod
    def of_dict(cls, values: dict[str, Any], *, where: str) -> Self:
        """Read plain values; DeclarationError for an unknown key (with the nearest known) or a wrong value."""
        known = {one.name: type(getattr(cls(), one.name)) for one in fields(cls)}
        for key, value in values.items():
            if key not in known:
                raise DeclarationError(
                    f"{where}: unknown key '{key}'{nearest(key, known) or '.'} Known: {', '.join(known)}."
                )
            if not _fits(value, known[key]):
                raise DeclarationError(f"{where}: '{key}' is {value!r}; it must be {_RULES[known[key]]}.")
        lightgbm = checked(values.get("lightgbm", {}), where=where)
        return cls(
            **{**values, "lightgbm": lightgbm, "horizons": tuple(values.get("horizons", cls().horizons))}
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a TOML file."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DeclarationError(f"{path}: there is no such recipe file.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DeclarationError(f"{path}: not a TOML file: {error}.") from None
        return cls.of_dict(values, where=str(path))


_RULES = {
    int: "a whole number above 0",
    float: f"a number from 0 to {MOST_RATE}",
    str: f"one of {', '.join(MODELS)}",
    dict: "a table [lightgbm]",
    tuple: "a list of whole numbers from 1 to 3650",
}


def _fits(value: Any, kind: type) -> bool:
    if kind is tuple:
        return isinstance(value, list) and bool(value) and all(_is_int(v) and 1 <= v <= 3650 for v in value)
    if kind is dict:
        return isinstance(value, dict)
    if kind is int:
        return _is_int(value) and value > 0
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_RATE
    return value in MODELS


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
