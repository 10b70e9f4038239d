"""Whom no export may hold: a suppression list, and the personal table that tells whose its addresses are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa

if TYPE_CHECKING:
    from serving.store import Store


@dataclass(frozen=True)
class Barred:
    """The customer ids that a suppression list bars (`of`: the list), and what was noticed in it."""

    ids: frozenset[str] = frozenset()
    of: Path | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path | None, people: pa.Table | None) -> Self:
        """Read a suppression list, nobody where there is none; people: whose the addresses of the list are.

        Raises DataError if it cannot be read, or holds addresses and there is no personal table.
        """
        from serving.outputs.suppression import read_suppression

        if path is None:
            return cls()
        listed = read_suppression(path)
        nobody = 0 if people is None else listed.unmatched(people)
        said = f"{path}: {nobody:,} addresses belong to nobody in the personal table."
        return cls(listed.customers(people), path, (said,) if nobody else ())

    def notes_on(self, store: Store) -> tuple[str, ...]:
        """Return what is worth knowing about the list beside a ranking."""
        if not self.ids or any(store.customers(sorted(self.ids))):
            return self.notes
        said = f"none of its {len(self.ids):,} customers is in this ranking. Are the ids the same ones?"
        return (*self.notes, f"{self.of}: {said}")
