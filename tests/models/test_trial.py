from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from models.trial import why_it_fails

MEMORY = 2**30


def test_code_that_ends_well_has_no_reason_to_fail() -> None:
    assert why_it_fails("pass", seconds=20, memory_bytes=MEMORY) is None


def test_words_and_our_rooms_are_there(tmp_path: Path) -> None:
    code = "import contracts.errors; assert sys.argv[1:] == ['a b', 'c']"
    assert why_it_fails(code, "a b", "c", seconds=20, memory_bytes=MEMORY) is None


def test_rooms_of_the_same_name_in_the_working_directory_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/__init__.py").write_text("raise SystemExit('theirs')")
    monkeypatch.chdir(tmp_path)
    assert why_it_fails("import contracts.errors", seconds=20, memory_bytes=MEMORY) is None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('what is wrong')", "ValueError: what is wrong"),
        ("from contracts.errors import ArtifactError as E; raise E('it is damaged')", "ArtifactError: it is damaged"),
        ("import os; os.abort()", "exit -6"),
        ("import os; os.kill(os.getpid(), 11)", "exit -11"),
        ("sys.exit(3)", "exit 3"),
        ("bytearray(2 * 2**30)", "MemoryError"),
        ("while True: sys.stderr.write('x' * 9999)", ""),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told(code: str, reason: str) -> None:
    found = why_it_fails(code, seconds=20, memory_bytes=MEMORY)
    assert found is not None and reason in found and len(found) < 70_000


def test_what_hangs_is_killed() -> None:
    begun = time.monotonic()
    assert why_it_fails("import time; time.sleep(60)", seconds=1, memory_bytes=MEMORY) == "it took over 1 s"
    assert time.monotonic() - begun < 10


def test_what_computes_for_ever_is_killed_even_if_nobody_waits_for_it() -> None:
    """The limit on CPU seconds is the child's own: it holds without its parent."""
    code = "import resource; assert resource.getrlimit(resource.RLIMIT_CPU) == (7, 7)"
    assert why_it_fails(code, seconds=7, memory_bytes=MEMORY) is None


def test_a_large_file_and_a_core_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "large"
    code = "open(sys.argv[1], 'wb').write(bytes(10**6)); open(sys.argv[1], 'ab').write(b'x')"
    assert why_it_fails(code, path, seconds=20, memory_bytes=MEMORY) is not None
    assert path.stat().st_size <= 65_536
    assert why_it_fails("import resource; assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)",
                        seconds=20, memory_bytes=MEMORY) is None  # fmt: skip


def test_this_process_keeps_its_own_limits_and_environment() -> None:
    before = dict(os.environ)
    why_it_fails("pass", seconds=20, memory_bytes=MEMORY)
    assert dict(os.environ) == before
