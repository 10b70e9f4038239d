"""Cleaned lines of prepared partitions, kept beside them: cleaned once, used by each later command.

What is kept is the state with nothing left out as too late, so it serves every command that asks for all rows up to
now. Its name holds all that cleaning depends on: after an append, or with another set of rules, nothing is found.
Unlike the rows it can be made again, so whatever is wrong with it only means that it is made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

from features.cleaning.account import Account
from features.cleaning.clean import Cleaned, Frame
from features.cleaning.flags import FLAGS

FORMAT = 1


@dataclass(frozen=True)
class KeptLines:
    """A folder for the cleaned lines of one state of prepared partitions."""

    folder: Path

    @staticmethod
    def of(folder: Path | None, frame: Frame, *, state: str, last_day: int) -> KeptLines | None:
        """Return where the lines are kept, None where they are not: if some rows are too late for what was asked.

        state: the fingerprint of the typed rows; last_day: the last day with a row.
        """
        late = frame.until is not None and last_day > frame.until
        future = frame.now is not None and last_day >= _day(frame.now)
        dated = "cancelled_at" in frame.optional  # which cancellations are known depends on the moment
        if folder is None or late or future or dated:
            return None
        known = [FORMAT, state, frame.bulk, frame.optional, frame.ordered, frame.deliveries]
        known += [sorted(frame.rules.changed.items()), sorted(frame.high.items())]
        name = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
        for old in folder.glob("*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return KeptLines(folder / name)

    def read(self, partition: int) -> Cleaned | None:
        """Return a partition's lines with their counts and flags, without what was refused; None if not there."""
        try:
            note = json.loads(self._path(partition, "json").read_text(encoding="utf-8"))
            with pa.memory_map(str(self._path(partition, "arrow"))) as file:
                buffer = file.read_buffer()
                if zlib.crc32(memoryview(buffer)) != note["checksum"]:
                    return None
                lines = ipc.open_file(buffer).read_all()
        except (OSError, ValueError, KeyError, pa.ArrowException):
            return None
        flags = pa.Table.from_pylist(note["flags"], schema=FLAGS)
        nothing = pa.table({})  # not a slice of the lines: it would hold them in memory
        return Cleaned(lines, nothing, nothing, flags, Account.of_dict(note["account"]))

    def write(self, partition: int, cleaned: Cleaned) -> None:
        """Keep a partition's lines; a disk that cannot take them is no reason to stop."""
        lines, aside = self._path(partition, "arrow"), self._path(partition, "part")
        try:
            options = ipc.IpcWriteOptions(compression="lz4")
            with ipc.new_file(str(aside), cleaned.lines.schema, options=options) as writer:
                writer.write_table(cleaned.lines)
            with pa.memory_map(str(aside)) as file:
                checksum = zlib.crc32(memoryview(file.read_buffer()))
            note = {
                "checksum": checksum,
                "account": cleaned.account.to_dict(),
                "flags": cleaned.flags.to_pylist(),
            }
            aside.replace(lines)
            self._path(partition, "json").write_text(json.dumps(note), encoding="utf-8")
        except OSError:
            aside.unlink(missing_ok=True)

    def _path(self, partition: int, ending: str) -> Path:
        return self.folder / f"{partition:04d}.{ending}"


def _day(now: datetime) -> int:
    return (now - datetime(1970, 1, 1)).days
