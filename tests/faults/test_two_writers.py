"""Two ranking runs into one folder: one writes, the other is told so; what is there is whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.disk import only_writer
from serving.store import Store
from tests.faults.models import write_model
from tests.faults.rankings import scores
from tests.faults.running import ROOT, until
from tests.faults.shop import orders
from tests.repurchase.front_door import command, environment, run

PUBLISHING = """
import sys, time
from pathlib import Path
from contracts.errors import ArtifactError
from serving.store import publish
from tests.faults.test_swaps import ranking_of
done = refused = 0
while done < int(sys.argv[2]):
    try:
        publish(ranking_of(done), Path(sys.argv[1]), manifest={})
        done += 1
    except ArtifactError as error:
        assert "another process is writing" in str(error), error
        refused += 1
        Path(sys.argv[3]).touch()
        time.sleep(0.005)
print(done, refused)
"""


@pytest.mark.faults
def test_of_two_runs_at_once_one_writes_and_the_other_says_why_not(tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    words = ("rank", orders(tmp_path, "orders.csv", count=2_000), "--model", "model", "--out")
    assert run(tmp_path, *words, "alone").code == 0
    both = [
        subprocess.Popen(
            command(*words, "ranking"), cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [process.communicate(timeout=120)[1] for process in both]
    ended = [process.returncode for process in both]
    assert 0 in ended and set(ended) <= {0, 2}, told
    assert all("another process is writing" in text for text, code in zip(told, ended, strict=True) if code)
    assert scores(tmp_path / "ranking").equals(scores(tmp_path / "alone"))


@pytest.mark.parametrize(
    "times",
    [pytest.param(5, id="5"), pytest.param(100, marks=[pytest.mark.faults, pytest.mark.full], id="100")],
)
def test_two_publishers_never_mix_their_rankings(
    tmp_path: Path, times: int, tell: Callable[[str], None]
) -> None:
    ranking, refusals = tmp_path / "ranking", [tmp_path / "one", tmp_path / "other"]
    ranking.mkdir()
    with only_writer(
        ranking / ".lock"
    ):  # until each has met the lock, so that neither ends before the other begins
        both = [
            subprocess.Popen(
                [sys.executable, "-c", PUBLISHING, str(ranking), str(times), str(refusal)],
                cwd=ROOT, stdout=subprocess.PIPE, text=True,
            )
            for refusal in refusals
        ]  # fmt: skip
        assert until(lambda: all(refusal.exists() for refusal in refusals), seconds=60)
    counts = [tuple(map(int, process.communicate(timeout=300)[0].split())) for process in both]
    done, refused = (sum(one[place] for one in counts) for place in (0, 1))
    tell(f"two publishers, {times} rankings each: {done} published, {refused} refused by the lock, 0 mixed")
    assert done == 2 * times and refused >= 2
    assert Store.open(ranking).count == 40
    assert all(path.name.isdigit() for path in (ranking / "stores").iterdir())
