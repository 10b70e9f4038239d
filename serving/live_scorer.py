"""A bundle that scores posted histories, by the same path as the nightly ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.days import parse_day
from contracts.tables import OPTIONAL_LINE_COLUMNS, ORDER_LINES, scores_schema
from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.kernel.history import History
from models.bundle import Bundle
from serving.rank import (
    Present,
    Scoring,
    answered,
    last_countries,
    present_features,
    read_features,
    score_history,
    wanted_features,
)


@dataclass(frozen=True)
class LiveScorer:
    """Scores posted histories with a bundle: the same path as the batch. `clock` gives scored_at."""

    bundle: Bundle
    clock: Callable[[], datetime]
    catalog: Catalog = CATALOG

    @cached_property
    def _wanted(self) -> Catalog:
        return wanted_features(self.bundle, self.catalog)

    @cached_property
    def _columns(self) -> list[str]:
        """The optional order-line columns that the bundle's features read."""
        needed = {name for one in self._wanted for name in one.needs}
        return [name for name in OPTIONAL_LINE_COLUMNS if name in needed]

    @cached_property
    def _present(self) -> Present:
        """The features that posted histories have and a score can differ by; the others stay empty."""
        read = read_features(self._wanted, self.bundle)
        present = present_features(read, frozenset(self._columns), self.bundle)
        computed = {one.name for one in present.catalog}
        return replace(present, empty=tuple(one.name for one in self._wanted if one.name not in computed))

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons that the bundle answers by default (days)."""
        return tuple(self.bundle.manifest["horizons"])

    @property
    def default_as_of(self) -> int:
        """The last day of the data that the bundle was trained on."""
        return parse_day(self.bundle.manifest["as_of"])

    @property
    def currency(self) -> str:
        """The shop's currency."""
        return str(self.bundle.manifest["currency"])

    @property
    def timezone(self) -> str:
        """The shop's time zone."""
        return str(self.bundle.manifest["timezone"])

    @property
    def model_version(self) -> str:
        """The bundle's version."""
        return self.bundle.version

    def score(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> pa.Table:
        """Return the scores of the customers in these order lines."""
        history = History.from_lines(_with_columns(lines, self._columns))
        scoring = Scoring(as_of, horizons, horizons[0], "value", self.clock())
        return score_history(history, self.bundle, scoring, catalog=self.catalog)

    def rows(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> list[dict[str, Any]]:
        """Return the same as rows, without rank and percentile, in the order of the ids."""
        history = History.from_lines(_with_columns(lines, self._columns))
        table = self._present.compute(history, as_of)
        if not len(table):
            return []
        scoring = Scoring(as_of, horizons, horizons[0], "value", self.clock())
        columns = answered(table, self.bundle, scoring)
        columns["country"] = last_countries(history, as_of)
        return as_rows(columns, _names(horizons), len(table))

    def card(self) -> dict[str, object]:
        """Return the manifest without what only machines read, and the version."""
        hidden = ("files", "drift")  # checksums and distributions: for machines
        shown = {key: value for key, value in self.bundle.manifest.items() if key not in hidden}
        return {"model_version": self.bundle.version, **shown}


@lru_cache(maxsize=64)
def _names(horizons: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(scores_schema(horizons).names)


def as_rows(columns: Mapping[str, Any], names: Sequence[str], rows: int) -> list[dict[str, Any]]:
    """Return columns (arrays, or one value for all; None where absent) as rows of Python values."""
    listed = {name: _listed(columns.get(name), rows) for name in names if name not in ("rank", "percentile")}
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]


def _listed(values: Any, rows: int) -> list[Any]:
    if isinstance(values, np.ndarray):
        return values.tolist()
    return values.to_pylist() if isinstance(values, pa.Array) else [values] * rows


def _with_columns(lines: pa.Table, names: list[str]) -> pa.Table:
    """Add empty columns that no posted order carries: the batch, too, has them for customers without values."""
    for name in names:
        if name not in lines.column_names:
            field = ORDER_LINES.field(name)
            lines = lines.append_column(field, pa.nulls(lines.num_rows, field.type))
    return lines
