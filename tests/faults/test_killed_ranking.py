"""kill -9 at any moment of a ranking run: the old ranking or the new one, and a rerun ends as an undisturbed run."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.faults.models import write_model
from tests.faults.rankings import differing, killed_after, killed_at_step, scores, steps_of
from tests.faults.shop import orders
from tests.repurchase.front_door import run

MOST_STEPS = 40
DAYS = ("2023-11-30", "2023-12-20")


def words_for(day: str, out: str = "ranking") -> tuple[str, ...]:
    return ("rank", "orders", "--model", "model", "--as-of", day, "--out", out)


def shop(folder: Path, count: int) -> tuple[dict[str, pa.Table], float]:
    """Make orders and a model; publish the first day's ranking.

    Return the undisturbed rankings by day, and the seconds that one takes.
    """
    write_model(folder / "model")
    file = orders(folder, "orders.csv", count=count)
    assert run(folder, "prepare", file, "--out", "orders", "--partitions", "8").code == 0
    whole, begun = {}, time.monotonic()
    for day in DAYS:
        assert run(folder, *words_for(day, f"whole-{day}")).code == 0
        whole[day] = scores(folder / f"whole-{day}")
    seconds = (time.monotonic() - begun) / len(DAYS)
    assert not whole[DAYS[0]].equals(whole[DAYS[1]])
    shutil.copytree(folder / f"whole-{DAYS[0]}", folder / "ranking", symlinks=True)
    return whole, seconds


@pytest.mark.parametrize(
    ("kills", "count"),
    [
        pytest.param(2, 2_000, id="2"),
        pytest.param(100, 30_000, marks=[pytest.mark.faults, pytest.mark.full], id="100"),
    ],
)
def test_a_killed_run_leaves_a_whole_ranking_and_a_rerun_ends_alike(
    tmp_path: Path, kills: int, count: int, tell: Callable[[str], None]
) -> None:
    whole, longest = shop(tmp_path, count)
    torn: list[list[str]] = []
    unlike: list[list[str]] = []
    chance, killed, tried, span = random.Random(20261122), 0, 0, longest
    while killed < kills:
        tried += 1
        day = DAYS[tried // 5 % 2]  # five kills of a run, then it may end
        hit = killed_after(tmp_path, chance.uniform(0.0, span), *words_for(day))
        killed, span = killed + hit, span * (1.02 if hit else 0.9)  # a run that goes on is shorter
        torn += unlike_all(tmp_path, whole)
        if tried % 5 == 4:
            unlike += ended_unlike(tmp_path, day, whole)
    unlike += ended_unlike(tmp_path, DAYS[1], whole)
    tell(
        f"{killed} kills at random moments of {longest:.1f} s of ranking ({tried - killed} more came after its end): "
        f"{len(torn)} torn, {len(unlike)} unlike"
    )
    assert not torn and not unlike, (torn[:3], unlike[:3])
    left = [path.name for path in (tmp_path / "ranking/stores").iterdir() if not path.name.isdigit()]
    assert left == []


def unlike_all(folder: Path, whole: dict[str, pa.Table]) -> list[list[str]]:
    """Return in what the current ranking differs from each undisturbed one; nothing if it is one of them."""
    found = [differing(scores(folder / "ranking"), one) for one in whole.values()]
    return [] if [] in found else [min(found, key=len)]


def ended_unlike(folder: Path, day: str, whole: dict[str, pa.Table]) -> list[list[str]]:
    """Let a run come to its end; return in what its ranking differs from an undisturbed one."""
    ended = run(folder, *words_for(day))
    assert ended.code == 0, ended.err
    found = differing(scores(folder / "ranking"), whole[day])
    return [found] if found else []


@pytest.mark.faults
@pytest.mark.full
def test_a_run_killed_at_any_step_of_its_writing_leaves_a_whole_ranking(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    whole, _ = shop(tmp_path, 2_000)
    steps = steps_of(tmp_path, *words_for(DAYS[1]))
    torn: list[list[str]] = []
    unlike: list[list[str]] = []
    killed = 0
    tried = sorted({round(1 + place * (steps - 1) / (MOST_STEPS - 1)) for place in range(MOST_STEPS)})
    for number in tried:
        day = DAYS[number % 2]
        for when in ("before", "after"):
            killed += killed_at_step(tmp_path, number, when, *words_for(day))
            torn += unlike_all(tmp_path, whole)
        unlike += ended_unlike(tmp_path, day, whole)
    tell(
        f"{len(tried)} of {steps} renames and syncs of a ranking run, killed before and after each: {killed} hit, "
        f"{len(torn)} torn, {len(unlike)} unlike"
    )
    assert not torn and not unlike, (torn[:3], unlike[:3])
    assert killed >= len(tried)
