"""Folders of models: the copy of a registered one that a server starts from when the registry is down, and the one that
`repurchase pull` keeps up to date."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from contracts.errors import ArtifactError, DeclarationError
from models.bundle import load_bundle, version_of
from repurchase.model_job import MODELS_SCHEME, folder_of
from repurchase.replacing import require_replaceable, written_whole

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
    _renew(copy, fetched)
    return copy


def pull(model: str, out: Path, *, tracking_uri: str) -> str | None:
    """Bring the folder of a registered model (`models:/…`) up to date; return its version if that is another now.

    It is replaced as a whole, after checks. Raises ArtifactError if the registry is down or has no such model, if the
    model is damaged, or if `out` holds something else.
    """
    if not model.startswith(MODELS_SCHEME):
        raise DeclarationError(
            f"{model} is no registered model. Write models:/NAME@champion, or --shop NAME."
        )
    require_model_folder(out)
    return _renew(out, _fetched(model, tracking_uri=tracking_uri, has_copy=out.is_dir()))


def require_model_folder(out: Path) -> None:
    """Refuse, before any work, a target that holds anything but a bundle or cannot be written."""
    require_replaceable(out, what="model bundle", is_ours=_is_bundle)


def put_model(folder: Path, out: Path) -> None:
    """Put a finished bundle in its place; an older bundle there is replaced whole, or stays if that fails."""
    with written_whole(out) as fresh:
        shutil.copytree(folder, fresh, dirs_exist_ok=True)


def _is_bundle(folder: Path) -> bool:
    plain = all(item.is_file() and not item.is_symlink() for item in folder.iterdir())
    return plain and (folder / "manifest.json").is_file() and (folder / "ensemble.json").is_file()


def _renew(folder: Path, fetched: Path) -> str | None:
    """Put a fetched bundle into a folder that holds another; return its version, None if it is there already."""
    version = version_of(fetched)
    if folder.is_dir() and version_of(folder) == version:
        return None
    load_bundle(fetched)  # a damaged download must not take the place of a sound copy
    put_model(fetched, folder)
    return version


def copy_of(model: str, *, tracking_uri: str, cache: Path) -> Path:
    """Return where the copy of a registered model is kept; two registries do not share one."""
    registry = hashlib.sha256(tracking_uri.encode()).hexdigest()[:8]
    return cache / registry / quote(model.removeprefix(MODELS_SCHEME), safe="@")


def _fetched(model: str, *, tracking_uri: str, has_copy: bool) -> Path:
    if has_copy:
        for name, value in _IMPATIENT.items():
            os.environ.setdefault(name, value)
    return folder_of(model, tracking_uri=tracking_uri)
