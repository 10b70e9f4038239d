"""The local copy of a registered model, with a real MLflow registry in a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DeclarationError
from models.bundle import load_bundle, version_of
from repurchase.model_cache import copy_of, local_model, pull
from tests import worlds

URI = "models:/repurchase-garden@champion"
FIRST, SECOND = (f"models:/repurchase-garden/{version}" for version in (1, 2))


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = local_model(
        str(tmp_path), tracking_uri="sqlite:///nowhere.db", cache=tmp_path / "c", warn=pytest.fail
    )
    assert folder == tmp_path and not (tmp_path / "c").exists()


def test_without_registry_and_copy_nothing_is_served(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="failed"):
        local_model(URI, tracking_uri=down(tmp_path), cache=tmp_path / "c", warn=pytest.fail)


def test_without_registry_the_copy_answers_and_says_so(tmp_path: Path) -> None:
    told: list[str] = []
    copy = copy_of(URI, tracking_uri=down(tmp_path), cache=tmp_path / "c")
    shutil.copytree(worlds.trained().folder, copy)
    found = local_model(URI, tracking_uri=down(tmp_path), cache=tmp_path / "c", warn=told.append)
    assert found == copy and load_bundle(found).version in told[0] and "local copy answers" in told[0]


def test_another_registrys_copy_is_not_taken(tmp_path: Path) -> None:
    one, other = (copy_of(URI, tracking_uri=uri, cache=tmp_path) for uri in ("http://a", "http://b"))
    assert one != other and one.name == other.name


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    copy = copy_of("models:/../../etc/1", tracking_uri="http://a", cache=tmp_path)
    assert copy.parent.parent == tmp_path


@pytest.mark.lab
def test_the_copy_follows_the_registry_and_outlives_it(tmp_path: Path) -> None:
    from experiments.tracking import log_training

    uri, cache, told = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "c", list[str]()
    log_training(worlds.simple("recency"), shop="garden", tracking_uri=uri, extra={})
    first = local_model(FIRST, tracking_uri=uri, cache=cache, warn=pytest.fail)
    assert load_bundle(first).version == load_bundle(worlds.simple("recency").folder).version
    assert local_model(FIRST, tracking_uri=uri, cache=cache, warn=pytest.fail) == first
    shutil.copytree(first, copy_of(SECOND, tracking_uri=uri, cache=cache))
    with pytest.raises(ArtifactError, match="has no such model"):
        local_model(SECOND, tracking_uri=uri, cache=cache, warn=pytest.fail)
    (tmp_path / "mlflow.db").write_text("this is no database any more, and it is long enough to be none")
    assert local_model(FIRST, tracking_uri=uri, cache=cache, warn=told.append) == first and told


def down(tmp_path: Path) -> str:
    """Return the address of a registry whose file is no database."""
    (tmp_path / "broken.db").write_text("this is no database at all, and never was one")
    return f"sqlite:///{tmp_path / 'broken.db'}"


def test_only_a_registered_model_is_pulled(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="no registered model"):
        pull("model", tmp_path / "model", tracking_uri="sqlite:///nowhere.db")


def test_a_folder_that_holds_something_else_is_not_pulled_into(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="no model bundle"):
        pull(URI, tmp_path, tracking_uri=down(tmp_path.parent))


def test_without_the_registry_a_pulled_model_stays(tmp_path: Path) -> None:
    shutil.copytree(worlds.trained().folder, tmp_path / "model")
    with pytest.raises(ArtifactError, match="failed"):
        pull(URI, tmp_path / "model", tracking_uri=down(tmp_path))
    assert version_of(tmp_path / "model") == version_of(worlds.trained().folder)


@pytest.mark.lab
def test_a_watched_folder_follows_the_registry(tmp_path: Path) -> None:
    from experiments.tracking import log_training

    uri, out = f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "model"
    versions: list[str | None] = []
    for name in ("recency", "bgnbd"):
        log_training(worlds.simple(name), shop="garden", tracking_uri=uri, extra={})
        model = (FIRST, SECOND)[len(versions)]
        versions.append(pull(model, out, tracking_uri=uri))
        assert versions[-1] == version_of(out) and pull(model, out, tracking_uri=uri) is None
    assert versions[0] != versions[1]
