"""The folder that Spark writes: made aside, and put in place as a whole; what was there stays until then.

Works wherever Spark writes (a local or shared disk, HDFS, S3), by Hadoop's file systems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.errors import ArtifactError
from features.prepared.parts import MANIFEST

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class SparkFolder:
    """A folder being made. `aside` is where Spark writes until it is published."""

    session: SparkSession
    out: str

    @staticmethod
    def open(session: SparkSession, out: str) -> SparkFolder:
        """Open a folder; ArtifactError if it holds something that is no earlier result."""
        folder = SparkFolder(session, out.rstrip("/") or out)
        system, path = _system(session, folder.out)
        if system.exists(path) and not is_there(session, f"{folder.out}/{MANIFEST}"):
            status = system.getFileStatus(path)
            if status.isFile() or len(system.listStatus(path)):
                raise ArtifactError(f"{out} holds something else. Give a new folder.")
        return folder

    @property
    def aside(self) -> str:
        """The folder beside it that Spark writes."""
        return self._beside("part")

    def publish(self, manifest: Mapping[str, Any]) -> None:
        """Put what was written in the place of what was there."""
        self._write(f"{self.aside}/{MANIFEST}", json.dumps(manifest, indent=1, sort_keys=True))
        system, out = _system(self.session, self.out)
        (_, aside), (_, old) = _system(self.session, self.aside), _system(self.session, self._beside("old"))
        system.delete(old, True)
        if system.exists(out) and not system.rename(out, old):
            raise ArtifactError(
                f"{self.out} cannot be moved out of the way. The new result is in {self.aside}."
            )
        if not system.rename(aside, out):
            raise ArtifactError(f"{self.aside} cannot be renamed to {self.out}. Rename it by hand.")
        system.delete(old, True)

    def _beside(self, ending: str) -> str:
        above, mark, name = self.out.rpartition("/")
        return f"{above}{mark}.{name}.spark.{ending}"

    def _write(self, name: str, text: str) -> None:
        system, path = _system(self.session, name)
        stream = system.create(path, True)
        try:
            stream.write(bytearray(text.encode("utf-8")))
        finally:
            stream.close()


def is_there(session: SparkSession, name: str) -> bool:
    """Tell whether a file or folder exists; a pattern names none."""
    system, path = _system(session, name)
    return bool(system.exists(path))


def _system(session: SparkSession, name: str) -> tuple[Any, Any]:
    """Return the Hadoop file system of a path, and the path."""
    context: Any = session.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(name)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path
