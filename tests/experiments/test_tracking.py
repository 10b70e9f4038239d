from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest

from contracts.errors import ArtifactError
from experiments.champion import Decision
from experiments.recipe import Recipe
from experiments.tracking import Registered, bundle_folder, champion_of, log_training, model_name
from experiments.train import Trained
from models.bundle import load_bundle
from tests import worlds
from tests.experiments.conftest import Tracking

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab


@pytest.fixture(scope="module")
def trained() -> Trained:
    return worlds.trained()


@pytest.fixture(scope="module")
def registered(tracking: Tracking, trained: Trained) -> Registered:
    return log_training(trained, shop="first", tracking_uri=tracking.uri, extra={"orders.rows_read": 12})


@pytest.fixture(scope="module")
def run(tracking: Tracking, registered: Registered) -> Any:
    return mlflow.MlflowClient(tracking.uri, tracking.uri).get_run(registered.run_id)


def artifact(tracking: Tracking, registered: Registered, name: str) -> Path:
    found: str = mlflow.artifacts.download_artifacts(
        run_id=registered.run_id, artifact_path=name, tracking_uri=tracking.uri
    )
    return Path(found)


def alias(tracking: Tracking, shop: str, name: str) -> str:
    client = mlflow.MlflowClient(tracking.uri, tracking.uri)
    return str(client.get_model_version_by_alias(model_name(shop), name).version)


def told(trained: Trained, *, promoted: bool) -> Trained:
    return replace(trained, decision=Decision(promoted, "as the test says"))


# ---------------------------------------------------------------- the run
def test_the_run_has_the_recipe_the_data_and_the_cutoffs_as_parameters(run: Any, trained: Trained) -> None:
    params = run.data.params
    recipe = {name.removeprefix("recipe.") for name in params if name.startswith("recipe.")}
    assert recipe == set(Recipe().to_dict())
    assert params["data_fingerprint"] == worlds.orders().fingerprint
    assert params["cutoffs"].split(",") == list(trained.manifest["cutoffs"])
    assert (params["bundle_version"], params["orders.rows_read"]) == (trained.version, "12")


def test_the_run_has_every_models_metrics(run: Any, trained: Trained) -> None:
    assert trained.evaluation is not None
    for model, found in trained.evaluation.metrics.items():
        for name, value in found.items():
            assert run.data.metrics[f"{model}.{name}"] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ["calibration.png", "lift.png"])
def test_the_run_has_pictures(tracking: Tracking, registered: Registered, name: str) -> None:
    assert artifact(tracking, registered, name).read_bytes().startswith(b"\x89PNG")


def test_the_run_has_the_decision(tracking: Tracking, registered: Registered, trained: Trained) -> None:
    decision = json.loads(artifact(tracking, registered, "decision.json").read_text())
    assert decision == json.loads(json.dumps(trained.decision.to_dict()))
    assert decision["promoted"] is True


def test_the_run_has_the_bundle(tracking: Tracking, registered: Registered, trained: Trained) -> None:
    folder = artifact(tracking, registered, "bundle")
    assert load_bundle(folder, in_child_first=False).version == trained.version


def test_artifacts_stand_beside_the_database(tracking: Tracking, registered: Registered) -> None:
    assert {path.name for path in tracking.folder.iterdir()} == {"mlflow.db", "mlartifacts"}
    assert not Path("mlruns").exists()


# ---------------------------------------------------------------- the registered model
def test_the_first_model_of_a_shop_is_its_champion(tracking: Tracking, registered: Registered) -> None:
    assert (registered.name, registered.version, registered.alias) == ("repurchase-first", "1", "champion")
    assert alias(tracking, "first", "champion") == "1"
    assert registered.uri == "models:/repurchase-first@champion"


def test_a_training_that_is_refused_becomes_the_challenger_and_the_champion_stays(
    tracking: Tracking, small: dict[str, Trained]
) -> None:
    for promoted in (True, False):
        log_training(
            told(small["bgnbd"], promoted=promoted), shop="second", tracking_uri=tracking.uri, extra={}
        )
    assert alias(tracking, "second", "champion") == "1"
    assert alias(tracking, "second", "challenger") == "2"


def test_a_training_that_is_promoted_takes_the_champions_place(
    tracking: Tracking, small: dict[str, Trained]
) -> None:
    for _ in range(2):
        log_training(told(small["bgnbd"], promoted=True), shop="third", tracking_uri=tracking.uri, extra={})
    assert alias(tracking, "third", "champion") == "2"


