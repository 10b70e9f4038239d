"""A bundle as the bytes of its files: for processes on other machines, which load it as it was loaded here."""

from __future__ import annotations

import hashlib
import tempfile
from functools import lru_cache
from pathlib import Path

from contracts.errors import ArtifactError
from models.bundle import MANIFEST, Bundle, load_bundle

Files = tuple[tuple[str, bytes], ...]  # name and content of each, by name


def files_of(folder: Path, bundle: Bundle) -> Files:
    """Return the files of the folder that a bundle was loaded from; ArtifactError if they are others by now.

    That the rest belongs to the manifest is verified where they are loaded.
    """
    files = tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
    manifest = dict(files).get(MANIFEST, b"")
    if not hashlib.sha256(manifest).hexdigest().startswith(bundle.version):
        raise ArtifactError(f"{folder}: the model was replaced while it was read. Give the command again.")
    return files


@lru_cache(maxsize=1)
def loaded(files: Files) -> Bundle:
    """Verify a bundle's files and load it, once in this process; ArtifactError if they are damaged or do not fit here.

    The very bytes were tried in a child process by whoever sent them.
    """
    with tempfile.TemporaryDirectory(prefix="repurchase-bundle-") as parent:
        folder = Path(parent) / "bundle"
        folder.mkdir()
        for name, content in files:
            (folder / name).write_bytes(content)
        return load_bundle(folder, in_child_first=False)
