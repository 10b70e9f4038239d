"""A store is swept while it is read: whoever holds it reads on, whoever opens gets a whole one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from serving.store import Store, publish
from tests.faults.running import ROOT
from tests.faults.test_swaps import CUSTOMERS, ranking_of, whole

READERS = 4
PUBLISHING = """
import sys
from pathlib import Path
from serving.store import publish
from tests.faults.test_swaps import ranking_of
number = 0
while True:
    number += 1
    publish(ranking_of(number % 300), Path(sys.argv[1]), manifest={}, keep=1)
    print(number, flush=True)
"""


class Reader:
    """Opens the ranking again and again, and reads each one to its end while newer ones come."""

    def __init__(self, folder: Path, end: float) -> None:
        self.folder, self.end = folder, end
        self.opened, self.reads = 0, 0
        self.wrong: list[str] = []
        self.versions: set[str] = set()

    def run(self) -> None:
        """Read until the end."""
        while time.monotonic() < self.end:
            try:
                store = Store.open(self.folder)
            except ArtifactError as error:
                self.wrong.append(f"open: {error}")
                continue
            self.opened += 1
            self.versions.add(store.version)
            self._read(store)

    def _read(self, store: Store) -> None:
        for _ in range(5):
            rows = store.ranking(limit=CUSTOMERS)
            one = store.customer("c7")
            number = int(rows[0]["recency_days"])
            facts = {"as_of": str(rows[0]["as_of"]), "valid_until": str(rows[0]["valid_until"])}
            if len(rows) != CUSTOMERS or one != rows[7] or not all(whole(number, facts, row) for row in rows):
                self.wrong.append(f"torn: {rows[0]}")
            self.reads += 1
            time.sleep(0.01)


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(2, id="2s"), pytest.param(120, marks=[pytest.mark.faults, pytest.mark.full], id="2min")],
)
def test_readers_never_meet_a_torn_or_missing_store(
    tmp_path: Path, seconds: int, tell: Callable[[str], None]
) -> None:
    publish(ranking_of(0), tmp_path, manifest={})
    command = [sys.executable, "-c", PUBLISHING, str(tmp_path)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer,
        ExitStack() as stack,
    ):
        stack.callback(writer.kill)
        assert writer.stdout is not None and writer.stdout.readline() == "1\n"
        readers = [Reader(tmp_path, time.monotonic() + seconds) for _ in range(READERS)]
        threads = [threading.Thread(target=reader.run) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.kill()
        published = writer.stdout.read().split()
    wrong = [one for reader in readers for one in reader.wrong]
    tell(
        f"{len(published)} rankings published with keep=1 in {seconds} s, {READERS} readers: "
        f"{sum(one.opened for one in readers)} stores opened, {sum(one.reads for one in readers)} read, "
        f"{len(wrong)} wrong"
    )
    assert not wrong, wrong[:3]
    assert published and len(set().union(*(one.versions for one in readers))) > 1
