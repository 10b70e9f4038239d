from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from serving.keys import KeyRing, new_key


def test_a_new_key_is_accepted_and_others_are_not(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.json", "demo")
    ring = KeyRing.load(tmp_path / "keys.json")
    assert ring.accepts(key)
    assert not any(ring.accepts(wrong) for wrong in ("", "rp_", key[:-1], key + "a", key.upper(), "\ud800"))


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
    assert all(ring.accepts(key) for key in keys)


def test_a_key_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    old, new = (new_key(tmp_path / "keys.json", "demo") for _ in range(2))
    ring = KeyRing.load(tmp_path / "keys.json")
    assert ring.accepts(new) and not ring.accepts(old)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"keys\.json: there is no such key file"):
        KeyRing.load(tmp_path / "keys.json")


BROKEN = ["", "{", "[]", '{"keys": 3}', '{"keys": []}', '{"keys": [{"name": "a", "sha256": "00"}]}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_key_file_opens_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ArtifactError):
        KeyRing.load(tmp_path / "keys.json")
