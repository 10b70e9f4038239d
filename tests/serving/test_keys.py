from __future__ import annotations

import hashlib
import json
import logging
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DeclarationError
from serving.guarding.keys import ADMIN, EXPORT_PII, SCORE_READ, KeyRing, keys_in, new_key, revoke

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Ticks:
    """A clock that goes on when it is told to."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def opens(ring: KeyRing, key: str) -> bool:
    return ring.find(key, now=NOW) is not None


def test_a_new_key_is_accepted_and_others_are_not(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "demo")
    ring = KeyRing.load(tmp_path / "keys.json")
    assert opens(ring, key)
    assert not any(opens(ring, wrong) for wrong in ("", "rp_", key[:-1], key + "a", key.upper(), "\ud800"))


def test_a_key_has_256_random_bits(tmp_path: Path) -> None:
    keys = {new_key(tmp_path / "keys.json", f"k{number}") for number in range(5)}
    assert len(keys) == 5 and all(key.startswith("rp_") and len(key) == 3 + 43 for key in keys)


def test_only_the_hash_is_kept_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key = new_key(file, "demo")
    text = file.read_text()
    assert key not in text and hashlib.sha256(key.encode()).hexdigest() in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_of_several_names_work_side_by_side(tmp_path: Path) -> None:
    keys = [new_key(tmp_path / "keys.json", name) for name in ("shop", "crm")]
    ring = KeyRing.load(tmp_path / "keys.json")
    assert all(opens(ring, key) for key in keys)


def test_a_key_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    old, new = (new_key(tmp_path / "keys.json", "demo") for _ in range(2))
    ring = KeyRing.load(tmp_path / "keys.json")
    assert opens(ring, new) and not opens(ring, old)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"keys\.json: there is no such key file"):
        KeyRing.load(tmp_path / "keys.json")


BROKEN = [
    '{"keys": [{"name": "a", "sha256": "' + "0" * 64 + '", "scopes": ["all"]}]}',
    '{"keys": [{"name": "a", "sha256": "' + "0" * 64 + '", "expires": "soon"}]}',
    "",
    "{",
    "[]",
    '{"keys": 3}',
    '{"keys": []}',
    '{"keys": [{"name": "a", "sha256": "00"}]}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_key_file_opens_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ArtifactError):
        KeyRing.load(tmp_path / "keys.json")


def test_a_key_has_the_scopes_it_was_made_with(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = {
        name: new_key(file, name, scopes=scopes)
        for name, scopes in ((ADMIN, [ADMIN]), ("both", [SCORE_READ, EXPORT_PII]))
    }
    ring = KeyRing.load(file)
    found = {name: ring.find(key, now=NOW) for name, key in made.items()}
    assert {name: set(key.scopes) if key else None for name, key in found.items()} == {
        ADMIN: {ADMIN}, "both": {SCORE_READ, EXPORT_PII},
    }  # fmt: skip


def test_a_key_file_of_before_scopes_reads_scores_only(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"rp_old").hexdigest()
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{"name": "old", "sha256": digest}]}))
    found = KeyRing.load(tmp_path / "keys.json").find("rp_old", now=NOW)
    assert found is not None and found.scopes == {SCORE_READ}


@pytest.mark.parametrize(("day", "opened"), [("2026-03-01", True), ("2026-02-28", False)])
def test_a_key_opens_up_to_its_last_day(tmp_path: Path, day: str, opened: bool) -> None:
    key = new_key(tmp_path / "keys.json", "guest", expires=date.fromisoformat(day))
    assert opens(KeyRing.load(tmp_path / "keys.json"), key) is opened


@pytest.mark.parametrize("name", ["", "jane@example.com", "a\nb", "x" * 65])
def test_a_name_that_may_not_stand_in_logs_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeclarationError, match="stands in logs"):
        new_key(tmp_path / "keys.json", name)


def test_an_unknown_scope_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="did you mean 'score:read'"):
        new_key(tmp_path / "keys.json", "a", scopes=["scores:read"])


def test_a_revoked_key_opens_nothing_within_a_second(tmp_path: Path) -> None:
    file, ticks = tmp_path / "keys.json", Ticks()
    key, other = new_key(file, "old"), new_key(file, "other")
    ring = KeyRing.load(file, ticks=ticks)
    found = ring.find(key, now=NOW)
    revoke(file, "old")
    ticks.at = 1.0
    assert not opens(ring, key) and opens(ring, other)
    assert found is not None and not ring.holds(found, now=NOW)
    assert [each.name for each in keys_in(file)] == ["other"]


def test_the_file_is_looked_at_once_a_second_at_most(tmp_path: Path) -> None:
    file, ticks = tmp_path / "keys.json", Ticks()
    new_key(file, "first")
    ring = KeyRing.load(file, ticks=ticks)
    added = new_key(file, "second")
    ticks.at = 0.9
    assert not opens(ring, added)
    ticks.at = 1.0
    assert opens(ring, added)


@pytest.mark.parametrize("text", [None, "{", '{"keys": [{"name": "a", "sha256": "00"}]}', "[" * 100_000])
def test_a_damaged_or_missing_new_file_leaves_the_keys_as_they_were(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    file, ticks = tmp_path / "keys.json", Ticks()
    key = new_key(file, "a")
    ring = KeyRing.load(file, ticks=ticks)
    file.unlink() if text is None else file.write_text(text)
    with caplog.at_level(logging.ERROR):
        for ticks.at in (1.0, 2.5, 4.0):
            assert opens(ring, key)
    assert ring.failures == 1 and caplog.text.count("stay as they were") == 1


def test_keys_come_back_when_the_file_does(tmp_path: Path) -> None:
    file, ticks = tmp_path / "keys.json", Ticks()
    new_key(file, "a")
    ring = KeyRing.load(file, ticks=ticks)
    file.unlink()
    ticks.at = 1.0
    assert not opens(ring, "rp_x")
    key = new_key(file, "b")
    ticks.at = 2.0
    assert opens(ring, key)


def test_taking_the_last_key_away_locks_everybody_out(tmp_path: Path) -> None:
    file, ticks = tmp_path / "keys.json", Ticks()
    key = new_key(file, "only")
    ring = KeyRing.load(file, ticks=ticks)
    revoke(file, "only")
    ticks.at = 1.0
    assert not opens(ring, key) and ring.failures == 0


def test_revoking_a_name_that_is_not_there_says_so(tmp_path: Path) -> None:
    new_key(tmp_path / "keys.json", "campaigns")
    with pytest.raises(ArtifactError, match="did you mean 'campaigns'"):
        revoke(tmp_path / "keys.json", "campaign")