def test_shops_do_not_see_each_other(tracking: Tracking, registered: Registered) -> None:
    found = champion_of(shop="first", tracking_uri=tracking.uri)
    assert found is not None and found.recipe == Recipe()
    assert champion_of(shop="fir", tracking_uri=tracking.uri) is None


def test_a_shop_that_has_only_a_challenger_has_no_champions_recipe(
    tracking: Tracking, small: dict[str, Trained]
) -> None:
    log_training(told(small["recency"], promoted=False), shop="fourth", tracking_uri=tracking.uri, extra={})
    assert champion_of(shop="fourth", tracking_uri=tracking.uri) is None


@pytest.mark.parametrize("uri", ["models:/repurchase-first@champion", "models:/repurchase-first/1"])
def test_a_bundle_is_found_by_alias_and_by_version(
    tracking: Tracking, registered: Registered, trained: Trained, uri: str
) -> None:
    folder = bundle_folder(uri, tracking_uri=tracking.uri)
    assert load_bundle(folder, in_child_first=False).version == trained.version


@pytest.mark.parametrize(
    "uri",
    [
        "models:/nobody@champion",
        "models:/repurchase-first@nobody",
        "models:/repurchase-first/99",
        "models:/",
        "models:/repurchase-first",
        "models:/repurchase-first@champion@champion",
    ],
)
def test_an_unknown_model_is_refused(tracking: Tracking, registered: Registered, uri: str) -> None:
    with pytest.raises(ArtifactError, match=r"models:/.*MLflow has no such model"):
        bundle_folder(uri, tracking_uri=tracking.uri)


def test_a_model_of_somebody_else_is_refused(
    tracking: Tracking, registered: Registered, tmp_path: Path
) -> None:
    client = mlflow.MlflowClient(tracking.uri, tracking.uri)
    client.create_registered_model("theirs")
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    client.create_model_version("theirs", str(tmp_path))
    with pytest.raises(ArtifactError, match="holds no bundle of Repurchase"):
        bundle_folder("models:/theirs/1", tracking_uri=tracking.uri)


# ---------------------------------------------------------------- a tracking server that is not there
UNREACHABLE = "http://user:secret@127.0.0.1:9"


@pytest.fixture
def _no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.usefixtures("_no_retries")
def test_a_server_that_does_not_answer_is_not_taken_for_a_shop_without_champion() -> None:
    with pytest.raises(ArtifactError):
        champion_of(shop="first", tracking_uri=UNREACHABLE)


@pytest.mark.usefixtures("_no_retries")
def test_no_error_shows_the_password_of_the_tracking_server(trained: Trained) -> None:
    with pytest.raises(ArtifactError) as found:
        bundle_folder("models:/repurchase-first@champion", tracking_uri=UNREACHABLE)
    assert "secret" not in str(found.value)
    with pytest.raises(ArtifactError) as found:
        log_training(trained, shop="first", tracking_uri=UNREACHABLE, extra={})
    assert "secret" not in str(found.value)


@pytest.mark.parametrize("uri", ["nowhere://user:secret@host/x", "postgresql://user:secret@127.0.0.1:9/x"])
def test_a_store_that_cannot_be_used_is_refused_without_its_password(uri: str) -> None:
    with pytest.raises(ArtifactError) as found:
        bundle_folder("models:/repurchase-first@champion", tracking_uri=uri)
    assert "secret" not in str(found.value)


# ---------------------------------------------------------------- what is written about the model
def test_the_models_requirements_are_written_out(tracking: Tracking, registered: Registered) -> None:
    folder = bundle_folder(registered.uri, tracking_uri=tracking.uri).parents[1]
    required = (folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in required] == ["numpy", "lightgbm", "mlflow"]
    assert all("==" in line for line in required)


def test_the_signature_names_the_features_and_the_horizon(
    tracking: Tracking, registered: Registered, trained: Trained
) -> None:
    folder = bundle_folder(registered.uri, tracking_uri=tracking.uri).parents[1]
    signature = mlflow.models.get_model_info(str(folder)).signature
    assert signature.inputs.input_names() == list(trained.manifest["features"])
    assert [param.name for param in signature.params] == ["horizon_days", "as_of"]


def test_nothing_in_the_registered_model_is_pickled(tracking: Tracking, registered: Registered) -> None:
    folder = bundle_folder(registered.uri, tracking_uri=tracking.uri).parents[1]
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert "pyfunc_model.py" in names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".dill"))]
