"""Parts that are made on other machines: what goes there once, and how a part comes back as rows of bytes.

The parts are made by PartMaker, as on one machine; its files travel as they are, in pieces, behind the part's note.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from features.cleaning.clean import Cleaned
from features.kernel.declaration import Catalog
from features.kernel.fingerprint import fingerprint
from features.kernel.history import History
from models.carried import Files, loaded
from serving.batch.checkpoint import Note
from serving.batch.drift import Reference
from serving.batch.history import Forecast
from serving.batch.parts import PartMaker
from serving.disk import sync
from serving.rank import Scoring

SCHEMA = pa.schema([("kind", pa.string()), ("content", pa.binary())])
NOTE, SCORES, DETAILS = "note", "scores", "details"
_PIECE_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Luggage:
    """What goes to each worker once. bundle: the model's files; forecast: what is held against the orders."""

    bundle: Files
    forecast: Forecast | None


class Sent(Protocol):
    """Luggage that has arrived."""

    @property
    def value(self) -> Luggage:
        """The luggage."""


@dataclass(frozen=True)
class DistantParts:
    """Makes the parts of one run on a worker. catalog: the features that the bundle reads, their sources hashed."""

    sent: Sent
    scoring: Scoring
    catalog: Catalog
    with_details: bool

    def rows(self, _: tuple[int, int], cleaned: Cleaned) -> Iterator[pa.Table]:
        """Yield the part of a block of customers: its note, then its files, piece by piece (SCHEMA)."""
        maker = self._maker()
        with tempfile.TemporaryDirectory(prefix="repurchase-part-") as folder:
            paths = {kind: Path(folder) / kind for kind in (SCORES, DETAILS)}
            made = maker.make(History.from_lines(cleaned.lines), scores=paths[SCORES], details=paths[DETAILS])
            note = {
                **made,
                "account": cleaned.account.to_dict(),
                "flags": cleaned.flags.to_pylist(),
                "digest": fingerprint(cleaned.lines),
            }
            yield _row(NOTE, json.dumps(note).encode())
            for kind, path in paths.items():
                yield from _pieces(kind, path)

    def _maker(self) -> PartMaker:
        luggage = self.sent.value
        bundle = loaded(luggage.bundle)
        reference = Reference.of_manifest(bundle.manifest)
        return PartMaker(bundle, self.scoring, self.catalog, self.with_details, reference, luggage.forecast)


def put_down(
    rows: Iterable[tuple[str, bytes]], *, scores: Callable[[int], Path], details: Callable[[int], Path]
) -> dict[int, Note]:
    """Write the files of parts as they come, and return the parts' notes; parts are numbered in their order.

    rows: kind and content; memory holds one of them. scores, details: where those of a part lie.
    """
    notes: dict[int, Note] = {}
    homes = {SCORES: scores, DETAILS: details}
    written: dict[Path, None] = {}
    for kind, content in rows:
        if kind == NOTE:
            notes[len(notes)] = json.loads(content)
            continue
        path = homes[kind](len(notes) - 1)
        written[path] = None
        with path.open("ab") as file:
            file.write(content)
    for path in written:
        sync(path)
    return notes


def _pieces(kind: str, path: Path) -> Iterator[pa.Table]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield _row(kind, piece)


def _row(kind: str, content: bytes) -> pa.Table:
    return pa.table({"kind": [kind], "content": [content]}, schema=SCHEMA)
