"""Faults in small counts run always; in full they take their time: `-m faults` (make test-faults).

A full form prints one line with its counts at the end of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disk import Disk, mounted

HERE = Path(__file__).parent
_told: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "faults: kill -9 and full disks; slow, run with -m faults")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the marked tests unless they are asked for."""
    if "faults" in str(config.getoption("markexpr")):
        return
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.skip(reason="asked for with -m faults"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests counted."""
    for line in _told:
        terminalreporter.write_line(f"faults: {line}")


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Return what notes a line for the end of the run."""
    return _told.append


@pytest.fixture(params=["full disk", "limit on files"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """Yield a folder whose space can be taken away."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit on files":
        yield Disk(folder, mounted=False)
        return
    with mounted(folder) as done:
        if not done:
            pytest.skip("only root can mount a small disk")
        yield Disk(folder, mounted=True)
