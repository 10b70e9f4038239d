"""Declarations in TOML, read into dataclasses: segments, offers, channels, screens, triggers, policies."""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from contracts.errors import DeclarationError, nearest

Entry = TypeVar("Entry")
_OFF = "off"  # `off = true` takes one of our entries away


def read_declarations(
    entry: type[Entry], *, section: str, default: str, path: Path | None = None
) -> dict[str, Entry]:
    """Read the tables [section.NAME] of our own file `default` and of the shop's file into `entry(name=NAME, …)`.

    default: a TOML file in this package. path: the shop's; its entries are added, or take the place of ours; one with
    `off = true` removes ours. Other sections of the same file belong to other readers. Raises DeclarationError with
    the file, the entry, what was found and the nearest known key.
    """
    own = _section(
        tomllib.loads((files("campaigns") / default).read_text(encoding="utf-8")), section, default
    )
    found = {name: _made(entry, section, name, values, where=default) for name, values in own.items()}
    if path is None:
        return found
    for name, values in _section(load_toml(path), section, str(path)).items():
        where = f"{path}, [{section}.{name}]"
        if not isinstance(values, dict):
            raise DeclarationError(f"{where}: found {values!r}. Write a table [{section}.{name}].")
        if values.get(_OFF) is True:
            _remove(found, name, len(values), where=where)
        else:
            found[name] = _made(entry, section, name, values, where=str(path))
    return found


def load_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; DeclarationError if it is not there or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DeclarationError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DeclarationError(f"{path} is a folder. Give a TOML file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: not a TOML file: {error}.") from None


def require_sections(path: Path, known: typing.Collection[str]) -> None:
    """Raise DeclarationError if a file has a section that nobody reads, with the nearest known one."""
    for name in load_toml(path):
        if name not in known:
            raise DeclarationError(
                f"{path}: unknown section [{name}]{nearest(name, known) or '.'} Known: {', '.join(sorted(known))}."
            )


def _section(values: Mapping[str, Any], section: str, where: str) -> dict[str, Any]:
    found = values.get(section, {})
    if not isinstance(found, dict):
        raise DeclarationError(f"{where}: '{section}' is {found!r}. Write tables [{section}.NAME].")
    return found


def _remove(found: dict[str, Any], name: str, keys: int, *, where: str) -> None:
    if name not in found:
        raise DeclarationError(f"{where}: there is no '{name}' to switch off{nearest(name, found) or '.'}")
    if keys > 1:
        raise DeclarationError(f"{where}: `off = true` stands beside other keys. Remove them, or `off`.")
    del found[name]


def _made(entry: type[Entry], section: str, name: str, values: Mapping[str, Any], *, where: str) -> Entry:
    """Return one entry, each value checked against the type of its field."""
    at = f"{where}, [{section}.{name}]"
    kinds = typing.get_type_hints(entry)
    known = {one.name: one for one in fields(entry) if one.name != "name"}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise DeclarationError(
                f"{at}: unknown key '{key}'{nearest(key, known) or '.'} Known: {', '.join(known)}."
            )
    for key, one in known.items():
        if key not in values and one.default is MISSING and one.default_factory is MISSING:
            raise DeclarationError(f"{at}: '{key}' is missing. Write {key} = {_kind_words(kinds[key])}.")
    read = {key: _value(value, kinds[key], key=key, at=at) for key, value in values.items()}
    try:
        return entry(**{"name": name, **read})
    except DeclarationError as error:
        raise DeclarationError(f"{at}: {error}") from None


def _value(value: Any, kind: Any, *, key: str, at: str) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        inner = typing.get_args(kind)[0]
        return tuple(_value(one, inner, key=key, at=at) for one in value)
    if typing.get_origin(kind) in (dict, Mapping) and isinstance(value, dict):
        inner = typing.get_args(kind)[1]
        return {name: _value(one, inner, key=f"{key}.{name}", at=at) for name, one in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if (
        isinstance(kind, type)
        and isinstance(value, kind)
        and (kind is bool or not isinstance(value, bool))
        and value == value
    ):
        return value
    raise DeclarationError(f"{at}: '{key}' is {value!r}. Write {_kind_words(kind)}.")


_KINDS: Mapping[Any, str] = {
    str: "a text in quotation marks",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def _kind_words(kind: Any) -> str:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is tuple:
        return f"a list, each {_kind_words(typing.get_args(kind)[0])}"
    if typing.get_origin(kind) in (dict, Mapping):
        return f"a table, each {_kind_words(typing.get_args(kind)[1])}"
    return _KINDS.get(kind, str(kind))
