"""A bundle travels as bytes and is the same model where it arrives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from models.bundle import load_bundle
from models.carried import Files, files_of, loaded
from tests import worlds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(worlds.simple("bgnbd").folder, tmp_path / "model")


def files(folder: Path) -> Files:
    return files_of(folder, load_bundle(folder, in_child_first=False))


def test_the_model_that_arrives_is_the_one_that_was_sent(folder: Path) -> None:
    found, sent = loaded(files(folder)), load_bundle(folder, in_child_first=False)
    assert (found.version, found.manifest, found.references) == (sent.version, sent.manifest, sent.references)


def test_a_model_is_loaded_once_in_a_process(folder: Path) -> None:
    assert loaded(files(folder)) is loaded(files(folder))


def test_a_folder_that_holds_another_model_by_now_is_refused(folder: Path) -> None:
    bundle = load_bundle(folder, in_child_first=False)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(ArtifactError, match="was replaced while it was read"):
        files_of(folder, bundle)


def test_bytes_that_were_damaged_on_the_way_are_refused(folder: Path) -> None:
    damaged = tuple(
        (name, content[:-1] if name == "golden.json" else content) for name, content in files(folder)
    )
    with pytest.raises(ArtifactError, match=r"golden\.json is not the file that the manifest describes"):
        loaded(damaged)
