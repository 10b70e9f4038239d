"""Export jobs: files made in the background, one after the other, and kept for a day.

The state is on the disk (job_state), so that each process of a server answers for all of them, and a restart finds
them again. A job that is not finished and that no process holds has failed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.errors import ArtifactError, DeclarationError, RepurchaseError
from serving.outputs.exports import Written
from serving.outputs.job_state import (
    DONE,
    EXPIRED,
    FAILED,
    LOCK,
    MAKING,
    RUNNING,
    Job,
    begin,
    held,
    is_name,
    load,
    save,
    stands,
)

logger = logging.getLogger("repurchase.serving")

KEPT = timedelta(hours=24)
MOST_WAITING = 16  # of one process
MOST_KEPT = 200
_STOPPED = "The server was stopped before the export was finished. Ask for it again."
_BROKEN = "The export could not be made. The server's log says why; ask whoever runs it."
Work = Callable[[Path], Written]


class TooManyJobs(Exception):
    """So many exports are waiting that no more are taken."""


class OtherBody(Exception):
    """The idempotency key was used before, for something else."""


@dataclass(frozen=True)
class Wish:
    """What is asked for. asked: a text that is the same for the same wish; name: of the file. Otherwise as in Job."""

    owner: str
    asked: str
    format: str
    addresses: bool
    name: str
    media_type: str
    ranking: dict[str, str]
    idempotency_key: str | None = None


@dataclass(frozen=True)
class _Task:
    job: Job
    home: Path
    lock: int
    work: Work


class ExportJobs:
    """The exports of one folder, made by one thread of this process. Safe from many threads and processes."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        self._folder, self._clock = folder, clock
        self._waiting: deque[_Task] = deque()
        self._guard, self._submitting = threading.Lock(), threading.Lock()
        self._worker: threading.Thread | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtifactError(f"{folder}: exports cannot be kept there ({error}).") from error

    def submit(self, wish: Wish, work: Work) -> Job:
        """Take a wish and return its job; of a known idempotency key the job that there is, anew if it has failed.

        work: writes the file at the path given. Raises TooManyJobs, OtherBody, and ArtifactError if the folder cannot
        be written.
        """
        now = self._clock()
        self._sweep(now)
        name = _name_of(wish)
        with self._submitting:  # of two who find the same failed job, one begins anew
            known = self._known(name, wish)
            if known is not None:
                return known
            with self._guard:
                if len(self._waiting) >= MOST_WAITING:
                    raise TooManyJobs
            given = {
                one.name: getattr(wish, one.name) for one in fields(wish) if one.name != "idempotency_key"
            }
            job = Job(**given, id=name, created_at=now.isoformat(), expires_at=(now + KEPT).isoformat())
            home = self._folder / name
            lock = begin(job, home)
            if lock is None:
                return self._known(name, wish) or job  # another process was quicker with the same key
        self._enqueue(_Task(job, home, lock, work))
        return job

    def find(self, name: str, *, owner: str) -> Job | None:
        """Return a job of an owner, None if there is none of this name."""
        if not is_name(name):
            return None
        job = self._read(self._folder / name)
        return job if job is not None and job.owner == owner else None

    def file(self, job: Job) -> Path:
        """Return where the file of a finished job is."""
        return self._folder / job.id / job.name

    def remove(self, job: Job) -> None:
        """Remove a job and its file; what is being made is thrown away when it is finished."""
        gone = self._folder / f"{MAKING}{job.id}-{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):
            (self._folder / job.id).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is being made, at most so long; tell whether that is so."""
        worker = self._worker
        if worker is not None:
            worker.join(seconds)
        return worker is None or not worker.is_alive()

    # ------------------------------------------------------------ what is known
    def _known(self, name: str, wish: Wish) -> Job | None:
        job = None if wish.idempotency_key is None else self._read(self._folder / name)
        if job is None:
            return None
        if job.state == EXPIRED:
            self.remove(job)
            return None
        if job.asked != wish.asked:
            raise OtherBody
        if job.state == FAILED:
            self.remove(job)
            return None
        return job

    def _read(self, home: Path) -> Job | None:
        """Return a job as it stands now, None if there is none."""
        job = load(home)
        if job is not None and not job.finished and not held(home):
            job = load(home)  # it may have been finished just now
            if job is not None and not job.finished:
                job = replace(job, state=FAILED, error=_STOPPED)
        if job is not None and job.state == DONE and self._clock() >= datetime.fromisoformat(job.expires_at):
            (home / job.name).unlink(missing_ok=True)
            job = replace(job, state=EXPIRED)
        return job

    def _sweep(self, now: datetime) -> None:
        """Remove jobs of the day before yesterday, and the oldest finished ones if there are too many."""
        for left in self._folder.glob(f"{MAKING}*"):
            with suppress(FileNotFoundError):  # it has its name by now
                made = datetime.fromtimestamp(left.stat().st_mtime, UTC)
                if now - made > KEPT:  # a process was killed there
                    shutil.rmtree(left, ignore_errors=True)
        homes = (home for home in self._folder.iterdir() if is_name(home.name))
        jobs = [job for home in homes if (job := self._read(home)) is not None]
        jobs.sort(key=lambda job: job.created_at, reverse=True)
        for place, job in enumerate(jobs):
            old = now >= datetime.fromisoformat(job.expires_at) + KEPT
            if job.finished and (old or place >= MOST_KEPT):
                self.remove(job)

    # ------------------------------------------------------------ the thread
    def _enqueue(self, task: _Task) -> None:
        with self._guard:
            self._waiting.append(task)
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._make_all, name="exports", daemon=True)
                self._worker.start()

    def _make_all(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._worker = None
                    return
                task = self._waiting.popleft()
            try:
                self._make(task)
            finally:
                os.close(task.lock)

    def _make(self, task: _Task) -> None:
        """Make one file and write down how it went; a job that was removed meanwhile stays removed."""
        if not stands(task.home, task.lock):
            return
        save(replace(task.job, state=RUNNING), task.home)
        try:
            made = task.work(task.home / task.job.name)
        except Exception as error:
            done = replace(task.job, state=FAILED, error=_told(error))
        else:
            done = replace(task.job, state=DONE, **_facts(made))
        if not stands(task.home, task.lock):
            logger.info("an export was removed before it was finished")
            if not (task.home / LOCK).exists():
                shutil.rmtree(task.home, ignore_errors=True)
            return
        save(replace(done, finished_at=self._clock().isoformat()), task.home)


def _told(error: Exception) -> str:
    """Return what the caller may read of a failure; the log has the rest."""
    if isinstance(error, DeclarationError):
        return str(error)
    message = str(error) if isinstance(error, RepurchaseError) else "(message left out)"
    logger.error("an export failed: %s %s", type(error).__name__, message)
    return _BROKEN


def _facts(made: Written) -> dict[str, Any]:
    names = ("rows", "suppressed", "unreachable", "bytes", "sha256", "notes")
    return {name: getattr(made, name) for name in names}


def _name_of(wish: Wish) -> str:
    if wish.idempotency_key is None:
        return secrets.token_hex(16)
    return hashlib.sha256(f"{wish.owner}\0{wish.idempotency_key}".encode()).hexdigest()[:32]
