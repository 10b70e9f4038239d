"""Segments of the customer base: each one entry in a TOML file, with a rule in words of columns.

    [segments.lapsed]
    label = "Lapsed"
    says = "Nothing for half a year."
    when = "recency_days > 180"

A customer may be in several segments, but in one at most of those that share an `exclusive` set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.declarations import read_declarations
from campaigns.rfm import RfmGroups
from campaigns.rules import Rule
from contracts.errors import DeclarationError
from features.kernel.buffers import as_arrow
from features.kernel.codes import Text

Bools = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]
State = Literal["used", "too small", "not known"]
FILE, SECTION, RFM = "segments.toml", "segments", "rfm"


@dataclass(frozen=True)
class Segment:
    """One declared segment. The keys are explained in segments.toml."""

    name: str
    label: str
    says: str
    when: str
    least: int = 30
    exclusive: str = ""
    priority: int = 100
    each: str = ""
    most: int = 12

    def __post_init__(self) -> None:
        for key in ("label", "says"):
            if not getattr(self, key).strip():
                raise DeclarationError(f"'{key}' is empty. Say it in words for a report.")
        for key in ("least", "most"):
            if getattr(self, key) < 1:
                raise DeclarationError(f"'{key}' is {getattr(self, key)}. Write 1 or more.")
        if self.exclusive == RFM:
            raise DeclarationError(
                f"the set '{RFM}' is that of the RFM groups. Give another name to `exclusive`."
            )
        _ = self.rule

    @cached_property
    def rule(self) -> Rule:
        """The rule."""
        return Rule.parse(self.when, where=f"segment '{self.name}'")

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""
        return self.rule.columns | ({self.each} if self.each else frozenset())


@dataclass(frozen=True)
class Found:
    """A segment in one base. set: its exclusive set, or ''. inside: (n,) who is in it; nobody where it is not known.

    lacks: the columns that are not there, where it is not known.
    """

    name: str
    label: str
    says: str
    set: str
    state: State
    inside: Bools
    lacks: tuple[str, ...] = ()

    @property
    def customers(self) -> int:
        """How many are in it."""
        return int(np.count_nonzero(self.inside))


@dataclass(frozen=True)
class Memberships:
    """The RFM groups and all segments of one base of n customers, in the order of their declaration."""

    found: tuple[Found, ...]

    @property
    def used(self) -> tuple[Found, ...]:
        """Those that are known and large enough."""
        return tuple(one for one in self.found if one.state == "used")

    @property
    def sets(self) -> tuple[str, ...]:
        """The exclusive sets, the RFM groups first."""
        return tuple(dict.fromkeys(one.set for one in self.found if one.set))

    def matrix(self) -> Bools:
        """Return who is in which used segment; (n, used)."""
        columns = [one.inside for one in self.used]
        return np.stack(columns, axis=1) if columns else np.zeros((0, 0), dtype=np.bool_)

    def table(self, ids: pa.Array) -> pa.Table:
        """Return one row for each membership in a used segment: customer_id, segment, set. ids: (n,) texts."""
        names, sets = ([getattr(one, key) for one in self.used] for key in ("name", "set"))
        at = [np.flatnonzero(one.inside) for one in self.used]
        which = np.repeat(np.arange(len(at)), [len(one) for one in at])
        rows = np.concatenate([np.empty(0, dtype=np.int64), *at])
        chosen = as_arrow(which.astype(np.int64), pa.int64())
        return pa.table(
            {
                "customer_id": ids.take(as_arrow(rows, pa.int64())),
                "segment": pa.array(names, pa.string()).take(chosen),
                "set": pa.array(sets, pa.string()).take(chosen),
            }
        )

    def groups(self, name: str) -> pa.Array:
        """Return each customer's used segment of an exclusive set, null for none; (n,)."""
        several = [one for one in self.used if one.set == name]
        place = np.full(len(self.found[0].inside), -1)
        for at, one in enumerate(several):
            place[one.inside] = at
        names = pa.array([one.name for one in several], pa.string())
        return names.take(as_arrow(place.astype(np.int64), pa.int64(), valid=place >= 0))


def read_segments(path: Path | None = None) -> dict[str, Segment]:
    """Read the segments, ours and those of the shop's file; DeclarationError for what is no segment."""
    return read_declarations(Segment, section=SECTION, default=FILE, path=path)


