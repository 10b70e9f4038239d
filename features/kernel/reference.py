"""Reference tables: numbers about the population, one for each value of a text column, as of one day.

They are fitted (features.kernel.population) from what is known at a training cutoff, saved as plain numbers, and
only read when customers are scored.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ArtifactError, ContractError, nearest
from features.kernel.buffers import filled
from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

# Up to so many codes are looked up one by one: all values of a text column are more.
_FEW = 16


@dataclass(frozen=True)
class Reference:
    """One number for each key. day: the last day it was learnt from; keys: ascending texts; values: (keys,)."""

    day: int
    keys: tuple[str, ...]
    values: Floats
    _by_text: dict[int, tuple[Text, Floats]] = field(default_factory=dict, repr=False, compare=False)

    def of(self, text: Text, codes: NDArray[np.integer]) -> Floats:
        """Return the number of each code of a text column; NaN for -1 and for values that are not here."""
        if len(codes) <= _FEW:
            return np.array([self._of_value(text, code) for code in codes.tolist()], dtype=np.float64)
        return self.of_values(text)[codes]

    def _of_value(self, text: Text, code: int) -> float:
        key = text.values[code].as_py() if code >= 0 else None
        place = len(self.keys) if key is None else bisect_left(self.keys, key)
        return float(self.values[place]) if self.keys[place : place + 1] == (key,) else np.nan

    def of_values(self, text: Text) -> Floats:
        """Return the number of each value of a text column, and NaN as the last, for the code -1."""
        found = self._by_text.get(id(text))
        if found is None:
            keys = pa.array(list(self.keys), pa.string())
            place: Ints = filled(pc.index_in(text.values.cast(pa.string()), value_set=keys), np.int64(-1))
            numbers = np.append(self.values, np.nan)[np.append(place, -1)]
            found = self._by_text[id(text)] = (text, numbers)
        return found[1]


@dataclass(frozen=True)
class References:
    """Reference tables by name."""

    tables: Mapping[str, Reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def at(self, name: str, day: int) -> Reference:
        """Return a table; ContractError if it is not there or was learnt from days after `day`."""
        found = self.tables.get(name)
        if found is None:
            raise ContractError(f"there is no reference table '{name}'{nearest(name, self.tables)}")
        if found.day > day:
            raise ContractError(f"the reference table '{name}' is of day {found.day}, after the cutoff {day}")
        return found

    def to_plain(self) -> dict[str, Any]:
        """Return the tables as plain JSON values."""
        return {
            name: {"day": one.day, "keys": list(one.keys), "values": one.values.tolist()}
            for name, one in sorted(self.tables.items())
        }

    @staticmethod
    def of_plain(plain: Mapping[str, Any]) -> References:
        """Return the tables of plain JSON values; ArtifactError if they are damaged."""
        tables = {}
        for name, one in plain.items():
            keys, values = tuple(one["keys"]), np.array(one["values"], dtype=np.float64)
            if values.shape != (len(keys),) or list(keys) != sorted(set(keys)):
                raise ArtifactError(f"the reference table '{name}' is damaged. Train again.")
            tables[name] = Reference(int(one["day"]), keys, values)
        return References(tables)


NONE = References({})
