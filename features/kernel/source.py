"""The source of a function and of what it stands on: what a change of a feature's meaning shows in.

Followed are the features, functions and plain constants that it names or closes over, as far as they stand in
files of the same folder. The kernel and other packages are not: their versions are recorded elsewhere.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (bool, int, float, str, bytes)


def source_text(function: Callable[..., Any], *, function_of: Callable[[object], object]) -> str:
    """Return the function's source, and below it that of what it calls, each once.

    function_of: returns the function of a declared feature, and anything else as it is.
    """
    found: dict[str, str] = {}
    _gather(function, Path(inspect.getfile(function)).parent, function_of, found)
    return "\n".join(found.values())


def _gather(
    function: Any, folder: Path, function_of: Callable[[object], object], found: dict[str, str]
) -> None:
    name = f"{function.__module__}.{function.__qualname__}.{function.__name__}"
    if name in found:
        return
    found[name] = inspect.getsource(function)
    for word, value in sorted(_named(function), key=lambda item: item[0]):
        one = function_of(value)
        if isinstance(one, FunctionType):
            if Path(inspect.getfile(one)).parent == folder:
                _gather(one, folder, function_of, found)
        elif _is_plain(one):
            found[f"{name}:{word}"] = f"{word} = {one!r}"


def _is_plain(value: object) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def _named(function: Any) -> Iterator[tuple[str, object]]:
    """Return the globals and closed-over variables that a function names, by name."""
    known = function.__globals__
    for word in {word for code in _codes(function.__code__) for word in code.co_names}:
        if word in known:
            yield word, known[word]
    for word, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield word, cell.cell_contents


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Return a function's code and that of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
