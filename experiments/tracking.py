"""MLflow: one run per training with the bundle as artifact, the registered model and its champion; backtests.

The only module that knows MLflow (beside the file that MLflow itself runs, pyfunc_model). Aliases of the
registered model `repurchase-<shop>`: @champion answers; @challenger is the newest that did not become it.
A backtest is a parent run with a nested run for each origin and model; it registers nothing.
"""

from __future__ import annotations

import io
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# MLflow must not phone home either; it reads this at import.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from sqlalchemy.exc import SQLAlchemyError

from contracts.days import parse_day
from contracts.errors import ArtifactError
from experiments import backtest_runs
from experiments.backtest_result import Backtest
from experiments.champion import Champion
from experiments.plots import calibration_plot, lift_plot, pictures
from experiments.recipe import Recipe
from experiments.train import Trained
from experiments.tuning import Tuned
from models.bundle import verify

_MODEL_FOLDER = "bundle"
# Tag of the experiment: the dates on which the sealed window of the orders with this fingerprint was run.
_SEAL = "sealed_window_used."
_REQUIRED = ("numpy", "lightgbm", "mlflow")


@dataclass(frozen=True)
class Registered:
    """Where a training stands in MLflow."""

    run_id: str
    name: str
    version: str
    alias: str

    @property
    def uri(self) -> str:
        """The model's URI by its alias."""
        return f"models:/{self.name}@{self.alias}"


def model_name(shop: str) -> str:
    """Return the registered model's name of a shop."""
    return f"repurchase-{shop}"


def log_training(
    trained: Trained,
    *,
    shop: str,
    tracking_uri: str,
    extra: Mapping[str, Any],
    tuned: Tuned | None = None,
) -> Registered:
    """Write one run with parameters, metrics, plots and the bundle; register it; move the alias it earned.

    extra: more parameters to log (plain values). tuned: its trials become nested runs. Raises ArtifactError if MLflow
    cannot be reached.
    """
    with _mlflow(tracking_uri) as client:
        _open_experiment(client, model_name(shop), tracking_uri)
        with mlflow.start_run() as run:
            mlflow.log_params({**_parameters(trained), **extra})
            _log_evaluation(trained)
            mlflow.log_dict(trained.decision.to_dict(), "decision.json")
            mlflow.log_artifacts(str(trained.folder), _MODEL_FOLDER)
            info = _log_model(trained, model_name(shop))
            if tuned is not None:
                _log_trials(tuned)
        alias = "champion" if trained.decision.promoted else "challenger"
        version = str(info.registered_model_version)
        client.set_model_version_tag(model_name(shop), version, "bundle_version", trained.version)
        client.set_registered_model_alias(model_name(shop), alias, version)
        return Registered(run.info.run_id, model_name(shop), version, alias)


def champion_of(*, shop: str, tracking_uri: str) -> Champion | None:
    """Return the recipe and the as-of day of the shop's champion, or None if it has none yet."""
    with _mlflow(tracking_uri) as client:
        try:
            client.get_model_version_by_alias(model_name(shop), "champion")
        except MlflowException as error:
            if _is_unknown(error):
                return None
            raise
        folder = _download(f"models:/{model_name(shop)}@champion")
    manifest = verify(folder)
    recipe = Recipe.of_dict(dict(manifest["recipe"]), where=f"the recipe of {model_name(shop)}@champion")
    return Champion(recipe, parse_day(manifest["as_of"]))


def log_backtest(backtest: Backtest, folder: Path, *, tracking_uri: str, today: str) -> str:
    """Write a parent run with the files and pictures, and a nested run per origin and model; return the parent's id.

    folder: the backtest's files. today: the date that is kept where the sealed window was used. Raises
    ArtifactError if MLflow cannot be reached.
    """
    name, settings = model_name(backtest.settings.shop), backtest.settings
    with _mlflow(tracking_uri) as client:
        _open_experiment(client, name, tracking_uri)
        if settings.final:
            _note_the_seal(client, name, settings.fingerprint, today)
        with mlflow.start_run(run_name=backtest_runs.parent_name(settings)) as run:
            mlflow.log_params(backtest_runs.parameters(settings))
            mlflow.log_metrics(backtest_runs.means(backtest))
            mlflow.set_tags(backtest_runs.tags(backtest))
            mlflow.log_artifacts(str(folder))
            for picture, figure in pictures(backtest).items():
                mlflow.log_figure(figure, f"pictures/{picture}.png")
            for one in backtest_runs.nested(backtest):
                with mlflow.start_run(run_name=one.name, nested=True):
                    mlflow.log_params(one.parameters)
                    mlflow.log_metrics(one.metrics)
        return str(run.info.run_id)


def uses_of_the_seal(fingerprint: str, *, shop: str, tracking_uri: str) -> tuple[str, ...]:
    """Return the dates on which the sealed window of these orders was run, oldest first."""
    with _mlflow(tracking_uri) as client:
        found = client.get_experiment_by_name(model_name(shop))
        return _uses(found.tags, fingerprint) if found else ()


def figures_of(run_id: str, *, tracking_uri: str) -> dict[backtest_runs.Figure, float]:
    """Return a training's or backtest's metrics by (model, horizon, metric); ArtifactError if there is no such run."""
    with _mlflow(tracking_uri) as client:
        try:
            found = client.get_run(run_id).data
        except MlflowException as error:
            if _is_unknown(error) or error.error_code == "INVALID_PARAMETER_VALUE":
                raise ArtifactError(
                    f"{run_id}: neither a backtest's folder nor a run in MLflow at {_without_password(tracking_uri)}."
                ) from None
            raise
    return backtest_runs.figures(found.metrics, found.params)


