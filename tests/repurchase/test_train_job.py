"""Targets are checked before any work, and nothing of somebody else's is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from repurchase.model_cache import put_model, require_model_folder
from repurchase.orders_job import require_file_target


def bundle(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("manifest.json", "ensemble.json"):
        (folder / name).write_text(content)
    return folder


def test_a_published_ranking_is_no_place_for_a_bundle(tmp_path: Path) -> None:
    ranking = tmp_path / "ranking"
    (ranking / "stores").mkdir(parents=True)
    (ranking / "manifest.json").write_text("{}")
    with pytest.raises(ArtifactError, match="no model bundle"):
        require_model_folder(ranking)


def test_a_link_is_no_place_for_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle(tmp_path / "model", "old"))
    with pytest.raises(ArtifactError, match="no model bundle"):
        require_model_folder(tmp_path / "link")


def test_the_present_folder_is_no_place_for_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="cannot be replaced as a whole"):
        require_model_folder(Path())


def test_an_older_bundle_is_replaced_whole(tmp_path: Path) -> None:
    out = bundle(tmp_path / "out", "old")
    (out / "orders.txt").write_text("old")
    require_model_folder(out)
    put_model(bundle(tmp_path / "fresh", "new"), out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "manifest.json": "new",
        "ensemble.json": "new",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "out"]


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is a folder"):
        require_file_target(tmp_path)