def columns_needed(segments: Mapping[str, Segment]) -> tuple[str, ...]:
    """Return all columns that the segments read, sorted."""
    return tuple(sorted({name for one in segments.values() for name in one.columns}))


def check_segments(segments: Mapping[str, Segment], known: Iterable[str]) -> None:
    """Raise DeclarationError if a segment reads a column that cannot exist, with the nearest one."""
    names = frozenset(known)
    for one in segments.values():
        one.rule.check(names)
        if one.each and one.each not in names:
            Rule.parse(f"known({one.each})", where=f"segment '{one.name}', each").check(names)


def members(
    segments: Mapping[str, Segment], columns: Columns, *, rfm: RfmGroups | None = None
) -> Memberships:
    """Find who is in which segment.

    columns: (n,) each, of all n customers (at least one column); a text column without any text counts as absent. rfm:
    the RFM groups of the same customers, which come first. A segment with fewer customers than its `least` is "too
    small": in an exclusive set it takes nobody from the next. Without one of its columns it is "not known".
    """
    present = {name: values for name, values in columns.items() if not _is_blank(values)}
    rows = len(next(iter(columns.values())))
    taken = {one.exclusive: np.zeros(rows, dtype=np.bool_) for one in segments.values() if one.exclusive}
    found: dict[str, tuple[Found, ...]] = {}
    for one in sorted(segments.values(), key=lambda one: one.priority):
        found[one.name] = tuple(_found(one, present, taken.get(one.exclusive), rows))
        for part in found[one.name]:
            if one.exclusive and part.state == "used":
                taken[one.exclusive] |= part.inside
    declared = [part for name in segments for part in found[name]]
    return Memberships((*_rfm(rfm), *declared))


def _found(one: Segment, columns: Columns, taken: Bools | None, rows: int) -> Iterator[Found]:
    """Yield the segment, or, with `each`, those of the commonest values and one of all smaller values together."""
    nobody = np.zeros(rows, dtype=np.bool_)
    made = Found(one.name, one.label.replace("{value}", "…"), one.says, one.exclusive, "not known", nobody)
    lacks = tuple(sorted(name for name in one.columns if name not in columns))
    if lacks:
        yield replace(made, lacks=lacks)
        return
    inside = one.rule.holds(columns)
    if taken is not None:
        inside &= ~taken
    if not one.each:
        yield replace(made, inside=inside, state=_state(int(inside.sum()), one.least))
        return
    text, counts, chosen = _values(one, columns[one.each], inside)
    for code in chosen:
        value = str(text.texts[code])
        yield replace(
            made, name=f"{one.name}: {value}", label=one.label.replace("{value}", value),
            inside=inside & (text.codes == code), state="used",
        )  # fmt: skip
    rest = inside & (text.codes >= 0) & ~np.isin(text.codes, chosen)
    if rest.any() or not len(chosen):
        values = np.count_nonzero(counts) - len(chosen)
        yield replace(made, label=f"{made.label} ({values} others)", inside=rest, state="too small")


def _values(
    one: Segment, column: NDArray[Any], inside: Bools
) -> tuple[Text, NDArray[np.int64], NDArray[np.int64]]:
    """Return a text column as codes, how many inside have each, and the commonest codes that are large enough."""
    if column.dtype.kind not in "OU":
        raise DeclarationError(
            f"segment '{one.name}': each = '{one.each}' holds numbers. Name a text column."
        )
    text = Text.of(pa.array([value or None for value in column.tolist()], pa.string()))
    counts = np.bincount(text.codes[inside & (text.codes >= 0)], minlength=len(text.texts))
    by_name = np.argsort(np.array(text.texts, dtype=str), kind="stable")
    order = by_name[np.argsort(-counts[by_name], kind="stable")]
    return text, counts, order[counts[order] >= one.least][: one.most]


def _rfm(rfm: RfmGroups | None) -> Iterator[Found]:
    if rfm is not None:
        for name, one in rfm.groups.items():
            yield Found(name, one.label, one.says, RFM, "used", np.asarray(rfm.names == name, dtype=np.bool_))


def _state(customers: int, least: int) -> State:
    return "used" if customers >= least else "too small"


def _is_blank(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "O" and len(values) > 0 and all(one is None or one == "" for one in values)
