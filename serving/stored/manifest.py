"""The manifest of a published store: what is in it, from which data and model, and the checksum of every file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from contracts.errors import ArtifactError, ContractError
from contracts.tables import CURVE_KNOTS

Manifest = dict[str, Any]
FORMAT = 3
_WITH_HORIZON = re.compile(r".*_(\d+)d")


@dataclass(frozen=True)
class Contents:
    """What a store's scores say of themselves. horizons in days; day and times of all its customers."""

    rows: int
    as_of: date
    horizons: tuple[int, ...]
    currency: str
    model_version: str
    scored_at: datetime
    valid_until: date


def facts(contents: Contents, told: Mapping[str, Any]) -> Manifest:
    """Return the store's own entries; `told` is what the run tells (ranked_by, model_as_of)."""
    ages = {
        "data_age_days": (contents.scored_at.date() - contents.as_of).days,
        "model_age_days": _model_age(contents.as_of, told.get("model_as_of")),
    }
    return {
        "format": FORMAT,
        "rows": contents.rows,
        "as_of": contents.as_of.isoformat(),
        "data_cutoff": contents.as_of.isoformat(),
        "horizons": list(contents.horizons),
        "horizon": main_horizon(contents.horizons, told),
        "curve_knots": list(CURVE_KNOTS),
        "currency": contents.currency,
        "model_version": contents.model_version,
        "model_age_days": ages["model_age_days"],
        "scored_at": contents.scored_at.isoformat(),
        "valid_until": contents.valid_until.isoformat(),
        "freshness": {**ages, "valid_until": contents.valid_until.isoformat()},
    }


def main_horizon(horizons: tuple[int, ...], told: Mapping[str, Any]) -> int:
    """Return the horizon that the ranking is by (days): told, or that of `ranked_by`, or the first one."""
    match = _WITH_HORIZON.fullmatch(str(told.get("ranked_by", "")))
    found = told.get("horizon", int(match[1]) if match else horizons[0])
    if found not in horizons:
        raise ContractError(f"the ranking is by {found} days, the scores are of {list(horizons)}")
    return int(found)


def _model_age(as_of: date, model_as_of: Any) -> int | None:
    """Return the days from the model's last day of data to the ranking's; None where that is not told."""
    if model_as_of is None:
        return None
    try:
        return (as_of - date.fromisoformat(str(model_as_of))).days
    except ValueError as error:
        raise ContractError(f"model_as_of is not a date: {error}") from error


def plain(told: Mapping[str, Any]) -> Manifest:
    """Return entries as JSON would read them back; ContractError for what it cannot hold."""
    try:
        kept: Manifest = json.loads(json.dumps(dict(told), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ContractError(f"the manifest is not plain JSON: {error}") from error
    return kept


def seal(manifest: Manifest) -> str:
    """Return the checksum of a manifest, without the checksum itself."""
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def version_of(manifest: Manifest) -> str:
    """Return a store's version: the first twelve digits of its seal."""
    return str(manifest["sha256"])[:12]


def read_manifest(home: Path) -> Manifest:
    """Read the manifest of one store's folder; ArtifactError if missing, damaged or of another format."""
    path = home / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version, sealed, intact = manifest["format"], manifest["sha256"], seal(manifest)
    except FileNotFoundError:
        raise ArtifactError(f"{home}: there is no published ranking. Run `repurchase rank` first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged. Publish the ranking again.") from error
    if version != FORMAT:
        raise ArtifactError(
            f"{path} has store format {version}; this version reads {FORMAT}. Run `repurchase rank` again."
        )
    if sealed != intact:
        raise ArtifactError(f"{path} is damaged (checksum). Publish the ranking again.")
    return dict(manifest)
