"""The local copy of a registered model: what a server starts from when the registry is down."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from contracts.errors import ArtifactError
from models.bundle import load_bundle, version_of
from repurchase.model_job import MODELS_SCHEME
from repurchase.replacing import written_whole

Warn = Callable[[str], None]
# Where there is a copy to start from, a silent registry is not asked for minutes (seven times, by default).
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def local_model(model: str, *, tracking_uri: str, cache: Path, warn: Warn) -> Path:
    """Return the folder of a model: its own, or for `models:/…` that of its copy in `cache`, renewed if possible.

    Without the registry the copy is used as it is, with a warning; ArtifactError if there is none, or if the registry
    answers that it has no such model.
    """
    if not model.startswith(MODELS_SCHEME):
        return Path(model)
    copy = copy_of(model, tracking_uri=tracking_uri, cache=cache)
    try:
        fetched = _fetched(model, tracking_uri=tracking_uri, has_copy=copy.is_dir())
    except ArtifactError as error:
        if not copy.is_dir() or "has no such model" in str(error):
            raise
        warn(f"{error} The local copy answers: {copy} (version {version_of(copy)}).")
        return copy
    if not copy.is_dir() or version_of(copy) != version_of(fetched):
        load_bundle(fetched)  # a damaged download must not take the place of a sound copy
        with written_whole(copy) as fresh:
            shutil.copytree(fetched, fresh, dirs_exist_ok=True)
    return copy


def copy_of(model: str, *, tracking_uri: str, cache: Path) -> Path:
    """Return where the copy of a registered model is kept; two registries do not share one."""
    registry = hashlib.sha256(tracking_uri.encode()).hexdigest()[:8]
    return cache / registry / quote(model.removeprefix(MODELS_SCHEME), safe="@")


def _fetched(model: str, *, tracking_uri: str, has_copy: bool) -> Path:
    try:
        from experiments import tracking
    except ImportError:
        raise ArtifactError(
            f"{model}: MLflow is not installed here (the serving group has none). Give a bundle folder instead."
        ) from None
    if has_copy:
        for name, value in _IMPATIENT.items():
            os.environ.setdefault(name, value)
    return tracking.bundle_folder(model, tracking_uri=tracking_uri)
