"""Registry, database and disk gone: one message, the previous ranking stays, and a server goes on answering."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from serving.outputs.exports import write_export
from serving.store import Store, publish
from serving.stored.where import Where
from tests.faults.disk import LEFT, Disk
from tests.faults.models import write_model
from tests.faults.rankings import scores
from tests.faults.running import Server, free_port, serving, until
from tests.faults.shop import orders
from tests.faults.test_swaps import POSTED, ranking_of
from tests.repurchase.front_door import command, environment, run

RANK = ("rank", "orders.csv", "--model", "model", "--out")
NOWHERE = {"REPURCHASE_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


def shop(folder: Path) -> None:
    write_model(folder / "model")
    orders(folder, "orders.csv", count=2_000)


@contextmanager
def served(folder: Path, *more: str | Path, limit: int | None = None) -> Iterator[Server]:
    """Run `repurchase serve` in a folder, with no registry to be reached; limit: of the size of files."""
    port = free_port()
    words = ("serve", "--model", "model", "--store", "ranking", "--no-keys", "--port", str(port), *more)
    with (folder / "log").open("wb") as log, subprocess.Popen(
        command(*words), cwd=folder, env={**environment(folder), **NOWHERE}, stdout=log, stderr=log,
        preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    ) as process:  # fmt: skip
        try:
            server = Server(folder, process, port)
            assert until(lambda: answers(server) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield server
        finally:
            process.kill()


def answers(server: Server) -> bool:
    try:
        return server.ask("/health/live")[0] == 200
    except OSError:
        return False


# ---------------------------------------------------------------- registry
def test_without_the_registry_a_bundle_folder_is_ranked_with_and_served(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run(tmp_path, *RANK, "ranking", settings=NOWHERE).code == 0
    with served(tmp_path) as server:
        assert server.ask("/v1/ranking?limit=1")[0] == 200
        assert server.ask("/v1/score", POSTED)[0] == 200


@pytest.mark.faults
def test_a_registered_model_without_its_registry_is_one_message_and_the_ranking_stays(tmp_path: Path) -> None:
    shop(tmp_path)
    assert run(tmp_path, *RANK, "ranking").code == 0
    before = scores(tmp_path / "ranking")
    ended = run(
        tmp_path,
        "rank",
        "orders.csv",
        "--model",
        "models:/repurchase-x@champion",
        "--out",
        "ranking",
        settings=NOWHERE,
    )
    assert ended.code == 2 and "Traceback" not in ended.err and len(ended.errors) == 1, ended.err
    assert scores(tmp_path / "ranking").equals(before)


# ---------------------------------------------------------------- database
def test_a_ranking_from_a_database_that_is_gone_is_one_message_and_the_ranking_stays(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    before = scores(tmp_path / "ranking")
    for address in (
        f"postgresql://127.0.0.1:{free_port()}/shop?table=orders",
        "sqlite:///gone.db?table=orders",
    ):
        ended = run(tmp_path, "rank", address, "--model", "model", "--out", "ranking")
        assert ended.code == 2 and "Traceback" not in ended.err and len(ended.errors) == 1, ended.err
    assert scores(tmp_path / "ranking").equals(before)


# ---------------------------------------------------------------- disk
@pytest.mark.faults
def test_a_ranking_that_finds_no_space_leaves_the_previous_one(tmp_path: Path, disk: Disk) -> None:
    shop(tmp_path)
    out = disk.folder / "ranking"
    assert run(tmp_path, *RANK, out, "--as-of", "2023-11-30").code == 0
    before = scores(out)
    ended = disk.run(tmp_path, *RANK, out)
    assert ended.code == 2 and "Traceback" not in ended.err and len(ended.errors) == 1, ended.err
    assert "No space left" in ended.errors[0] or "File too large" in ended.errors[0], ended.err
    assert str(out) in ended.errors[0] and "Make room there" in ended.errors[0], ended.err
    assert scores(out).equals(before)
    assert all(path.name.isdigit() for path in (out / "stores").iterdir())
    assert run(tmp_path, *RANK, out).code == 0 and not scores(out).equals(before)


EXPORTING = """
import sys
from pathlib import Path
from contracts.errors import ArtifactError
from serving.outputs.exports import write_export
from serving.store import Store
from serving.stored.where import Where
try:
    write_export(
        Store.open(Path(sys.argv[1])), Path(sys.argv[2]), format=sys.argv[3], where=Where(), columns=None,
        personal=None, suppressed=frozenset(), excel_safe=False, limit=None,
    )
except (ArtifactError, OSError) as error:
    sys.exit(f"refused: {error}")
"""


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_that_finds_no_space_leaves_the_previous_file(tmp_path: Path, form: str) -> None:
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    path = tmp_path / f"out.{form}"
    write_export(
        Store.open(tmp_path / "ranking"), path, format=form, where=Where(), columns=["customer_id"], personal=None,
        suppressed=frozenset(), excel_safe=False, limit=None,
    )  # fmt: skip
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", EXPORTING, tmp_path / "ranking", path, form], capture_output=True, text=True,
        check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr.startswith("refused: "), done.stderr
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out." + form, "ranking"]


def test_a_server_whose_audit_log_finds_no_space_goes_on_answering(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    with served(tmp_path, "--audit", "audit.jsonl", limit=LEFT) as server:
        statuses = [server.ask("/v1/customers/c3")[0] for _ in range(200)]
        assert set(statuses) == {200}
        assert (tmp_path / "audit.jsonl").stat().st_size <= LEFT


@pytest.mark.faults
def test_a_server_on_a_full_disk_goes_on_answering_and_audits_again_when_there_is_space(
    tmp_path: Path, disk: Disk
) -> None:
    if not disk.mounted:
        pytest.skip("needs a disk that can be filled")
    write_model(tmp_path / "model")
    publish(ranking_of(0), disk.folder / "ranking", manifest={})
    with served(
        tmp_path, "--store", disk.folder / "ranking", "--audit", disk.folder / "audit.jsonl"
    ) as server:
        with disk.full():
            assert {server.ask("/v1/customers/c3")[0] for _ in range(400)} == {200}
        size = (disk.folder / "audit.jsonl").stat().st_size
        assert {server.ask("/v1/customers/c3")[0] for _ in range(50)} == {200}
        assert (disk.folder / "audit.jsonl").stat().st_size > size


def test_a_server_whose_files_are_all_taken_away_goes_on_answering(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    with serving(tmp_path) as server:
        shutil.rmtree(tmp_path / "ranking")
        shutil.rmtree(tmp_path / "model")
        os.kill(server.process.pid, signal.SIGHUP)
        for place in range(40):
            assert server.ask(f"/v1/customers/c{place}")[1]["recency_days"] == 10 * place
        assert server.ask("/v1/score", POSTED)[0] == 200 and server.counted == []
