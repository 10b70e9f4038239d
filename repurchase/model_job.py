"""The model that a command works with, and whether it fits the orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import ArtifactError, DataError

if TYPE_CHECKING:
    from features.reading.mapping import Mapping
    from models.bundle import Bundle

MODELS_SCHEME = "models:/"


def open_bundle(model: str, *, tracking_uri: str) -> Bundle:
    """Load a bundle folder or a registered model (`models:/…`); ArtifactError if it is not there or damaged."""
    from models.bundle import load_bundle

    return load_bundle(folder_of(model, tracking_uri=tracking_uri))


def folder_of(model: str, *, tracking_uri: str) -> Path:
    """Return the bundle folder of a model, that of a registered one brought here; ArtifactError if there is none."""
    if not model.startswith(MODELS_SCHEME):
        return Path(model)
    try:
        from experiments import tracking
    except ImportError:
        raise ArtifactError(
            f"{model}: MLflow is not installed here (the serving group has none). Give a bundle folder instead."
        ) from None
    return tracking.bundle_folder(model, tracking_uri=tracking_uri)


def require_same_currency(bundle: Bundle, mapping: Mapping) -> None:
    """Raise DataError if the orders are not in the model's currency."""
    if bundle.manifest["currency"] != mapping.currency:
        raise DataError(
            f"the orders are in {mapping.currency}, the model was trained in {bundle.manifest['currency']}. "
            "Set `currency` in the mapping, or train a model on these orders."
        )


def horizons_with(bundle: Bundle, asked: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the horizon that ranks, and all that are answered: the bundle's and the asked ones."""
    main = asked[0] if asked else int(bundle.manifest["horizon"])
    return main, tuple(sorted({*bundle.manifest["horizons"], *asked}))