def _uses(tags: Mapping[str, str], fingerprint: str) -> tuple[str, ...]:
    dates = tags.get(_SEAL + fingerprint[:16], "")
    return tuple(dates.split()) if dates else ()


def _note_the_seal(client: mlflow.MlflowClient, experiment: str, fingerprint: str, today: str) -> None:
    """Keep on the experiment that the sealed window of these orders was used on this date."""
    found = client.get_experiment_by_name(experiment)
    if found is not None:
        dates = (*_uses(found.tags, fingerprint), today)
        client.set_experiment_tag(found.experiment_id, _SEAL + fingerprint[:16], " ".join(dates))


def bundle_folder(uri: str, *, tracking_uri: str) -> Path:
    """Return the folder of a registered model's bundle (`models:/name@alias` or `models:/name/version`)."""
    with _mlflow(tracking_uri):
        return _download(uri)


def _download(uri: str) -> Path:
    unknown = ArtifactError(
        f"{uri}: MLflow has no such model. Train one, or give --model a bundle folder or models:/…@challenger."
    )
    if not re.fullmatch(r"models:/[^/@]+(/[^/@]+|@[^/@]+)", uri):
        raise unknown
    try:
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except MlflowException as error:
        if _is_unknown(error) or error.error_code == "INVALID_PARAMETER_VALUE":
            raise unknown from None
        raise
    found = sorted(folder.glob("artifacts/*/manifest.json"))
    if not found:
        raise ArtifactError(f"{uri} holds no bundle of Repurchase. Register one with `repurchase train`.")
    return found[0].parent


def _is_unknown(error: MlflowException) -> bool:
    """Tell "there is no such model or alias" from everything that may pass, such as a silent server."""
    return error.error_code == "RESOURCE_DOES_NOT_EXIST" or "not found" in str(error)


@contextmanager
def _mlflow(tracking_uri: str) -> Iterator[mlflow.MlflowClient]:
    """Point MLflow at the tracking store, quietly; ArtifactError if it cannot be used."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            mlflow.set_tracking_uri(tracking_uri)
            mlflow.set_registry_uri(tracking_uri)
            yield mlflow.MlflowClient()
        except (MlflowException, SQLAlchemyError, ImportError) as error:
            reason = _without_password((str(error).strip().splitlines() or [type(error).__name__])[0]).rstrip(
                "."
            )
            raise ArtifactError(
                f"MLflow at {_without_password(tracking_uri)} failed: {reason}. Check REPURCHASE_TRACKING_URI."
            ) from None


def _open_experiment(client: mlflow.MlflowClient, name: str, tracking_uri: str) -> None:
    """Choose the shop's experiment; a new one beside an SQLite file keeps its artifacts beside that file.

    MLflow would put them into the folder that the command happens to run in.
    """
    if client.get_experiment_by_name(name) is None:
        file = tracking_uri.removeprefix("sqlite:///")
        beside = Path(file).resolve().parent / "mlartifacts"
        client.create_experiment(name, beside.as_uri() if file != tracking_uri else None)
    mlflow.set_experiment(name)


def _parameters(trained: Trained) -> dict[str, Any]:
    manifest = trained.manifest
    recipe = {f"recipe.{key}": value for key, value in manifest["recipe"].items()}
    kept = ("as_of", "data_fingerprint", "customers", "currency", "timezone", "parts", "learnt_until_days")
    cutoffs = {"cutoffs": ",".join(manifest["cutoffs"]) or "none", "features": len(manifest["features"])}
    return {**recipe, **{key: manifest[key] for key in kept}, **cutoffs, "bundle_version": trained.version}


def _log_evaluation(trained: Trained) -> None:
    if trained.evaluation is None:
        return
    found = trained.evaluation.metrics
    mlflow.log_metrics(
        {f"{model}.{name}": value for model, by in found.items() for name, value in by.items()}
    )
    mlflow.log_figure(calibration_plot(trained.evaluation), "calibration.png")
    mlflow.log_figure(lift_plot(trained.evaluation), "lift.png")


def _log_trials(tuned: Tuned) -> None:
    """Write a nested run per trial; those given up have no loss."""
    mlflow.log_metrics({"tuning.log_loss": tuned.loss, "tuning.defaults.log_loss": tuned.default_loss})
    mlflow.set_tag("tuning", tuned.reason)
    for one in tuned.trials:
        with mlflow.start_run(run_name=f"trial {one.number}", nested=True):
            mlflow.log_params({f"lightgbm.{name}": value for name, value in one.parameters.items()})
            mlflow.set_tag("trial", "given up" if one.loss is None else "finished")
            if one.loss is not None:
                mlflow.log_metric("tuning.log_loss", one.loss)


def _log_model(trained: Trained, name: str) -> Any:
    features = list(trained.manifest["features"])
    signature = ModelSignature(
        inputs=Schema([ColSpec("double", feature, required=True) for feature in features]),
        outputs=Schema([ColSpec("double")]),
        params=ParamSchema(
            [
                ParamSpec("horizon_days", "double", float(trained.manifest["horizon"])),
                ParamSpec("as_of", "string", ""),  # ISO date; empty: the day of the training
            ]
        ),
    )
    return mlflow.pyfunc.log_model(
        name="model",
        python_model=str(Path(__file__).with_name("pyfunc_model.py")),
        artifacts={_MODEL_FOLDER: str(trained.folder)},
        pip_requirements=[f"{package}=={_version(package)}" for package in _REQUIRED],
        signature=signature,
        registered_model_name=name,
    )


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)
