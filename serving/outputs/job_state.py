"""One export job on the disk: what was asked, how far it is, and who works on it.

ID/
├── job.json     replaced in one step
├── lock         held by the process that works on it
└── the file     whole or not there
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.errors import ArtifactError
from serving.disk import write_text

logger = logging.getLogger("repurchase.serving")

QUEUED, RUNNING, DONE, FAILED, EXPIRED = "queued", "running", "done", "failed", "expired"
LOCK, MAKING = "lock", ".making-"
_STATE = "job.json"


@dataclass(frozen=True)
class Job:
    """An export. owner: the key's name; asked: what was asked for; addresses: whether the file is personal.

    ranking: the provenance of the exported store; times are ISO, in UTC. rows … error: once it is finished.
    """

    id: str
    owner: str
    asked: str
    format: str
    addresses: bool
    name: str
    media_type: str
    ranking: dict[str, str]
    created_at: str
    expires_at: str
    state: str = QUEUED
    finished_at: str | None = None
    rows: int | None = None
    suppressed: int | None = None
    unreachable: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more, but that it expires."""
        return self.state not in (QUEUED, RUNNING)


def is_name(text: str) -> bool:
    """Tell whether a text can be a job's name: nothing else becomes a path."""
    return len(text) == 32 and set(text) <= set("0123456789abcdef")


def begin(job: Job, home: Path) -> int | None:
    """Put a job's folder in place in one step and return its lock, held; None if the folder is there already."""
    try:
        making = Path(tempfile.mkdtemp(prefix=MAKING, dir=home.parent))
        lock = os.open(making / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ArtifactError(f"{home.parent}: exports cannot be kept there ({error}).") from error
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        write_text(making / _STATE, json.dumps(asdict(job)))
        making.rename(home)
    except OSError as error:
        os.close(lock)
        shutil.rmtree(making, ignore_errors=True)
        if home.exists():
            return None
        raise ArtifactError(f"{home.parent}: exports cannot be kept there ({error}).") from error
    return lock


def save(job: Job, home: Path) -> None:
    """Write down how far a job is; a disk that takes nothing is logged."""
    try:
        write_text(home / _STATE, json.dumps(asdict(job)))
    except OSError as error:
        logger.error("the state of an export cannot be written: %s", error)


def load(home: Path) -> Job | None:
    """Return what is written down, None if there is nothing or it is damaged."""
    try:
        plain = json.loads((home / _STATE).read_text(encoding="utf-8"))
        return Job(**{**plain, "notes": tuple(plain["notes"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.error("the state of an export cannot be read: %s", type(error).__name__)
        return None


def stands(home: Path, lock: int) -> bool:
    """Tell whether a job is still in its place: it was not removed, nor did another take its name."""
    try:
        return (home / LOCK).stat().st_ino == os.fstat(lock).st_ino
    except OSError:
        return False


def held(home: Path) -> bool:
    """Tell whether a living process works on a job."""
    try:
        lock = os.open(home / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
