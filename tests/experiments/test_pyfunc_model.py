"""The model that MLflow serves answers as ours does, wherever it is loaded."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from contracts.days import to_date
from contracts.training import Columns, Floats
from experiments.champion import Decision
from experiments.tracking import bundle_folder, log_training
from experiments.train import Trained
from models.base import Base
from models.bgnbd import BgNbd
from models.boosters import Design
from models.btyd_erlang import Erlang
from models.btyd_fit import Certificate
from models.btyd_pareto import Pareto
from models.bundle import load_bundle, write_bundle
from models.closed_form import Btyd, GammaGamma
from models.contract import logit
from models.ensemble import Ensemble
from models.gamma_gamma import Spend
from models.level import Level
from models.lightgbm import FROM_BASE, LightGbm
from models.mbgcnbdk import MbgCnbdK
from models.mbgnbd import MbgNbd
from models.paretonbd import ParetoNbd
from models.recency import EDGES, Recency
from models.shares import ShareTable
from tests import worlds
from tests.experiments.conftest import Tracking

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
AS_OF = worlds.AS_OF
CUSTOMERS = 300
FEATURES = ("frequency", "tenure", "orders_90d", "gap_mean")  # no second order, no gap: NaN
HORIZONS = (1.0, 7.0, 10.0, 45.0, 90.0, 200.0, 365.0)
# Long before the level's grid, inside a week of it, the training's day, later, and beyond its end.
DAYS = (AS_OF - 1_500, AS_OF - 100, AS_OF, AS_OF + 171, AS_OF + 900)

SPEND = Spend(GammaGamma(1.0, 2.0, 20.0))
CERTIFICATE = Certificate(-1_000.0, CUSTOMERS, CUSTOMERS, 2, 0.0, False)
FALLING = tuple(0.9 / (1 + k) for k in range(len(EDGES) + 1))
BASES: dict[str, Base] = {
    "bgnbd": BgNbd(Btyd(0.6, 45.0, 0.8, 2.5, False), CERTIFICATE, SPEND),
    "mbgnbd": MbgNbd(Btyd(0.6, 45.0, 0.8, 2.5, True), CERTIFICATE, SPEND),
    "paretonbd": ParetoNbd(Pareto(0.6, 45.0, 0.4, 80.0), CERTIFICATE, SPEND),
    "mbgcnbdk": MbgCnbdK(Erlang(3, 0.9, 20.0, 0.7, 2.5), CERTIFICATE, SPEND),
    "recency": Recency(ShareTable((30, 90), (tuple(p / 2 for p in FALLING), FALLING), (FALLING, FALLING))),
}
LEVEL = Level(
    AS_OF - 500,
    tuple(float(0.4 * np.sin(week / 8) + week / 400) for week in range(180)),
    {30: 0.03, 90: -0.05, 180: 0.01},
    {30: 0.1, 90: 0.1, 180: 0.1},
)
MODELS = (*BASES, "alone", "trained")  # `alone`: no LightGBM and no level; `trained`: by experiments/train.py
every_model = pytest.mark.parametrize("name", MODELS)


@cache
def columns() -> Columns:
    """Return the features of some of the shop's customers."""
    return {name: values[:CUSTOMERS] for name, values in worlds.columns().items()}


def bent(base: Base) -> LightGbm:
    """Return two small boosters on a base model."""
    start, alive = logit(base.p_order(columns(), 90)), base.p_alive(columns())
    rows = np.column_stack((*(columns()[name] for name in FEATURES), np.full(CUSTOMERS, 90.0), alive, start))
    design = Design(rows, [*FEATURES, "horizon_days", *FROM_BASE])
    bought = np.random.default_rng(5).binomial(1, 0.2 + 0.6 * (columns()["orders_90d"] > 1)).astype(float)
    settings = {"objective": "binary", "rounds": 8, "num_leaves": 7, "learning_rate": 0.3}
    order = design.train(bought, start=start, parameters=settings, threads=1)
    free = design.train(bought, start=np.zeros(CUSTOMERS), parameters=settings, unseen=FROM_BASE, threads=1)
    horizons = (90,) if base.name == "recency" else (30, 90, 180)
    return LightGbm(base, SPEND, FEATURES, horizons, (0.1, -0.2, 0.3)[: len(horizons)], order, free, None)


