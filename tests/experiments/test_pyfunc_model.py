"""The model that MLflow serves answers as ours does, wherever it is loaded."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from contracts.training import Floats
from experiments.tracking import bundle_folder, log_training
from experiments.train import Trained
from models.bundle import load_bundle
from tests import worlds
from tests.experiments.conftest import Tracking

ROOT = Path(__file__).parents[2]
BASES = ("lightgbm", "bgnbd", "recency")
HORIZONS = (1.0, 7.0, 10.0, 30.0, 45.0, 90.0, 200.0, 365.0)
every_base = pytest.mark.parametrize("base", BASES)


@dataclass(frozen=True)
class Served:
    """A registered model beside the bundle it came from."""

    folder: Path
    trained: Trained

    def frame(self) -> pd.DataFrame:
        """Return the features of the shop's customers, as the signature wants them."""
        columns = worlds.columns()
        return pd.DataFrame({name: columns[name] for name in self.trained.manifest["features"]})

    def ours(self, horizon: float) -> Floats:
        """Return what models/ensemble.py answers."""
        return self.trained.model.predict(worlds.columns(), horizon).p


@pytest.fixture(scope="module")
def served(tracking: Tracking, small: dict[str, Trained]) -> dict[str, Served]:
    found = {}
    for base, trained in {"lightgbm": worlds.trained(), **small}.items():
        uri = log_training(trained, shop=f"pyfunc-{base}", tracking_uri=tracking.uri, extra={}).uri
        folder = bundle_folder(uri, tracking_uri=tracking.uri).parents[1]
        found[base] = Served(folder, trained)
    return found


@pytest.fixture(scope="module")
def load(served: dict[str, Served]) -> Callable[[str], Any]:
    loaded = {base: mlflow.pyfunc.load_model(str(served[base].folder)) for base in BASES}
    return loaded.__getitem__


def test_the_three_bases_are_what_they_say(served: dict[str, Served]) -> None:
    parts = {base: one.trained.manifest["parts"] for base, one in served.items()}
    assert parts == {"lightgbm": "bgnbd + lightgbm", "bgnbd": "bgnbd", "recency": "recency"}
    assert served["lightgbm"].trained.model.weight > 0


@every_base
@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_chances_are_those_of_the_ensemble(
    served: dict[str, Served], load: Callable[[str], Any], base: str, horizon: float
) -> None:
    theirs = load(base).predict(served[base].frame(), params={"horizon_days": horizon})
    np.testing.assert_allclose(theirs, served[base].ours(horizon), rtol=0, atol=1e-12)


@every_base
def test_without_a_horizon_the_main_one_is_answered(
    served: dict[str, Served], load: Callable[[str], Any], base: str
) -> None:
    one = served[base]
    theirs = load(base).predict(one.frame())
    np.testing.assert_allclose(theirs, one.ours(one.trained.manifest["horizon"]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("horizon", [-1.0, 0.0, 366.0, float("nan")])
def test_a_horizon_out_of_reach_is_refused(
    served: dict[str, Served], load: Callable[[str], Any], horizon: float
) -> None:
    with pytest.raises(ValueError, match="horizon_days"):
        load("bgnbd").predict(served["bgnbd"].frame(), params={"horizon_days": horizon})


def test_a_missing_column_is_refused_by_its_name(
    served: dict[str, Served], load: Callable[[str], Any]
) -> None:
    with pytest.raises(mlflow.exceptions.MlflowException, match="tenure"):
        load("bgnbd").predict(served["bgnbd"].frame().drop(columns="tenure"))


def test_a_damaged_bundle_is_not_parsed(served: dict[str, Served], tmp_path: Path) -> None:
    folder = shutil.copytree(served["lightgbm"].folder, tmp_path / "model")
    booster = next(folder.glob("artifacts/*/orders.txt"))
    booster.write_bytes(booster.read_bytes()[:-2_000])
    with pytest.raises(ValueError, match=r"damaged: orders\.txt"):
        mlflow.pyfunc.load_model(str(folder))


def test_the_file_imports_nothing_but_the_standard_library_numpy_lightgbm_and_mlflow() -> None:
    tree = ast.parse((ROOT / "experiments/pyfunc_model.py").read_text())
    plain = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    members = [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    roots = {name.split(".")[0] for name in (*plain, *members)}
    assert roots - set(sys.stdlib_module_names) == {"numpy", "lightgbm", "mlflow"}


ELSEWHERE = """
import json, sys
from pathlib import Path
root = Path(sys.argv[1]).resolve()
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != root]
import models, contracts
assert models.FOREIGN and contracts.FOREIGN, models.__file__
import mlflow, pandas
answers = {}
for base, folder in json.loads(sys.argv[2]).items():
    model = mlflow.pyfunc.load_model(folder)
    frame = pandas.read_parquet(f"{base}.parquet")
    answers[base] = {h: list(map(float, model.predict(frame, params={"horizon_days": h}))) for h in (10.0, 90.0)}
files = [Path(file) for module in sys.modules.values() if (file := getattr(module, "__file__", None))]
from_us = [str(file) for file in files if file.is_relative_to(root) and not file.is_relative_to(root / ".venv")]
print(json.dumps({"answers": answers, "from_us": from_us}))
"""


@pytest.fixture(scope="module")
def elsewhere(served: dict[str, Served], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the models answer in a process whose folder has its own `models` and `contracts`."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for package in ("models", "contracts"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text("FOREIGN = True\n")
    for base, one in served.items():
        one.frame().to_parquet(folder / f"{base}.parquet")
    (folder / "ask.py").write_text(ELSEWHERE)
    folders = json.dumps({base: str(one.folder) for base, one in served.items()})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "ask.py", str(ROOT), folders],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@every_base
@pytest.mark.parametrize("horizon", [10.0, 90.0])
def test_beside_another_models_package_the_answers_are_the_same(
    served: dict[str, Served], elsewhere: dict[str, Any], base: str, horizon: float
) -> None:
    theirs = elsewhere["answers"][base][str(horizon)]
    np.testing.assert_allclose(theirs, served[base].ours(horizon), rtol=0, atol=1e-12)


def test_elsewhere_nothing_of_ours_is_imported(elsewhere: dict[str, Any]) -> None:
    assert elsewhere["from_us"] == []


def test_the_bundle_inside_the_registered_model_is_the_trained_one(served: dict[str, Served]) -> None:
    for one in served.values():
        folder = next(one.folder.glob("artifacts/*/manifest.json")).parent
        assert load_bundle(folder, in_child_first=False).version == one.trained.version
