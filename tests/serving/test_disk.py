from __future__ import annotations

import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from serving.disk import HeldFile, naming, sha256_of, write_text

CONTENT = bytes(range(256)) * 10_000


@pytest.fixture
def held(tmp_path: Path) -> HeldFile:
    (tmp_path / "x").write_bytes(CONTENT)
    return HeldFile(tmp_path / "x")


def test_a_held_file_is_read_after_its_removal(held: HeldFile) -> None:
    mapped = held.map()
    held.path.unlink()
    assert held.read(300, 5) == CONTENT[300:305] and bytes(mapped) == bytes(held.map()) == CONTENT


def test_the_checksum_is_that_of_the_whole_content(held: HeldFile) -> None:
    assert held.sha256() == sha256_of(held.path) == hashlib.sha256(CONTENT).hexdigest()


def test_threads_read_their_own_places(held: HeldFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: held.read(start, 3), range(5_000)))
    assert found == [CONTENT[start : start + 3] for start in range(5_000)]


def test_a_file_that_was_cut_is_an_error(held: HeldFile) -> None:
    held.path.write_bytes(CONTENT[:100])
    with pytest.raises(ArtifactError, match="became shorter while it was open"):
        held.read(98, 5)


def test_a_text_is_replaced_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    write_text(tmp_path / "a", "new", mode=0o600)
    assert (tmp_path / "a").read_text() == "new" and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_error_for_want_of_room_gets_the_name_of_its_file_and_no_other_does(tmp_path: Path) -> None:
    for number, name in ((errno.ENOSPC, str(tmp_path)), (errno.EIO, None)):
        with pytest.raises(OSError) as error, naming(tmp_path):
            raise OSError(number, "Error writing bytes to file.")
        assert (error.value.errno, error.value.filename) == (number, name)
