"""Values written as TOML: quoted texts, settings and comments that every reader of TOML takes."""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH = 100
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(text: str) -> str:
    """Return a text as a TOML string; what cannot be printed is escaped."""
    return '"' + "".join(_ESCAPES.get(letter) or _printed(letter) for letter in text) + '"'


def _printed(letter: str) -> str:
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) <= 0xFFFF else f"\\U{ord(letter):08x}"


def setting(name: str, value: str | bool | float | Iterable[str]) -> str:
    """Return the line `name = value`; a long list goes over several lines."""
    if isinstance(value, bool):
        return f"{name} = {'true' if value else 'false'}"
    if isinstance(value, str):
        return f"{name} = {quoted(value)}"
    if isinstance(value, int | float):
        return f"{name} = {value!r}"
    items = [quoted(item) for item in value]
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name} = [", *(f"    {item}," for item in items), "]"])


def comment(text: str) -> str:
    """Return a text as a comment of one line."""
    return "# " + "".join(letter if letter.isprintable() else "�" for letter in text)
