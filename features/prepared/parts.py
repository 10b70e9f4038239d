"""A folder of part files that appears as a whole: written aside, resumed after a crash, put in place by a rename."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ArtifactError

MANIFEST = "_manifest.json"
# Numbers of many features hardly repeat, and nobody searches in them: no dictionaries and no statistics.
PARQUET: dict[str, Any] = {"compression": "lz4", "use_dictionary": ["customer_id"], "write_statistics": False}


def write_part(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables into one Parquet file that is whole or not there, whatever happens."""
    aside, tables = path.with_name(path.name + ".part"), iter(tables)
    first = next(tables)
    try:
        with aside.open("wb") as file:
            with pq.ParquetWriter(file, first.schema, **PARQUET) as writer:
                for table in chain([first], tables):
                    writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@dataclass(frozen=True)
class PartsFolder:
    """A folder being made. aside: where its parts are until it is published; `out` stays as it is till then."""

    out: Path
    aside: Path

    @staticmethod
    @contextmanager
    def open(out: Path, *, key: Mapping[str, Any]) -> Iterator[PartsFolder]:
        """Open the folder for a job; parts that the same job (the same key) finished before are still there.

        Raises ArtifactError if `out` is no folder of parts or another process is making it.
        """
        _require_parts(out)
        old = _old(out)
        if old.exists() and not out.exists():  # stopped between the two renames of `publish`
            old.replace(out)
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
        aside = out.with_name(f".{out.name}.{name}.part")
        aside.mkdir(parents=True, exist_ok=True)
        with _locked(aside) as free:
            if not free:
                raise ArtifactError(f"{out} is being written by another process. Wait for it.")
            parts = PartsFolder(out, aside)
            try:
                yield parts
            finally:
                if not any(aside.glob("part-*.parquet")):
                    shutil.rmtree(aside, ignore_errors=True)  # nothing to go on with

    def path(self, partition: int) -> Path:
        """Return where a part is, once it is finished."""
        return self.aside / f"part-{partition:04d}.parquet"

    def missing(self, count: int) -> list[int]:
        """Return the partitions whose part is not finished."""
        return [k for k in range(count) if not (self.path(k).is_file() and self._note(k).is_file())]

    def begun(self, now: datetime) -> datetime:
        """Return when the job was begun: its parts must not be of two times."""
        path = self.aside / "begun"
        if not path.is_file():
            path.write_text(now.isoformat(), encoding="utf-8")
        return datetime.fromisoformat(path.read_text(encoding="utf-8"))

    def note(self, partition: int, content: Mapping[str, Any]) -> None:
        """Write down what there is to know of a finished part."""
        aside = self.aside / "note.part"
        aside.write_text(json.dumps(content), encoding="utf-8")
        aside.replace(self._note(partition))

    def noted(self, partition: int) -> dict[str, Any]:
        """Return what was written down."""
        return dict(json.loads(self._note(partition).read_text(encoding="utf-8")))

    def size(self, count: int) -> tuple[int, list[str]]:
        """Return the number of rows of all parts, and the columns."""
        found = [pq.ParquetFile(self.path(k)) for k in range(count)]
        return sum(one.metadata.num_rows for one in found), found[0].schema_arrow.names

    def _note(self, partition: int) -> Path:
        return self.aside / f"note-{partition:04d}.json"

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Put the parts in place of what `out` held; what other interrupted jobs left behind goes."""
        with (self.aside / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(self.aside / "prepared", ignore_errors=True)
        for note in self.aside.glob("note-*.json"):
            note.unlink()
        for name in ("lock", "begun"):
            (self.aside / name).unlink(missing_ok=True)
        old = _old(self.out)
        shutil.rmtree(old, ignore_errors=True)
        if self.out.exists():
            self.out.replace(old)
        self.aside.replace(self.out)
        shutil.rmtree(old, ignore_errors=True)
        for left in _interrupted(self.out):
            with _locked(left) as free:
                if free:
                    shutil.rmtree(left, ignore_errors=True)


def _require_parts(out: Path) -> None:
    """Refuse a target that holds something other than parts."""
    if out.is_symlink() or out.is_file() or (out.is_dir() and any(out.iterdir()) and not _holds_parts(out)):
        raise ArtifactError(f"{out} holds something else. Give a new folder.")
    if out.resolve() == Path.cwd() or out.is_mount():
        raise ArtifactError(f"{out} cannot be replaced as a whole. Give a folder inside it.")


def _holds_parts(out: Path) -> bool:
    return (out / MANIFEST).is_file() and all(
        item.name == MANIFEST or item.match("part-*.parquet") for item in out.iterdir()
    )


def _old(out: Path) -> Path:
    return out.with_name(f".{out.name}.old")


def _interrupted(out: Path) -> list[Path]:
    """Return the folders that other jobs for the same target left behind."""
    name = re.compile(re.escape(f".{out.name}.") + "[0-9a-f]{12}[.]part")
    return [item for item in out.parent.iterdir() if name.fullmatch(item.name)]


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock, which ends with the process; False if another one holds it."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
