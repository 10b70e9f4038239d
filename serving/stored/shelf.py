"""The folder of published stores: immutable, numbered, and one symbolic link that says which is current.

OUT/
├── stores/000007/    immutable: scores.parquet, lookup.arrow, by_id.arrow, details/, manifest.json, …
├── current           -> stores/000007, replaced in one step
├── scores.parquet    -> current/scores.parquet, and so on for each file of the store
└── .lock             held by the one writer
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ArtifactError
from serving.disk import sync

# The files of a store that have a link of their own beside `current`.
FILES = (
    "scores.parquet",
    "scores.csv",
    "scores.jsonl",
    "lookup.arrow",
    "by_id.arrow",
    "report.json",
    "changed.parquet",
    "manifest.json",
)
_FORMER = ("lookup.sqlite",)
_WRITING = ".writing-"


def check_target(folder: Path) -> None:
    """Refuse a folder into which nothing can be published, before any work is done (ArtifactError)."""
    if folder.exists() and not folder.is_dir():
        raise ArtifactError(f"{folder} is a file. Name a folder for the ranking.")
    for name in ("current", *FILES):
        path = folder / name
        if path.exists() and not path.is_symlink():
            raise ArtifactError(
                f"{path} was not written by us and would be lost. Move it, or name another folder."
            )


def current_home(folder: Path) -> Path:
    """Return the folder of the current store, or the folder itself if it is a bare copy of a store."""
    link = folder / "current"
    return folder / link.readlink() if link.is_symlink() else folder


def kept_homes(folder: Path) -> list[Path]:
    """Return the folders of the stores that are kept, oldest first; a bare copy is its own."""
    stores = folder / "stores"
    if not stores.is_dir():
        return [folder] if (folder / "manifest.json").is_file() else []
    return sorted((path for path in stores.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


@dataclass(frozen=True)
class Shelf:
    """A folder of stores, for its one writer. keep: how many stores are kept, the current one among them."""

    folder: Path
    keep: int = 2

    @property
    def stores(self) -> Path:
        """The folder of the numbered stores."""
        return self.folder / "stores"

    def begin(self) -> Path:
        """Return a new folder to write the next store into."""
        self.stores.mkdir(exist_ok=True)
        for left_over in self.stores.glob(f"{_WRITING}*"):
            shutil.rmtree(left_over)
        numbers = [int(path.name) for path in kept_homes(self.folder)]
        fresh = self.stores / f"{_WRITING}{max(numbers, default=0) + 1:06d}"
        fresh.mkdir()
        return fresh

    def admit(self, fresh: Path) -> Path:
        """Sync a written store, make it the current one in one step and return its folder."""
        previous = current_home(self.folder)
        for path in fresh.rglob("*"):
            sync(path)
        sync(fresh)
        home = self.stores / fresh.name.removeprefix(_WRITING)
        fresh.rename(home)
        sync(self.stores)
        present = [name for name in FILES if (home / name).exists()]
        for name in present:
            self._link(name, f"current/{name}")
        self._link("current", f"stores/{home.name}")
        for name in {*FILES, *_FORMER}.difference(present):
            self._unlink(name)
        self._sweep(home, previous)
        return home

    def _link(self, name: str, target: str) -> None:
        aside = self.folder / f".{name}.link"
        aside.unlink(missing_ok=True)
        aside.symlink_to(target)
        aside.replace(self.folder / name)
        sync(self.folder)

    def _unlink(self, name: str) -> None:
        """Remove the link to a file that the current store does not have."""
        if (self.folder / name).is_symlink():
            (self.folder / name).unlink()

    def _sweep(self, *first: Path) -> None:
        """Remove all stores but the first ones and then the newest, `keep` in all."""
        homes = list(dict.fromkeys((*first, *reversed(kept_homes(self.folder)))))
        for path in homes[self.keep :]:
            if path.parent == self.stores:
                shutil.rmtree(path, ignore_errors=True)
