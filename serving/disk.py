"""Writing that survives a crash, a lock against a second writer, and files that are read after their removal."""

from __future__ import annotations

import fcntl
import hashlib
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from contracts.errors import NO_ROOM, ArtifactError

_PIECE = 2**20  # bytes hashed at once


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Force a file's or folder's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file aside, sync it and put it in place by one rename."""
    aside = path.with_name(f".{path.name}.writing")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give the system's error for want of room this file's name, if it names none; Arrow's errors do not."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in NO_ROOM:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


@contextmanager
def only_writer(lock: Path) -> Iterator[None]:
    """Hold a lock file; raise ArtifactError if another process or thread holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.fstat(descriptor).st_nlink:  # its holder has just removed it
            raise BlockingIOError
        yield
    except BlockingIOError:
        raise ArtifactError(
            f"{lock.parent}: another process is writing here. Wait until it has ended, then try again."
        ) from None
    finally:
        os.close(descriptor)


class HeldFile:
    """A file held open: many threads read it, also after it was removed. It closes when nobody holds it.

    Arrow gets it under its second name in /dev/fd, as a file of its own: a worker thread of Arrow that lets go of
    memory that Python owns, while Python ends, takes the process down (std::terminate).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`; they do not stay in the resident memory as a map would."""
        found = os.pread(self._descriptor, length, start)
        if len(found) < length:
            raise ArtifactError(f"{self.path} became shorter while it was open. Publish the ranking again.")
        return found

    def sha256(self) -> str:
        """Return the SHA-256 of the content as hex."""
        digest, piece, start = hashlib.sha256(), bytearray(_PIECE), 0
        view = memoryview(piece)
        while got := os.preadv(self._descriptor, [piece], start):
            digest.update(view[:got])
            start += got
        return digest.hexdigest()

    def map(self) -> pa.Buffer:
        """Return the content as memory that is read from the file where it is touched."""
        with pa.memory_map(self._second_name) as file:
            return file.read_buffer()

    def open(self) -> pa.NativeFile:
        """Open the content for Arrow, which reads only what it is asked for and maps nothing."""
        return pa.OSFile(self._second_name)

    @property
    def _second_name(self) -> str:
        return f"/dev/fd/{self._descriptor}"