def ensemble(name: str) -> Ensemble:
    """Return a bent base model by its name, or BG/NBD alone."""
    if name == "alone":
        return Ensemble(BASES["bgnbd"], SPEND, None, 0.0, Level.none())
    anchors = (0.3, 0.2, 0.1, 0.0, -0.1, -0.1, 0.0, 0.1, 0.2)
    return Ensemble(BASES[name], SPEND, bent(BASES[name]), 0.75, LEVEL, 1.2, anchors)


def written(name: str, folder: Path) -> Trained:
    """Write the model's bundle."""
    model = ensemble(name)
    manifest = {
        "features": dict.fromkeys(model.needs, "0" * 64),
        "recipe": {"horizons": [90]},
        "horizon": 90,
        "horizons": [30, 90],
        "as_of": to_date(AS_OF).isoformat(),
        "cutoffs": [],
        **dict.fromkeys(("data_fingerprint", "customers", "currency", "timezone", "parts"), "of the test"),
        "learnt_until_days": 180,
    }
    version = write_bundle(folder, model, manifest=manifest, sample=columns())
    return Trained(folder, version, model, manifest, None, Decision(True, "of the test"), {})


@dataclass(frozen=True)
class Served:
    """A registered model beside the bundle it came from."""

    folder: Path
    trained: Trained

    def frame(self) -> pd.DataFrame:
        """Return the features of the shop's customers, as the signature wants them."""
        return pd.DataFrame({name: columns()[name] for name in self.trained.manifest["features"]})

    def ours(self, horizon: float, day: int) -> Floats:
        """Return what models/ensemble.py answers."""
        return self.trained.model.predict(columns(), horizon, day=day).p


@pytest.fixture(scope="module")
def served(tracking: Tracking, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Served]:
    home = tmp_path_factory.mktemp("bundles")
    models = {name: written(name, home / name) for name in MODELS if name != "trained"}
    found = {}
    for name, trained in {**models, "trained": worlds.simple("bgnbd")}.items():
        uri = log_training(trained, shop=f"pyfunc-{name}", tracking_uri=tracking.uri, extra={}).uri
        found[name] = Served(bundle_folder(uri, tracking_uri=tracking.uri).parents[1], trained)
    return found


@pytest.fixture(scope="module")
def load(served: dict[str, Served]) -> Callable[[str], Any]:
    loaded = {name: mlflow.pyfunc.load_model(str(one.folder)) for name, one in served.items()}
    return loaded.__getitem__


def asked(horizon: float, day: int) -> dict[str, Any]:
    return {"horizon_days": horizon, "as_of": to_date(day).isoformat()}


@every_model
@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("day", DAYS)
def test_the_chances_are_those_of_the_ensemble(
    served: dict[str, Served], load: Callable[[str], Any], name: str, horizon: float, day: int
) -> None:
    theirs = load(name).predict(served[name].frame(), params=asked(horizon, day))
    np.testing.assert_allclose(theirs, served[name].ours(horizon, day), rtol=0, atol=1e-12)


@every_model
def test_without_parameters_the_main_horizon_is_answered_as_of_the_training(
    served: dict[str, Served], load: Callable[[str], Any], name: str
) -> None:
    day = {"trained": AS_OF - 140}.get(name, AS_OF)
    assert served[name].trained.manifest["as_of"] == to_date(day).isoformat()
    ours = served[name].ours(served[name].trained.manifest["horizon"], day)
    np.testing.assert_allclose(load(name).predict(served[name].frame()), ours, rtol=0, atol=1e-12)


