"""Export jobs: what is on the disk, whatever happens to the process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DataError, DeclarationError
from serving.outputs.exports import Written
from serving.outputs.job_state import Job
from serving.outputs.jobs import KEPT, MOST_WAITING, ExportJobs, OtherBody, TooManyJobs, Wish

RANKING = {"model_version": "v1", "as_of": "1998-04-01"}
START = datetime(1998, 4, 2, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def wish(*, asked: str = "all", key: str | None = None, owner: str = "shop") -> Wish:
    return Wish(owner, asked, "csv", False, "ranking.csv", "text/csv", RANKING, key)


def writes(text: str = "a,b\r\n") -> Callable[[Path], Written]:
    def work(path: Path) -> Written:
        path.write_bytes(text.encode())
        return Written(
            path=path,
            rows=3,
            sha256="ff",
            bytes=len(text),
            suppressed=1,
            unreachable=0,
            personal=None,
            notes=("n",),
        )

    return work


def finished(jobs: ExportJobs, job: Job) -> Job:
    assert jobs.wait(10)
    found = jobs.find(job.id, owner=job.owner)
    assert found is not None
    return found


@pytest.fixture
def jobs(tmp_path: Path) -> ExportJobs:
    return ExportJobs(tmp_path / "exports", clock=Clock())


def test_a_job_is_done_with_its_figures(jobs: ExportJobs) -> None:
    job = finished(jobs, jobs.submit(wish(), writes()))
    assert (job.state, job.rows, job.suppressed, job.sha256, job.notes) == ("done", 3, 1, "ff", ("n",))
    assert jobs.file(job).read_bytes() == b"a,b\r\n" and job.finished_at == START.isoformat()


def test_jobs_are_found_by_another_process_of_the_server(jobs: ExportJobs, tmp_path: Path) -> None:
    job = finished(jobs, jobs.submit(wish(), writes()))
    other = ExportJobs(tmp_path / "exports", clock=Clock())
    assert other.find(job.id, owner="shop") == job


@pytest.mark.parametrize("name", ["", "..", "0" * 32, "../exports", "0" * 31 + "/"])
def test_no_other_name_is_a_job(jobs: ExportJobs, name: str) -> None:
    assert jobs.find(name, owner="shop") is None


def test_another_key_does_not_see_it(jobs: ExportJobs) -> None:
    job = jobs.submit(wish(), writes())
    assert jobs.find(job.id, owner="other") is None


def test_the_same_idempotency_key_is_the_same_job(jobs: ExportJobs) -> None:
    first = jobs.submit(wish(key="k"), writes("once"))
    again = jobs.submit(wish(key="k"), writes("twice"))
    assert first.id == again.id and jobs.file(finished(jobs, first)).read_text() == "once"
    assert jobs.submit(wish(key="k", owner="other"), writes()).id != first.id
    assert jobs.submit(wish(), writes()).id != first.id


def fails(_: Path) -> Written:
    raise DataError("gone")


def test_a_failed_job_is_made_anew_under_its_key(jobs: ExportJobs) -> None:
    failed = finished(jobs, jobs.submit(wish(key="k"), fails))
    with pytest.raises(OtherBody):
        jobs.submit(wish(asked="some", key="k"), writes())
    again = jobs.submit(wish(key="k"), writes("mended"))
    assert (failed.state, again.id, again.state) == ("failed", failed.id, "queued")
    assert jobs.file(finished(jobs, again)).read_text() == "mended"


def test_many_who_try_a_failed_job_anew_make_one_file(jobs: ExportJobs) -> None:
    finished(jobs, jobs.submit(wish(key="k"), fails))
    made, begin = [], threading.Barrier(8)

    def work(path: Path) -> Written:
        made.append(path)
        return writes()(path)

    def submit() -> None:
        begin.wait()
        jobs.submit(wish(key="k"), work)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert jobs.wait(10) and len(made) == 1


def test_the_same_key_for_something_else_is_refused(jobs: ExportJobs) -> None:
    jobs.submit(wish(key="k"), writes())
    with pytest.raises(OtherBody):
        jobs.submit(wish(asked="some", key="k"), writes())


def test_one_key_from_many_threads_makes_one_file(jobs: ExportJobs) -> None:
    made, seen = [], []

    def work(path: Path) -> Written:
        made.append(path)
        return writes()(path)

    threads = [
        threading.Thread(target=lambda: seen.append(jobs.submit(wish(key="k"), work).id)) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert jobs.wait(10) and len(made) == 1 and len(set(seen)) == 1 and len(seen) == 8


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeclarationError("no column 'x'"), "no column 'x'"),
        (DataError("/secret"), "log"),
        (OSError("/x"), "log"),
    ],
)
def test_a_failure_says_what_the_caller_may_know(jobs: ExportJobs, error: Exception, said: str) -> None:
    def work(_: Path) -> Written:
        raise error

    job = finished(jobs, jobs.submit(wish(), work))
    assert job.state == "failed" and job.error is not None
    assert said in job.error and "/" not in job.error


def test_the_file_goes_after_a_day_and_the_job_after_two(tmp_path: Path) -> None:
    clock = Clock()
    jobs = ExportJobs(tmp_path, clock=clock)
    job = finished(jobs, jobs.submit(wish(key="k"), writes()))
    clock.now = START + KEPT
    expired = jobs.find(job.id, owner="shop")
    assert expired is not None and expired.state == "expired" and not jobs.file(job).exists()
    clock.now = START + 2 * KEPT
    jobs.submit(wish(), writes())
    assert jobs.find(job.id, owner="shop") is None and jobs.wait(10)


def test_a_key_is_free_again_when_its_export_has_expired(tmp_path: Path) -> None:
    clock = Clock()
    jobs = ExportJobs(tmp_path, clock=clock)
    finished(jobs, jobs.submit(wish(key="k"), writes("old")))
    clock.now = START + KEPT + timedelta(seconds=1)
    assert jobs.file(finished(jobs, jobs.submit(wish(key="k"), writes("new")))).read_text() == "new"


def test_a_removed_job_stays_removed_while_it_is_made(jobs: ExportJobs) -> None:
    begun, go = threading.Event(), threading.Event()

    def work(path: Path) -> Written:
        begun.set()
        assert go.wait(10)
        return writes()(path)

    job = jobs.submit(wish(), work)
    assert begun.wait(10)
    jobs.remove(job)
    go.set()
    assert jobs.wait(10) and jobs.find(job.id, owner="shop") is None
    assert not jobs.file(job).parent.exists()


def test_a_job_that_is_removed_while_it_waits_is_never_made(jobs: ExportJobs) -> None:
    go, made = threading.Event(), []

    def first(path: Path) -> Written:
        assert go.wait(10)
        return writes()(path)

    jobs.submit(wish(), first)

    def never(path: Path) -> Written:
        made.append(path)
        return writes()(path)

    second = jobs.submit(wish(), never)
    jobs.remove(second)
    go.set()
    assert jobs.wait(10) and not made and not jobs.file(second).parent.exists()


def test_so_many_may_wait_and_no_more(jobs: ExportJobs) -> None:
    begun, go = threading.Event(), threading.Event()

    def work(path: Path) -> Written:
        begun.set()
        assert go.wait(10)
        return writes()(path)

    jobs.submit(wish(), work)
    assert begun.wait(10)
    for _ in range(MOST_WAITING):
        jobs.submit(wish(), work)
    with pytest.raises(TooManyJobs):
        jobs.submit(wish(), work)
    go.set()
    assert jobs.wait(10)


DIES = """
import os, sys, threading
from pathlib import Path
from datetime import UTC, datetime
from serving.outputs.jobs import ExportJobs, Wish
jobs = ExportJobs(Path(sys.argv[1]), clock=lambda: datetime(1998, 4, 2, tzinfo=UTC))
begun = threading.Event()
def work(path):
    path.with_suffix(".half").write_text("half")
    begun.set()
    threading.Event().wait()
job = jobs.submit(Wish("shop", "all", "csv", False, "ranking.csv", "text/csv", {}, "k"), work)
begun.wait()
print(job.id, flush=True)
sys.stdin.read()
os._exit(9)
"""


def test_a_job_whose_process_dies_has_failed_and_lives_until_then(tmp_path: Path) -> None:
    jobs = ExportJobs(tmp_path, clock=Clock())
    with subprocess.Popen(
        [sys.executable, "-c", DIES, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        running = jobs.find(name, owner="shop")
        child.communicate("")
    assert running is not None and running.state == "running"
    dead = jobs.find(name, owner="shop")
    assert dead is not None and dead.state == "failed" and "stopped" in str(dead.error)


def test_a_damaged_state_is_no_job(jobs: ExportJobs, tmp_path: Path) -> None:
    job = finished(jobs, jobs.submit(wish(), writes()))
    (tmp_path / "exports" / job.id / "job.json").write_text(json.dumps({"id": job.id}))
    assert jobs.find(job.id, owner="shop") is None


def test_a_folder_that_cannot_be_written_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="exports cannot be kept"):
        ExportJobs(tmp_path / "file", clock=Clock())
