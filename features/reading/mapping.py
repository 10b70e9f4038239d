"""Which source column is which: read from a TOML file or recognised from the column names.

name = "my shop"
currency = "EUR"                     # ISO 4217; XXX (no currency) where it is unknown
timezone = "Europe/Berlin"           # naive times are local; times with an offset are converted to it
date_format = "%d.%m.%Y"             # strptime; only needed where the dates do not settle it themselves
decimal = ","                        # the decimal mark of amounts
source_column = "sheet"              # tells deliveries apart inside one file
cancelled_order_prefix = "C"         # an order_id that begins so takes goods back
not_products = ["POST", "GIFT.*"]    # regular expressions on the whole product_id, case ignored

[columns]                            # ours = "theirs"
customer_id = "Kundennummer"
ordered_at = "Datum"
amount = "Betrag"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contracts.errors import DataError, DeclarationError, nearest
from features.reading.presets import GENERIC, PARTS, PRESETS, Preset, find_parts, fits, fold

NO_CURRENCY = "XXX"


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Say how one shop's files become order lines; see the module's example for each field."""

    name: str
    columns: Dict[str, str]
    currency: str = NO_CURRENCY
    timezone: str = "UTC"
    date_format: str | None = None
    decimal: str = "."
    source_column: str | None = None
    cancelled_order_prefix: str | None = None
    not_products: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what cannot work; raise DeclarationError."""
        _check_columns(self.name, self.columns)
        _check_timezone(self.name, self.timezone)
        if self.decimal not in (".", ","):
            raise DeclarationError(
                f"Mapping '{self.name}': decimal is '{self.decimal}'. Write \".\" or \",\"."
            )
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise DeclarationError(
                f"Mapping '{self.name}': currency is '{self.currency}'. Write the three letters of ISO 4217, "
                f"for example EUR, or {NO_CURRENCY} for none."
            )
        for pattern in self.not_products:
            _check_pattern(self.name, pattern)


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping from TOML; raise DeclarationError for what is unknown, DataError for no file."""
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: the mapping cannot be read ({error.strerror}). Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: this is not TOML ({error}). Correct that line.") from None
    known = [entry.name for entry in fields(Mapping)]
    for key in content:
        if key not in known:
            raise DeclarationError(
                f"{path}: unknown key '{key}'{nearest(key, known) or '.'} Known keys: {', '.join(known)}."
            )
    if "columns" not in content:
        raise DeclarationError(f"{path}: the section [columns] is missing. It maps our names to yours.")
    return _build(path, content)


def recognise(columns: Sequence[str]) -> Mapping:
    """Return the preset that fits these column names; raise DataError if none does."""
    for preset in PRESETS:
        parts = find_parts(preset, columns)
        if fits(preset, parts):
            return _from_preset(preset, parts, columns)
    raise DataError(_unrecognised(columns))


def _build(path: str | Path, content: dict[str, Any]) -> Mapping:
    columns = content["columns"]
    patterns = content.get("not_products", [])
    texts = {key: value for key, value in content.items() if key not in ("columns", "not_products")}
    wrong = [key for key, value in texts.items() if not isinstance(value, str)]
    if not isinstance(columns, dict) or not all(isinstance(value, str) for value in columns.values()):
        wrong.append("columns")
    if not isinstance(patterns, list) or not all(isinstance(value, str) for value in patterns):
        wrong.append("not_products")
    if wrong:
        raise DeclarationError(f"{path}: '{wrong[0]}' must hold text. Put the value in quotes.")
    return Mapping(**{"name": Path(path).stem, **texts}, columns=columns, not_products=tuple(patterns))


def _from_preset(preset: Preset, parts: dict[str, str], columns: Sequence[str]) -> Mapping:
    source_column = next(
        (c for c in columns if fold(c) in {fold(name) for name in preset.source_column}), None
    )
    return Mapping(
        name=preset.name,
        columns=parts,
        currency=preset.currency,
        source_column=source_column,
        cancelled_order_prefix=preset.cancelled_order_prefix,
        not_products=preset.not_products,
    )


def _unrecognised(columns: Sequence[str]) -> str:
    parts = find_parts(GENERIC, columns)
    missing = [part for part in ("customer_id", "ordered_at") if part not in parts]
    if "amount" not in parts and "unit_price" not in parts:
        missing.append("amount")
    guesses = []
    for part in missing:
        by_folded = {fold(column): column for column in columns if column not in parts.values()}
        hints = (nearest(fold(name), by_folded) for name in GENERIC.parts[part])
        hint = next((hint for hint in hints if hint), "")
        guesses.append(f"no column for {part}" + _unfold(hint, by_folded))
    return (
        f"No mapping fits the columns found ({shown(columns)}): {'; '.join(guesses)}. "
        "Name them in the section [columns] of a mapping file."
    )


def shown(columns: Sequence[str]) -> str:
    """Return column names for a message: at most 20, each at most 40 characters, nothing unprintable."""
    names = ["".join(c if c.isprintable() else "�" for c in name[:40]) for name in columns[:20]]
    more = [f"and {len(columns) - 20} more"] if len(columns) > 20 else []
    return ", ".join([*names, *more])


def _unfold(hint: str, by_folded: dict[str, str]) -> str:
    found = re.search(r"'(.*)'", hint)
    return f" (did you mean '{by_folded[found[1]]}'?)" if found else ""


def _check_columns(name: str, columns: Dict[str, str]) -> None:
    for part in columns:
        if part not in PARTS:
            raise DeclarationError(
                f"Mapping '{name}': unknown column '{part}'{nearest(part, PARTS) or '.'} "
                f"Known: {', '.join(PARTS)}."
            )
    for part in ("customer_id", "ordered_at"):
        if part not in columns:
            raise DeclarationError(f"Mapping '{name}': [columns] has no {part}. Every order line needs one.")
    if "amount" not in columns and "unit_price" not in columns:
        raise DeclarationError(
            f"Mapping '{name}': [columns] has neither amount nor unit_price. Name one of them."
        )


def _check_timezone(name: str, timezone: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ValueError, OSError, ModuleNotFoundError, KeyError):
        raise DeclarationError(
            f"Mapping '{name}': timezone '{timezone}' is not known. Write it like Europe/London or UTC."
        ) from None


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise DeclarationError(
            f"Mapping '{name}': not_products has '{pattern}', which is no regular expression ({error})."
        ) from None
