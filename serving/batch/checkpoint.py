"""The folder of an unfinished run inside the ranking's folder: whatever is finished there need not be made again.

OUT/.run.lock        held by the one run
OUT/.run/
├── run.json         which run this is (a key over all that its scores depend on), and when it was begun
├── prepared/        large raw orders as prepared partitions
├── parts/00003.arrow, details/00003.parquet
├── notes/00003.json what there is to know of the finished part, with the checksums of its files
└── …                what the last steps make and remove
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from serving.disk import only_writer, sha256_of, sync, write_text

FORMAT = 1
# What was begun longer ago is another night's run: its scores would tell the wrong time.
LONGEST = timedelta(hours=24)
Note = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The folder of a run, held by it. begun: the time that all parts of the run share."""

    folder: Path
    begun: datetime

    @staticmethod
    @contextmanager
    def open(
        out: Path, *, key: Mapping[str, Any], now: datetime, fresh: bool = False
    ) -> Iterator[Checkpoint]:
        """Take up the run that was interrupted, if it was this one, else begin anew and sweep what is left of others.

        key: plain values that tell this run from others. fresh: begin anew in any case. Raises ArtifactError if
        another process runs here.
        """
        is_new = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        folder, name = out / ".run", _digest(key)
        with only_writer(out / ".run.lock"):
            begun = None if fresh else _begun(folder / "run.json", name, now)
            if begun is None:
                shutil.rmtree(folder, ignore_errors=True)
                begun = now
            for part in ("parts", "details", "notes"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            if not (folder / "run.json").is_file():
                facts = {"format": FORMAT, "key": name, "begun": now.isoformat()}
                write_text(folder / "run.json", json.dumps(facts))
            try:
                yield Checkpoint(folder, begun)
            finally:
                if not any((folder / "notes").glob("*.json")):
                    shutil.rmtree(folder, ignore_errors=True)  # nothing to go on with
                if is_new:
                    _remove_empty(out)

    def scores(self, part: int) -> Path:
        """Return where the scores of a part lie."""
        return self.folder / "parts" / f"{part:05d}.arrow"

    def details(self, part: int) -> Path:
        """Return where the details of a part lie."""
        return self.folder / "details" / f"{part:05d}.parquet"

    def finish(self, part: int, note: Note) -> None:
        """Note that a part is finished; its files must be synced. They count from now on."""
        files = {path.name: sha256_of(path) for path in self._files(part)}
        for path in (self.folder / "parts", self.folder / "details"):
            sync(path)
        write_text(self._note(part), json.dumps({**note, "files": files}))

    def finished(self, count: int) -> dict[int, Note]:
        """Return the notes of the finished parts whose files are as they were written."""
        found = {}
        for part in range(count):
            note = _read(self._note(part))
            files = {path.name: sha256_of(path) for path in self._files(part)}
            if note is not None and note.get("files") == files:
                found[part] = note
        return found

    def end(self) -> None:
        """Remove the folder: the run is published."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self, part: int) -> list[Path]:
        return [path for path in (self.scores(part), self.details(part)) if path.is_file()]

    def _note(self, part: int) -> Path:
        return self.folder / "notes" / f"{part:05d}.json"


def _remove_empty(out: Path) -> None:
    """Remove a folder that holds nothing but the lock, which its caller holds."""
    if [path.name for path in out.iterdir()] == [".run.lock"]:
        (out / ".run.lock").unlink()
        with suppress(OSError):  # somebody has just begun to write here
            out.rmdir()


def _digest(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _begun(path: Path, name: str, now: datetime) -> datetime | None:
    """Return when this very run was begun; None if it was another, or too long ago."""
    facts = _read(path) or {}
    if (facts.get("format"), facts.get("key")) != (FORMAT, name):
        return None
    begun = datetime.fromisoformat(facts["begun"])
    return begun if begun <= now <= begun + LONGEST else None


def _read(path: Path) -> dict[str, Any] | None:
    """Return a JSON file's content; None if there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
