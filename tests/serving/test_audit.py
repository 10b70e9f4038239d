from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ArtifactError
from serving.guarding.audit import Audit
from tests.serving.guarded import guard, guarded
from tests.serving.shop import Client, histories, make_key, open_store, order

FULL = Path("/dev/full")
ID = "0123456789abcdef0123456789abcdef"


class Ticks:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_each_request_is_a_line_without_anything_personal(tmp_path: Path) -> None:
    key, ring = make_key(tmp_path)
    file = tmp_path / "audit.jsonl"
    app = guarded(open_store(tmp_path / "out", "jane@example.com"), keys=ring, audit=file)
    client = Client(app, key)
    client.get("/v1/customers/jane@example.com?horizon=45", headers={"x-request-id": ID})
    line = lines(file)[0]
    assert (line.pop("time"), line.pop("ms") >= 0) == ("1998-07-01T09:30:00.000+00:00", True)
    assert line == {
        "key": "test", "method": "GET", "route": "/v1/customers/{customer_id:id}", "status": 200,
        "rows": line["rows"], "request_id": ID,
    }  # fmt: skip
    text = file.read_text()
    assert "jane" not in text and key not in text and "45" not in text.replace(line["request_id"], "")


def test_a_live_score_notes_how_many_customers(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    client = Client(guarded(audit=file))
    client.score(histories(a=[order("1998-03-02")], b=[order("1998-03-02")]))
    assert [line["rows"] for line in lines(file)] == [2]


def test_who_was_not_let_in_is_noted_and_probes_are_not(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    client = Client(guarded(keys=make_key(tmp_path)[1], audit=file), "rp_wrong")
    for path in ("/v1/model", "/health/live", "/v2/health/ready", "/nowhere/jane"):
        client.get(path)
    found = [(line["route"], line["status"], line["key"]) for line in lines(file)]
    assert found == [("/v1/model", 401, None), ("(no route)", 404, None)]


def test_a_log_that_was_rotated_away_is_left_for_the_new_one(tmp_path: Path) -> None:
    file, ticks = tmp_path / "audit.jsonl", Ticks()
    audit = Audit(file, on_failure=pytest.fail, ticks=ticks)
    audit.note({"n": 1})
    file.rename(tmp_path / "audit.jsonl.1")
    file.touch()
    ticks.at = 1.0
    audit.note({"n": 2})
    assert (lines(tmp_path / "audit.jsonl.1"), lines(file)) == ([{"n": 1}], [{"n": 2}])
    audit.close()


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    writers = [Audit(file, on_failure=pytest.fail) for _ in range(2)]
    for number in range(100):
        writers[number % 2].note({"n": number})
    assert [line["n"] for line in lines(file)] == list(range(100))


def test_a_full_disk_fails_no_request_and_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    app = guarded(audit=FULL)
    client = Client(app)
    with caplog.at_level(logging.ERROR):
        assert [client.get("/v1/model").status_code for _ in range(3)] == [200] * 3
    assert caplog.text.count("the audit log cannot be written (No space left on device)") == 1
    assert b"repurchase_audit_failures_total 3.0" in client.get("/metrics").content
    assert guard(app).audit is not None


def test_a_disk_that_comes_back_is_written_again(tmp_path: Path) -> None:
    failures: list[int] = []
    file, ticks = tmp_path / "folder" / "audit.jsonl", Ticks()
    file.parent.mkdir()
    audit = Audit(file, on_failure=lambda: failures.append(1), ticks=ticks)
    file.unlink()
    file.parent.rmdir()
    ticks.at = 1.0
    audit.note({"n": 1})
    file.parent.mkdir()
    audit.note({"n": 2})
    assert (failures, lines(file)) == ([1], [{"n": 2}])


def test_a_log_that_cannot_be_opened_is_told_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere/audit\.jsonl: the audit log cannot be opened"):
        guard(guarded(audit=tmp_path / "nowhere" / "audit.jsonl"))
