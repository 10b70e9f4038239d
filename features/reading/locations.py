"""What the user names becomes a list of things to read: files, tables of many files, sheets, databases, objects.

A folder is searched with its subfolders. In it, a Delta table is one thing; so are the Parquet files of partition
folders (`country=DE/…`) and the `part-…` files that one job wrote. What is no order file is left out, and said.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from contracts.errors import DataError, nearest
from features.reading.addresses import (
    DATABASES,
    parse_database,
    require_known,
    require_no_secret,
    scheme_of,
)
from features.reading.delta import LOG_FOLDER
from features.reading.documents import why_no_orders

TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json")
PACKED_ENDINGS = (".gz", ".zst", ".zstd")
PARQUET_ENDINGS = (".parquet", ".pq")
WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_VERSION = re.compile(r"(.+)@v(\d+)")
_ONE_JOB = re.compile(r"part-\d+.*")

Kind = Literal["file", "dataset", "delta", "database", "object"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to read; `str` of it is what is shown. It never holds a password.

    path: the file or folder, None for databases and objects; sheet: of a workbook; version: of a Delta table;
    paths: the files of a dataset; address: of a database or object.
    """

    shown: str
    kind: Kind = "file"
    path: Path | None = None
    paths: tuple[Path, ...] = ()
    sheet: str | None = None
    version: int | None = None
    address: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.shown


Named = str | Path | Item  # an Item names itself: its text may leave out what must not be shown


@dataclass(frozen=True, kw_only=True)
class Found:
    """The things to read, and the files of a folder that are left out, each with the reason."""

    items: tuple[Item, ...]
    skipped: tuple[tuple[Path, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say which files are left out."""
        return tuple(f"{path} is left out: {reason}." for path, reason in self.skipped)


def find_files(source: Named | Sequence[Named]) -> list[Item]:
    """Return what paths, folders, patterns and addresses name, each once, in order of their names."""
    return list(find_items(source).items)


def find_items(source: Named | Sequence[Named]) -> Found:
    """Return what is to be read, each once, in order of names, and what is left out; DataError for nothing."""
    given = [source] if isinstance(source, str | Path | Item) else list(source)
    if not given:
        raise DataError("No file is named. Give a file, a folder or a pattern such as orders/*.csv.")
    parts = [_expand(item) for item in given]
    once = {_identity(item): item for found in parts for item in found.items}
    inside = {path.resolve() for item in once.values() for path in item.paths}
    kept = [
        item
        for item in once.values()
        if item.kind != "file" or item.path is None or item.path.resolve() not in inside
    ]
    skipped = dict.fromkeys(one for found in parts for one in found.skipped)
    return Found(items=tuple(sorted(kept, key=str)), skipped=tuple(skipped))


def item_of(path: Path) -> Item:
    """Return a file as a thing to read."""
    return Item(shown=str(path), path=path)


def _identity(item: Item) -> tuple[object, ...]:
    return (item.path.resolve() if item.path else item.address, item.kind, item.sheet, item.version)


def _expand(given: Named) -> Found:
    if isinstance(given, Item):
        return Found(items=(given,))
    text = str(given)
    scheme = scheme_of(text)
    if scheme == "file":
        return _expand(re.sub(r"^file://(localhost)?", "", text))
    if scheme is not None:
        return Found(items=(_address(text, scheme),))
    path = Path(text)
    if path.is_file():
        return Found(items=(item_of(path),))
    if path.is_dir():
        return _folder(path)
    named = _sheet(text) or _version(text)
    if named is not None:
        return Found(items=(named,))
    if glob.has_magic(text):
        return _pattern(text)
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"{path}: there is no such file{nearest(path.name, siblings) or '.'} Check the path.")


def _address(text: str, scheme: str) -> Item:
    require_known(scheme)
    require_no_secret(text)
    if scheme in DATABASES:
        return Item(shown=parse_database(text).shown, kind="database", address=text)
    return Item(shown=text.partition("?")[0], kind="object", address=text)


def _sheet(text: str) -> Item | None:
    """Return the sheet that `book.xlsx#Sheet name` names."""
    file, mark, sheet = text.partition("#")
    if mark and sheet and Path(file).is_file() and file.casefold().endswith(WORKBOOK_ENDINGS):
        return Item(shown=text, path=Path(file), sheet=sheet)
    return None


def _version(text: str) -> Item | None:
    """Return the version that `table@v3` names."""
    found = _VERSION.fullmatch(text)
    if found and (Path(found[1]) / LOG_FOLDER).is_dir():
        return Item(shown=text, kind="delta", path=Path(found[1]), version=int(found[2]))
    return None


def _pattern(text: str) -> Found:
    names = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 (a pattern may be absolute)
    tables = [Path(name) for name in names if (Path(name) / LOG_FOLDER).is_dir()]
    files = [Path(name) for name in names if Path(name).is_file() and not _is_inside(Path(name), tables)]
    if not files and not tables:
        raise DataError(f"{text}: no file matches this pattern. Check the folder and the ending.")
    return Found(items=(*map(_delta, tables), *map(item_of, files)))


def _folder(folder: Path) -> Found:
    items, files, skipped = [], [], []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        if LOG_FOLDER in folders:
            items.append(_delta(here))
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        files += [here / name for name in sorted(names) if not name.startswith((".", "_"))]
    left = []
    for root, paths in _datasets(folder, files):
        items.append(Item(shown=str(root), kind="dataset", path=root, paths=tuple(paths)))
        left += paths
    for file in sorted(set(files) - set(left)):
        reason = why_no_orders(file) if _is_readable(file) else "its ending is none that can be read"
        if reason is None:
            items.append(item_of(file))
        else:
            skipped.append((file, reason))
    if not items:
        raise _nothing(folder, skipped)
    return Found(items=tuple(items), skipped=tuple(skipped))


def _datasets(folder: Path, files: Iterable[Path]) -> list[tuple[Path, list[Path]]]:
    """Return the tables that consist of many Parquet files: (folder, files)."""
    found: dict[Path, list[Path]] = {}
    for file in files:
        if file.name.casefold().endswith(PARQUET_ENDINGS):
            root = _above_partitions(file, folder)
            if root != file.parent or _ONE_JOB.fullmatch(file.name):
                found.setdefault(root, []).append(file)
    return [(root, paths) for root, paths in found.items() if len(paths) > 1 or paths[0].parent != root]


def _above_partitions(file: Path, folder: Path) -> Path:
    root = file.parent
    while root != folder and "=" in root.name:
        root = root.parent
    return root


def _delta(path: Path) -> Item:
    return Item(shown=str(path), kind="delta", path=path)


def _is_inside(file: Path, folders: Sequence[Path]) -> bool:
    return any(folder in file.parents for folder in folders)


def _is_readable(file: Path) -> bool:
    name = file.name.casefold()
    for ending in PACKED_ENDINGS:
        if name.endswith(ending):
            return name.removesuffix(ending).endswith(TEXT_ENDINGS)
    return name.endswith(TEXT_ENDINGS + PARQUET_ENDINGS + WORKBOOK_ENDINGS)


def _nothing(folder: Path, skipped: Sequence[tuple[Path, str]]) -> DataError:
    endings = ", ".join(TEXT_ENDINGS + PARQUET_ENDINGS + WORKBOOK_ENDINGS)
    there = (
        f" Left out: {', '.join(f'{path.name} ({reason})' for path, reason in skipped[:5])}."
        if skipped
        else ""
    )
    return DataError(
        f"{folder}: the folder has no readable file. Readable are files ending in {endings}, text also with "
        f".gz or .zst.{there}"
    )