def test_the_chances_depend_on_the_day(served: dict[str, Served], load: Callable[[str], Any]) -> None:
    early, late = (
        load("bgnbd").predict(served["bgnbd"].frame(), params=asked(90.0, day))
        for day in (AS_OF, AS_OF + 171)
    )
    assert np.abs(early - late).max() > 0.01


def test_every_part_of_the_model_bends_its_answer(served: dict[str, Served]) -> None:
    model = served["mbgcnbdk"].trained.model
    plain = [
        replace(model, weight=0.0),
        replace(model, slope=1.0),
        replace(model, anchors=(0.0,) * 9),
        replace(model, level=Level.none()),
    ]
    ours = served["mbgcnbdk"].ours(45.0, AS_OF)
    for one in plain:
        assert np.abs(one.predict(columns(), 45.0, day=AS_OF).p - ours).max() > 0.01


@pytest.mark.parametrize("horizon", [-1.0, 0.0, 366.0, float("nan")])
def test_a_horizon_out_of_reach_is_refused(
    served: dict[str, Served], load: Callable[[str], Any], horizon: float
) -> None:
    with pytest.raises(ValueError, match="horizon_days"):
        load("bgnbd").predict(served["bgnbd"].frame(), params={"horizon_days": horizon})


@pytest.mark.parametrize("as_of", ["yesterday", "2022-02-30", "05.02.2022"])
def test_a_day_that_is_no_date_is_refused(
    served: dict[str, Served], load: Callable[[str], Any], as_of: str
) -> None:
    with pytest.raises(ValueError, match=f"as_of must be a date such as 1998-04-01.*{as_of}"):
        load("bgnbd").predict(served["bgnbd"].frame(), params={"as_of": as_of})


def test_a_missing_column_is_refused_by_its_name(
    served: dict[str, Served], load: Callable[[str], Any]
) -> None:
    with pytest.raises(mlflow.exceptions.MlflowException, match="tenure"):
        load("bgnbd").predict(served["bgnbd"].frame().drop(columns="tenure"))


@pytest.mark.parametrize("file", ["orders.txt", "free.txt", "level.json"])
def test_a_damaged_bundle_is_not_parsed(served: dict[str, Served], tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(served["bgnbd"].folder, tmp_path / "model")
    damaged = next(folder.glob(f"artifacts/*/{file}"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"damaged: {file}"):
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
root, folders, asked = Path(sys.argv[1]).resolve(), json.loads(sys.argv[2]), json.loads(sys.argv[3])
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != root]
import models, contracts
assert models.FOREIGN and contracts.FOREIGN, models.__file__
import mlflow, pandas
frames = {name: pandas.read_parquet(f"{name}.parquet") for name in folders}
loaded = {name: mlflow.pyfunc.load_model(folder) for name, folder in folders.items()}
answers = {name: list(map(float, model.predict(frames[name], params=asked))) for name, model in loaded.items()}
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
    for name, one in served.items():
        one.frame().to_parquet(folder / f"{name}.parquet")
    (folder / "ask.py").write_text(ELSEWHERE)
    folders = json.dumps({name: str(one.folder) for name, one in served.items()})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "ask.py", str(ROOT), folders, json.dumps(asked(45.0, AS_OF + 171))],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@every_model
def test_beside_another_models_package_the_answers_are_the_same(
    served: dict[str, Served], elsewhere: dict[str, Any], name: str
) -> None:
    ours = served[name].ours(45.0, AS_OF + 171)
    np.testing.assert_allclose(elsewhere["answers"][name], ours, rtol=0, atol=1e-12)


def test_elsewhere_nothing_of_ours_is_imported(elsewhere: dict[str, Any]) -> None:
    assert elsewhere["from_us"] == []


def test_the_bundle_inside_the_registered_model_is_the_trained_one(served: dict[str, Served]) -> None:
    for one in served.values():
        folder = next(one.folder.glob("artifacts/*/manifest.json")).parent
        assert load_bundle(folder, in_child_first=False).version == one.trained.version
