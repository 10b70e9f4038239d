"""Which source column plays which part of a table: recognised from its name or read from a TOML file.

name = "klaviyo"
date_format = "%d.%m.%Y %H:%M"       # strptime; only needed where the dates do not settle it themselves
timezone = "UTC"                     # of times without an offset, where it is not the shop's own
decimal = ","                        # the decimal mark of amounts
phone_region = "DE"                  # of telephone numbers without a country code
number_rows = true                   # the table has no customer: each row is one, by its number

[columns]                            # ours = "theirs"; what is not said is recognised; "": there is none
customer_id = "person id"
occurred_at = "timestamp"
channel = ""

[constants]                          # ours = the one value of all rows
kind = "email_open"

[words]                              # their word = ours, for the kind of an event or the arm of a contact
"Bounced Email" = "email_bounce"

A short mapping must not lose a column that stands in the file: one that tells consent would be lost with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from contracts.errors import DataError, DeclarationError, nearest
from features.reading.mapping_checks import check_decimal, check_timezone
from features.reading.presets import fold

CUSTOMER_NAMES = (
    "customer_id", "customer", "customer_no", "customer_number", "customer_key", "cust_id", "client_id",
    "client", "user_id", "user", "member_id", "buyer_id", "shopper_id", "account_id", "household_id",
    "person_id", "profile_id", "contact_id", "subscriber_id", "subscriber_key", "external_id", "klaviyo_id",
    "distinct_id", "leid",
)  # fmt: skip
EMAIL_NAMES = ("email", "email_address", "e_mail_address", "customer_email", "recipient", "mail")
PERSONAL_PARTS = ("email", "phone")
_SECTIONS = ("columns", "constants", "words")


@dataclass(frozen=True, kw_only=True)
class Part:
    """How the values of one column are read, and the source names that may play it, the likeliest first."""

    kind: Literal["id", "time", "date", "number", "text"]
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One table: its parts, which of them are needed (one of each group), and which times say when it is known.

    known_by: the time parts in order of preference; a row is seen if the first that it has is not too late.
    """

    name: str
    parts: Dict[str, Part]
    needs: tuple[tuple[str, ...], ...]
    known_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TableMapping:
    """Say how one table is written; see the module's example for each field.

    It is what a shop said, to be completed for each file by `complete_table`.
    """

    name: str
    columns: Dict[str, str] = field(default_factory=dict)
    constants: Dict[str, str] = field(default_factory=dict)
    words: Dict[str, str] = field(default_factory=dict)
    date_format: str | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None
    phone_region: str | None = None
    number_rows: bool = False

    def has(self, part: str) -> bool:
        """Tell whether a part has a column or a constant."""
        return bool(self.columns.get(part)) or part in self.constants


def load_table_mapping(path: str | Path, shape: Shape) -> TableMapping:
    """Read a mapping from TOML; raise DeclarationError for what is unknown, DataError for no file."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: the mapping cannot be read ({error.strerror}). Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: this is not TOML ({error}). Correct that line.") from None
    known = [entry.name for entry in fields(TableMapping)]
    for key, value in content.items():
        if key not in known:
            raise DeclarationError(
                f"{path}: unknown key '{key}'{nearest(key, known) or '.'} Known keys: {', '.join(known)}."
            )
        _check_type(path, key, value)
    mapping = TableMapping(**{"name": Path(path).stem, **content})
    check_mapping(mapping, shape)
    return mapping


def check_mapping(mapping: TableMapping, shape: Shape) -> None:
    """Raise DeclarationError for a part that this table does not have, or that is given twice."""
    where = f"Mapping '{mapping.name}' of {shape.name}"
    for section in ("columns", "constants"):
        for part in getattr(mapping, section):
            if part not in shape.parts:
                raise DeclarationError(
                    f"{where}: [{section}] has the unknown part '{part}'{nearest(part, shape.parts) or '.'} "
                    f"Known: {', '.join(shape.parts)}."
                )
            if section == "constants" and part in mapping.columns:
                raise DeclarationError(f"{where}: {part} has a column and a constant. Leave one of them out.")
    check_decimal(where, mapping.decimal)
    if mapping.timezone is not None:
        check_timezone(where, mapping.timezone)


def recognise_table(columns: Sequence[str], shape: Shape, where: str) -> TableMapping:
    """Return the mapping that these column names suggest; raise DataError if a needed part has none."""
    return complete_table(TableMapping(name=f"generic {shape.name}"), columns, shape, where)


def complete_table(given: TableMapping, columns: Sequence[str], shape: Shape, where: str) -> TableMapping:
    """Return what a shop said, completed by what these column names suggest.

    Raises DataError if a column that is said is not there, or a needed part has none.
    """
    said = {part: name for part, name in given.columns.items() if name}
    _check_columns(given.name, said, columns, where)
    settled = {*given.columns, *given.constants, *(["customer_id"] if given.number_rows else [])}
    found = dict(said)
    by_folded: dict[str, str] = {}
    for column in columns:
        by_folded.setdefault(fold(column), column)
    for part in (part for part in shape.parts if part not in settled):
        name = next((by_folded[fold(n)] for n in shape.parts[part].names if fold(n) in by_folded), None)
        if name is not None and name not in found.values():
            found[part] = name
    whole = replace(given, columns=found)
    missing = [group for group in shape.needs if not _has_one(whole, group)]
    if missing:
        raise DataError(_unrecognised(columns, found, missing, shape, where))
    return whole


def _has_one(mapping: TableMapping, group: tuple[str, ...]) -> bool:
    numbered = mapping.number_rows and "customer_id" in group
    return numbered or any(mapping.has(part) for part in group)


def _check_columns(name: str, said: Dict[str, str], columns: Sequence[str], where: str) -> None:
    """Raise DataError if a column that a mapping says is not in the file."""
    for column in said.values():
        if column not in columns:
            raise DataError(
                f"{where}: the column '{column}' of mapping '{name}' is not there"
                f"{nearest(column, columns) or '.'} Found: {_shown(columns)}."
            )


def _check_type(path: str | Path, key: str, value: Any) -> None:
    if key == "number_rows":
        if not isinstance(value, bool):
            raise DeclarationError(f"{path}: number_rows is {value!r}. Write true or false.")
        return
    texts = list(value.values()) if key in _SECTIONS and isinstance(value, dict) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise DeclarationError(f"{path}: '{key}' must hold text. Put the value in quotes.")
    if (key in _SECTIONS) != isinstance(value, dict):
        raise DeclarationError(f"{path}: '{key}' is not in its place. Sections are {', '.join(_SECTIONS)}.")


def _unrecognised(
    columns: Sequence[str], found: Dict[str, str], missing: list[tuple[str, ...]], shape: Shape, where: str
) -> str:
    left = {fold(column): column for column in columns if column not in found.values()}
    guesses = []
    for group in missing:
        hints = (nearest(fold(name), left) for part in group for name in shape.parts[part].names)
        hint = next((left[text.split("'")[1]] for text in hints if text), None)
        guess = f" (did you mean '{hint}'?)" if hint else ""
        guesses.append(f"no column for {' or '.join(group)}{guess}")
    return (
        f"{where}: these columns are not those of {shape.name} ({_shown(columns)}): {'; '.join(guesses)}. "
        "Name them in the section [columns] of a mapping file, or give the one value of all rows in [constants]."
    )


def _shown(columns: Sequence[str]) -> str:
    names = ["".join(c if c.isprintable() else "�" for c in name[:40]) for name in columns[:20]]
    return ", ".join([*names, *([f"and {len(columns) - 20} more"] if len(columns) > 20 else [])])
