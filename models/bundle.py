"""A trained model as a folder of plain numbers, with a manifest of checksums.

manifest.json      sha256 and size of every other file, versions, features with source hashes, horizons,
                   cutoffs, data fingerprint, currency, time zone, backtest figures; no time, path or run id
ensemble.json, …   the parts' numbers; LightGBM boosters as text
references.json    the reference tables that its features read: day, keys and values of each, by name
golden.json        a few rows with their answers: whoever loads the bundle must get them again

Nothing is parsed before its checksum is right, and the first load happens in a child process, since LightGBM
aborts the process on a damaged text. What is verified, tried and loaded is a private copy: whatever happens to the
folder meanwhile, the child's verdict is about the very bytes that are loaded.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from contracts.errors import ArtifactError, ContractError
from contracts.training import Columns, Floats
from models import boosters
from models.contract import read_numbers, write_numbers
from models.ensemble import Ensemble
from models.trial import why_it_fails

FORMAT = 2
MANIFEST = "manifest.json"
REFERENCES = "references.json"
GOLDEN_ROWS = 16
GOLDEN_DAY = 0
CHECK_SECONDS = 60
CHECK_BYTES = 2 * 2**30  # of address space; a bundle takes 0.6 GiB of it and 95 MB of memory
MOST_BYTES = 512 * 2**20  # of all files; ours have under one
# LightGBM imports pandas and scikit-learn where they are installed; the child needs neither and is quicker without.
_CHILD = """
import pathlib
sys.modules["pandas"] = sys.modules["sklearn"] = None
from models.bundle import rehearse
rehearse(pathlib.Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Bundle:
    """A loaded model with its manifest, and its reference tables as plain values by name."""

    model: Ensemble
    manifest: Mapping[str, Any]
    version: str
    references: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that the model reads, in the manifest's order."""
        return tuple(self.manifest["features"])


def write_bundle(
    folder: Path,
    model: Ensemble,
    *,
    manifest: Mapping[str, Any],
    sample: Columns,
    references: Mapping[str, Any] | None = None,
) -> str:
    """Write a bundle and return its version.

    manifest: plain values, with at least `features` (name -> source hash) and `horizons`. sample: feature
    columns of a few customers, for the golden rows. references: tables by name, each with day, keys (ascending) and
    values. The folder must be empty or absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ArtifactError(f"{folder} is not empty. Give a new folder for the bundle.")
    model.save(folder)
    rows = {name: sample[name][:GOLDEN_ROWS] for name in model.needs}
    write_numbers(folder / "golden.json", _golden(model, rows))
    if references:
        write_numbers(folder / REFERENCES, dict(references))
    files = {
        path.name: {"sha256": _sha256(path), "size": path.stat().st_size} for path in sorted(folder.iterdir())
    }
    write_numbers(folder / MANIFEST, sealed({**manifest, "format": FORMAT, "files": files}))
    return version_of(folder)


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest with the sha256 of everything else in it."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, allow_nan=False)
    return {**rest, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def load_bundle(folder: Path, *, in_child_first: bool = True) -> Bundle:
    """Verify the checksums, try the bundle in a child process, then load it; ArtifactError if damaged."""
    if not in_child_first:
        return _load(folder, folder)
    _read_manifest(folder)
    with tempfile.TemporaryDirectory(prefix="repurchase-bundle-") as parent:
        copy = Path(parent) / "bundle"
        _copy(folder, copy)
        return _load(copy, folder, tried=False)


def rehearse(folder: Path) -> None:
    """Load a bundle in the process that may die of it; ArtifactError if damaged.

    LightGBM reads beyond the end of a text that was cut, so that one which passes here may still abort the next
    process: each booster must give its own text back to the letter.
    """
    load_bundle(folder, in_child_first=False)
    for path in sorted(folder.glob("*.txt")):
        if boosters.text_of(boosters.read(path)) != path.read_text(encoding="utf-8"):
            raise ArtifactError(
                f"{path.name} is not what LightGBM {boosters.VERSION} would write of it: it is cut, or of a version "
                "that writes otherwise"
            )


def _load(home: Path, folder: Path, *, tried: bool = True) -> Bundle:
    """Load the files in `home`, which are those of `folder` (the name that messages give)."""
    manifest = verify(home, name=folder)
    if not tried:
        _try_in_child(home, folder, manifest)
    model = Ensemble.load(home)
    _compare_with_golden(home, model, folder)
    return Bundle(model, manifest, version_of(home), _read_references(home, folder))


def _copy(folder: Path, copy: Path) -> None:
    """Copy a bundle; ArtifactError if it holds what no bundle does, or cannot be copied."""
    items = sorted(folder.iterdir())
    for item in items:
        if item.is_symlink() or not item.is_file():
            raise _damaged(folder, f"{item.name} is not the file that the manifest describes (checksum)")
    if sum(item.stat().st_size for item in items) > MOST_BYTES:
        raise _damaged(folder, f"it has over {MOST_BYTES // 2**20} MiB")
    copy.mkdir()
    try:
        for item in items:
            shutil.copyfile(item, copy / item.name)
    except OSError as error:
        raise ArtifactError(
            f"{folder}: the bundle cannot be copied into {copy.parent.parent} for its trial ({error.strerror})."
        ) from error


def verify(folder: Path, *, name: Path | None = None) -> dict[str, Any]:
    """Return the manifest once every file is there, none is foreign, and sizes and checksums are right.

    name: the folder that messages name, if these files are a copy of it.
    """
    called = name or folder
    manifest = _read_manifest(folder, called)
    found = {item.name for item in folder.iterdir()} - {MANIFEST}
    for file in sorted(set(manifest["files"]) | found):
        if file not in manifest["files"] or file not in found:
            raise _damaged(
                called, f"{file} is {'missing' if file in manifest['files'] else 'not in the manifest'}"
            )
        item, entry = folder / file, manifest["files"][file]
        regular = item.is_file() and not item.is_symlink()
        if not regular or item.stat().st_size != entry["size"] or _sha256(item) != entry["sha256"]:
            raise _damaged(called, f"{file} is not the file that the manifest describes (checksum)")
    return manifest


def _read_manifest(folder: Path, called: Path | None = None) -> dict[str, Any]:
    path, called = folder / MANIFEST, called or folder
    if not path.is_file():
        raise ArtifactError(
            f"{called} is no model bundle: it has no {MANIFEST}. Make one with `repurchase train`."
        )
    try:
        manifest = read_numbers(path)
        intact = not path.is_symlink() and sealed(manifest) == manifest
    except (ValueError, RecursionError, ContractError):
        intact = False
    if not intact:
        raise _damaged(called, f"{MANIFEST} is not as it was written (checksum)")
    if manifest.get("format") != FORMAT:
        raise ArtifactError(
            f"{called} has bundle format {manifest.get('format')}; this version reads {FORMAT}."
        )
    return manifest


def _read_references(home: Path, folder: Path) -> dict[str, Any]:
    tables = read_numbers(home / REFERENCES) if (home / REFERENCES).is_file() else {}
    for name, one in tables.items():
        keys, values = one["keys"], one["values"]
        if len(keys) != len(values) or any(a >= b for a, b in pairwise(keys)):
            raise _damaged(folder, f"its reference table '{name}' is no table")
    return tables


def version_of(folder: Path) -> str:
    """Return the bundle's version: the first 12 hex digits of the manifest's sha256."""
    return _sha256(folder / MANIFEST)[:12]


def _golden(model: Ensemble, rows: Mapping[str, Floats]) -> dict[str, Any]:
    listed = {name: [None if np.isnan(v) else float(v) for v in values] for name, values in rows.items()}
    return {
        "columns": listed,
        "curve": model.curve(rows, day=GOLDEN_DAY).tolist(),
        "spend": model.per_order_day(rows).tolist(),
    }


def _compare_with_golden(home: Path, model: Ensemble, folder: Path) -> None:
    golden = read_numbers(home / "golden.json")
    rows = {
        name: np.array([np.nan if v is None else v for v in values])
        for name, values in golden["columns"].items()
    }
    same = np.allclose(model.curve(rows, day=GOLDEN_DAY), golden["curve"], rtol=1e-9, atol=1e-12)
    if not same or not np.allclose(model.per_order_day(rows), golden["spend"], rtol=1e-9):
        raise ArtifactError(
            f"{folder}: the model does not give its golden answers here. Train it again with these versions."
        )


def _try_in_child(home: Path, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Load the bundle in a child process; ArtifactError if it dies, hangs or answers otherwise."""
    reason = why_it_fails(_CHILD, home, seconds=CHECK_SECONDS, memory_bytes=CHECK_BYTES)
    if reason is None:
        return
    said, wrote = reason.replace(str(home), str(folder)), manifest.get("versions", {}).get("lightgbm")
    if wrote not in (None, boosters.VERSION):
        raise ArtifactError(
            f"{folder}: the bundle was written with LightGBM {wrote}, and {boosters.VERSION} is here; loading it "
            f"failed ({said}). Install LightGBM {wrote}, or train again with the versions that are here."
        )
    raise _damaged(folder, f"loading it failed ({said})")


def _damaged(folder: Path, what: str) -> ArtifactError:
    return ArtifactError(f"{folder}: the bundle is damaged: {what}. Copy it again, or train a new one.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
