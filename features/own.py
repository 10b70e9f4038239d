"""A data scientist's own features, from a Python file beside the project.

    # my_features.py
    from features.kernel.declaration import feature

    @feature("Orders in the last 45 days.", unit="orders", family="own")
    def orders_45d(past): return past.count(days=45)

The file is run once. What it declares is tried on a few customers, so that a mistake is told before any order is
read, and joins the catalogue. A bundle keeps each feature's name and source hash, and the name of its file.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from contracts.errors import DeclarationError, RepurchaseError
from features.catalog import CATALOG, REFERENCES
from features.kernel.declaration import Catalog, Feature
from features.kernel.population import DeclaredReference
from features.kernel.running import Floats
from features.own_trial import TRIAL_DAY, trial_history
from features.references import fit_over, references_of


def load_features(path: Path, *, catalog: Catalog = CATALOG) -> Catalog:
    """Return a catalogue with the features that a Python file declares after its own.

    Raises DeclarationError, with the line, for a file that cannot be run, declares no feature or one whose name is
    taken, and for a feature that fails on a few customers, or needs to see more than the one customer it is about.
    """
    values = vars(_run(path, _source(path)))
    shipped = {id(one) for one in catalog}
    found = {id(one): one for one in values.values() if isinstance(one, Feature)}
    own = [one for key, one in found.items() if key not in shipped]
    if not own:
        raise DeclarationError(
            f"{path} declares no feature. Put @feature(…) of features.kernel.declaration above a function of a past."
        )
    _require_new_names(path, own, values, catalog)
    joined = _joined(path, catalog, own)
    _try_out(path, own)
    return joined


def own_features(catalog: Catalog) -> dict[str, str]:
    """Return the features of a catalogue that are not the project's: their names, and the names of their files."""
    shipped = {one.name for one in CATALOG}
    return {
        one.name: Path(one.function.__globals__.get("__file__", "?")).name
        for one in catalog
        if one.name not in shipped
    }


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeclarationError(f"{path}: the features cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise DeclarationError(f"{path}: the features are no Python file: it is not UTF-8.") from None


def _run(path: Path, source: str) -> ModuleType:
    """Run a file as a module of its own name; what was read stays its source, whatever becomes of the file."""
    key = hashlib.sha256(f"{path.resolve()}\n{source}".encode()).hexdigest()[:16]
    module = ModuleType(f"own_features_{key}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise DeclarationError(f"{_where(path, error)}: {_told(error)}") from error
    return module


def _require_new_names(path: Path, own: list[Feature], values: Mapping[str, Any], catalog: Catalog) -> None:
    taken = {one.name for one in catalog}
    for one in own:
        if one.name in taken:
            raise DeclarationError(
                f"{path}, line {_line(one)}: the catalogue has a feature '{one.name}' already. Rename yours."
            )
    tables = {one.name: one for one in REFERENCES}
    for table in values.values():
        if isinstance(table, DeclaredReference) and tables.get(table.name, table) is not table:
            raise DeclarationError(
                f"{path}: the catalogue has a reference table '{table.name}' already. Rename yours."
            )


def _joined(path: Path, catalog: Catalog, own: list[Feature]) -> Catalog:
    """Return both together; sources are hashed now, as they were run."""
    try:
        joined = Catalog([*catalog, *own])
        references_of(Catalog(own))
    except DeclarationError as error:
        raise DeclarationError(f"{path}: {error}") from None
    for one in own:
        assert one.source_hash
    return joined


def _try_out(path: Path, own: list[Feature]) -> None:
    """Compute the features of a few customers, together and one by one."""
    history = trial_history()
    try:
        tables = fit_over([history], [TRIAL_DAY], Catalog(own))[TRIAL_DAY]
    except Exception as error:
        raise DeclarationError(f"{_where(path, error)}: {_told(error)}") from error
    for one in own:
        try:
            together, *alone = (
                Catalog([one]).compute(some, TRIAL_DAY, references=tables).columns[one.name]
                for some in (history, *map(history.of_customers, _each(len(history.names))))
            )
        except Exception as error:
            where = _where(path, error, otherwise=_line(one))
            raise DeclarationError(f"{where}: feature '{one.name}' fails: {_told(error)}") from error
        if not _same(together, np.concatenate(alone)):
            raise DeclarationError(
                f"{path}, line {_line(one)}: feature '{one.name}' answers otherwise for a customer alone than among "
                "others. Numbers about all customers belong into a reference table (@reference); codes of text "
                "values are for looking up only."
            )


def _each(customers: int) -> list[np.ndarray]:
    return [np.array([position]) for position in range(customers)]


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _line(one: Feature) -> int:
    return one.function.__code__.co_firstlineno


def _where(path: Path, error: BaseException, *, otherwise: int | None = None) -> str:
    """Return the file and the line of it that an error came from."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}, line {error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    line = lines[-1] if lines else otherwise
    return str(path) if line is None else f"{path}, line {line}"


def _told(error: BaseException) -> str:
    if isinstance(error, RepurchaseError):
        return str(error)
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {what}" if what else type(error).__name__
