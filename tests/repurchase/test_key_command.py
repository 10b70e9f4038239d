from __future__ import annotations

import json
from pathlib import Path

from tests.repurchase.front_door import here as run


def test_a_key_gets_its_scopes_and_last_day(tmp_path: Path) -> None:
    words = ("key", "crm", "--scope", "score:read", "--scope", "export:pii", "--expires", "2099-12-31")
    ended = run(tmp_path, *words)
    entry = json.loads((tmp_path / "keys.json").read_text())["keys"][0]
    assert ended.code == 0 and ended.out.startswith("rp_")
    assert (entry["name"], entry["scopes"], entry["expires"]) == (
        "crm", ["export:pii", "score:read"], "2099-12-31",
    )  # fmt: skip


def test_keys_are_listed_without_anything_that_opens(tmp_path: Path) -> None:
    key = run(tmp_path, "key", "crm").out.strip()
    run(tmp_path, "key", "guest", "--scope", "admin", "--expires", "2020-01-01")
    out = run(tmp_path, "key", "--list").out
    assert "crm" in out and "score:read" in out and "2020-01-01 (over)" in out
    assert key not in out and json.loads((tmp_path / "keys.json").read_text())["keys"][0]["sha256"] not in out


def test_a_key_is_revoked_by_its_name(tmp_path: Path) -> None:
    run(tmp_path, "key", "crm")
    assert run(tmp_path, "key", "crm", "--revoke").code == 0
    assert json.loads((tmp_path / "keys.json").read_text()) == {"keys": []}
    again = run(tmp_path, "key", "crm", "--revoke")
    assert again.code == 2 and "holds no key named 'crm'" in again.err


def test_what_cannot_be_a_key_is_told_in_a_sentence(tmp_path: Path) -> None:
    for words, told in (
        (("key",), "say whose key"),
        (("key", "a", "--scope", "admins"), "did you mean 'admin'"),
        (("key", "jane@example.com"), "no e-mail address"),
        (("key", "a", "--expires", "soon"), "soon"),
    ):
        ended = run(tmp_path, *words)
        assert ended.code == 2 and told in ended.err and "Traceback" not in ended.err
