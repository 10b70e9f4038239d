"""`repurchase serve` as its users have it: a process, its options, its signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from serving.store import publish
from tests.repurchase.front_door import command, environment, run
from tests.serving.shop import open_store, ranking
from tests.serving_alone import make_bundle

pytestmark = pytest.mark.lab  # servers of its own: make test-lab


@dataclass(frozen=True)
class Serving:
    process: subprocess.Popen[str]
    client: httpx.Client

    def until(self, path: str, status: int = 200, seconds: float = 60.0) -> httpx.Response:
        """Ask until this status is answered."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.communicate()[1]
            try:
                answer = self.client.get(path)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == status:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"no {status} from {path} in {seconds:.0f} s")

    def stop(self) -> tuple[int, str]:
        """Tell it to stop; return its exit code and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=40)
        return self.process.returncode, log


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Serving]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    if not (folder / "model").exists():
        make_bundle(folder / "model")
    process = subprocess.Popen(
        command("serve", "--model", "model", "--port", port, *words), cwd=folder, text=True,
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Serving(process, client)
    finally:
        process.kill()
        process.communicate()


def test_it_starts_without_a_ranking_logs_json_audits_and_ends_with_0(tmp_path: Path) -> None:
    words = ("--store", "ranking", "--no-keys", "--log-json", "--audit", "audit.jsonl", "--no-docs")
    with serving(tmp_path, *words, "--per-minute", "1000") as served:
        waiting = served.until("/health/ready", 503)
        assert waiting.json()["status"] == "no ranking"
        assert "ratelimit" in served.until("/v1/model").headers
        assert [served.client.get(path).status_code for path in ("/docs", "/openapi.json")] == [404, 404]
        open_store(tmp_path / "ranking", *"ab").close()
        code, log = served.stop()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    asked = [line for line in lines if line.get("route") == "/v1/model"]
    assert code == 0 and asked[0]["status"] == 200 and len(asked[0]["request_id"]) == 32
    noted = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["status"] for line in noted if line["route"] == "/v1/model"] == [200]


def test_several_workers_share_an_address_and_their_counters(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-keys", "--no-pages", "--workers", "2") as served:
        served.until("/health/ready")
        pids = workers_of(served.process.pid)
        for _ in range(20):
            with httpx.Client(base_url=served.client.base_url) as fresh:
                assert fresh.get("/v1/model").status_code == 200
        page = served.client.get("/metrics").text
        code, log = served.stop()
    assert len(pids) == 2 and code == 0, log
    assert 'repurchase_requests_total{method="GET",route="/v1/model",status="200"} 20.0' in page
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_workers_stop_when_their_parent_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-keys", "--no-pages", "--workers", "2") as served:
        served.until("/health/ready")
        pids = workers_of(served.process.pid)
        served.process.kill()
        served.process.communicate(timeout=40)  # ends when nobody holds its output any more
    assert len(pids) == 2


def workers_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workers", "2"), "--no-pages"),
        (("--workers", "2", "--no-pages", "--exports", "exports"), "export jobs live in one process"),
        (("--store", "nowhere", "--no-watch"), "nowhere holds no ranking"),
        (("--no-keys", "--audit", "nowhere/audit.jsonl"), "audit log cannot be opened"),
        ((), "there is no key file"),
        (("--personal", "gone.csv"), "gone.csv"),
        (("--personal", "words.parquet"), "words.parquet: this is no Parquet file"),
        (("--suppress", "gone.csv"), "no such suppression list"),
        (("--suppress", "addresses.csv"), "Give the personal table (--personal FILE)"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    make_bundle(tmp_path / "model")
    for name in ("words.parquet", "addresses.csv"):
        (tmp_path / name).write_text("email\na@x.de\n")
    ended = run(tmp_path, "serve", "--model", "model", "--port", "0", *words)
    assert ended.code == 2 and told in ended.err and "Traceback" not in ended.err


def test_a_ranking_in_another_currency_than_the_models_is_refused_at_the_start(tmp_path: Path) -> None:
    make_bundle(tmp_path / "model")
    table = ranking("a")
    euros = table.set_column(
        table.column_names.index("currency"), table.schema.field("currency"), pa.array(["EUR"])
    )
    publish(euros, tmp_path / "ranking", manifest={})
    ended = run(tmp_path, "serve", "--model", "model", "--no-keys", "--port", "0", "--store", "ranking")
    assert ended.code == 2 and "values are in EUR (by model v1), the model's are in USD" in ended.err
