"""Damaged bundles and stores, offered to a running server: none is taken, none brings the process down."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from contracts.errors import ArtifactError
from models import bundle as bundles
from models.bundle import load_bundle, sealed
from serving.store import publish
from serving.stored.shelf import current_home
from tests import worlds
from tests.faults.models import put, write_model
from tests.faults.running import serving
from tests.faults.test_swaps import ranking_of

Damage = Callable[[Path, Random], None]


def cut(path: Path, random: Random) -> None:
    """Cut a file off somewhere."""
    path.write_bytes(path.read_bytes()[: random.randrange(path.stat().st_size)])


def flip(path: Path, random: Random) -> None:
    """Flip one to eight bits."""
    data = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def damaged(folder: Path, number: int) -> str:
    """Damage one file of a folder: each in turn, cut and flipped in turn."""
    files, random = files_of(folder), Random(number)
    path = files[number // 2 % len(files)]
    before = path.read_bytes()
    while path.read_bytes() == before:
        (cut if number % 2 else flip)(path, random)
    return path.name


FEW_AND_FULL = [
    pytest.param(4, id="4"),
    pytest.param(200, marks=[pytest.mark.faults, pytest.mark.full], id="200"),
]


@pytest.mark.parametrize("count", FEW_AND_FULL)
def test_a_server_takes_no_damaged_model(tmp_path: Path, count: int, tell: Callable[[str], None]) -> None:
    served = write_model(tmp_path / "model")
    whole = tmp_path / "whole"
    if count > 4:  # with boosters, whose parser aborts on damage
        shutil.copytree(worlds.trained().folder, whole)
    else:
        write_model(whole, 1)
    with serving(tmp_path) as server:
        names = []
        for number in range(count):
            shutil.copytree(whole, tmp_path / "fresh")
            names.append(damaged(tmp_path / "fresh", number))
            put(tmp_path / "fresh", tmp_path / "model")
            server.look(counts=1)
            assert server.ask("/v1/model")[1]["model_version"] == served, names[-1]
        accepted = server.counted.count("model done")
        tell(f"{count} damaged models ({len(set(names))} files): {accepted} accepted, 0 process deaths")
        assert server.alive and server.counted == ["model refused"] * count
        put(shutil.copytree(whole, tmp_path / "fresh"), tmp_path / "model")
        server.look(counts=1)
        assert server.counted[-1] == "model done"


@pytest.mark.parametrize("count", FEW_AND_FULL)
def test_a_server_takes_no_damaged_ranking(tmp_path: Path, count: int, tell: Callable[[str], None]) -> None:
    write_model(tmp_path / "model")
    publish(ranking_of(0), tmp_path / "ranking", manifest={})
    publish(ranking_of(1), tmp_path / "other", manifest={})
    whole, stores = current_home(tmp_path / "other"), tmp_path / "ranking/stores"
    with serving(tmp_path) as server:
        names = []
        for number in range(count):
            home = shutil.copytree(whole, stores / f"{100 + number:06d}")
            names.append(damaged(home, number))
            point(tmp_path / "ranking", home)
            server.look(counts=1)
            assert server.ask("/v1/customers/c3")[1]["recency_days"] == 30, names[-1]
            shutil.rmtree(home)
        accepted = server.counted.count("store done")
        tell(f"{count} damaged rankings ({len(set(names))} files): {accepted} accepted, 0 process deaths")
        assert server.alive and server.counted == ["store refused"] * count
        point(tmp_path / "ranking", shutil.copytree(whole, stores / "000999"))
        server.look(counts=1)
        assert server.ask("/v1/customers/c3")[1]["recency_days"] == 31


def point(folder: Path, home: Path) -> None:
    """Make a store the current one."""
    (folder / "aside").symlink_to(f"stores/{home.name}")
    (folder / "aside").replace(folder / "current")


@pytest.mark.faults
@pytest.mark.full
def test_boosters_damaged_before_they_were_sealed_end_in_the_child_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Callable[[str], None]
) -> None:
    """Their checksums are right. What loads and gives the golden answers to the digit is the same model."""
    monkeypatch.setattr(bundles, "CHECK_SECONDS", 10)
    monkeypatch.setattr(bundles, "CHECK_BYTES", 2**30)
    ends: dict[str, int] = {}
    for number in range(200):
        folder = shutil.copytree(worlds.trained().folder, tmp_path / str(number))
        name = ("free.txt", "orders.txt", "spend.txt")[number % 3]
        (cut if number % 2 else flip)(folder / name, Random(number))
        reseal(folder, name)
        try:
            load_bundle(folder)
            end = "answers as before"
        except ArtifactError as error:
            end = kind_of_end(str(error))
        ends[end] = ends.get(end, 0) + 1
        shutil.rmtree(folder)
    tell(f"200 boosters damaged before sealing, 0 process deaths: {ends}")
    assert sum(ends.values()) == 200 and ends.get("answers as before", 0) < 100


def kind_of_end(message: str) -> str:
    """Return how the child ended."""
    for words in ("golden", "it took over", "exit -6", "exit -11", "exit -9", "MemoryError"):
        if words in message:
            return words
    return "another error"


def reseal(folder: Path, name: str) -> None:
    """Give a changed file its checksum in the manifest."""
    data, path = (folder / name).read_bytes(), folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    path.write_text(json.dumps(sealed(manifest)))
