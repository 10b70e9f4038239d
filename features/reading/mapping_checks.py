"""What a mapping refuses: each check raises DeclarationError with the fix."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from zoneinfo import ZoneInfo

import duckdb

from contracts.errors import DeclarationError, nearest
from features.reading.presets import NEEDED, NO_CURRENCY, PARTS, PRESET_NAMES

LISTS = ("order_columns", "unpaid_statuses", "cancelled_statuses", "not_products", "test_customers")
SECTIONS = ("columns", "rates", "rules")
_MAY_BE_NONE = (
    "preset", "date_format", "decimal", "encoding", "source_column", "cancelled_order_prefix",
    "phone_region",
)  # fmt: skip


def check_kind(where: str, key: str, value: object) -> None:
    """Refuse a setting that is not of its kind: a section, true or false, a list of texts, a text."""
    if key in SECTIONS and not isinstance(value, dict):
        raise DeclarationError(f"{where}: '{key}' must be a section. Write [{key}] and its lines below.")
    if key == "discount_included":
        if not isinstance(value, bool):
            raise DeclarationError(f"{where}: discount_included is {value!r}. Write true or false.")
    elif not _is_text(key, value):
        raise DeclarationError(f"{where}: '{key}' must hold text. Put the value in quotes.")


def check_said(where: str, said: object, known: Iterable[str]) -> None:
    """Refuse what is no list of the settings' names."""
    names = set(known)
    if not isinstance(said, list) or not all(isinstance(name, str) and name in names for name in said):
        raise DeclarationError(f"{where}: 'said' is no list of settings. Write the mapping again.")


def _is_text(key: str, value: object) -> bool:
    if isinstance(value, dict):
        return key in ("rates", "rules") or (
            key == "columns" and all(isinstance(one, str) for one in value.values())
        )
    if key in LISTS:
        return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    return isinstance(value, str) or (value is None and key in _MAY_BE_NONE)


def check_parts(where: str, columns: Iterable[str]) -> None:
    """Refuse parts that do not exist."""
    for part in columns:
        if part not in PARTS:
            raise DeclarationError(
                f"{where}: unknown column '{part}'{nearest(part, PARTS) or '.'} Known: {', '.join(PARTS)}."
            )


def check_complete(where: str, columns: Mapping[str, str]) -> None:
    """Refuse columns without a customer, a date or money."""
    for group in NEEDED:
        if not any(part in columns for part in group):
            if len(group) == 1:
                raise DeclarationError(f"{where}: [columns] has no {group[0]}. Every order line needs one.")
            raise DeclarationError(f"{where}: [columns] has neither {' nor '.join(group)}. Name one of them.")


def check_orders(where: str, columns: Mapping[str, str], order_columns: Iterable[str]) -> None:
    """Refuse columns to fill down where nothing says which rows are one order."""
    listed = list(order_columns)
    if listed and "order_id" not in columns:
        raise DeclarationError(
            f"{where}: order_columns needs a column for order_id in [columns]: it says which rows are one order."
        )
    if columns.get("order_id") in listed:
        raise DeclarationError(
            f"{where}: order_columns has '{columns['order_id']}', the column of order_id itself. Take it out."
        )


def check_currency(where: str, currency: str) -> None:
    """Refuse what is no code of ISO 4217."""
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise DeclarationError(
            f"{where}: currency is '{currency}'. Write the three letters of ISO 4217, "
            f"for example EUR, or {NO_CURRENCY} for none."
        )


def check_rates(where: str, rates: Mapping[str, float], currency: str) -> None:
    """Refuse rates that are no positive finite numbers, or that lead nowhere."""
    for code, rate in rates.items():
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise DeclarationError(
                f"{where}: [rates] has '{code}'. Write the three letters of ISO 4217, for example USD = 0.92."
            )
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not _is_rate(rate):
            raise DeclarationError(
                f"{where}: [rates] {code} is {rate!r}. Write how much of the shop's currency one {code} is, "
                "a number above 0."
            )
    if rates and currency == NO_CURRENCY:
        raise DeclarationError(
            f'{where}: [rates] leads to the shop\'s currency, which is not said. Add currency = "EUR", or yours.'
        )
    if rates.get(currency, 1) != 1:
        raise DeclarationError(
            f"{where}: [rates] {currency} is {rates[currency]!r}, but {currency} is the shop's own. Take it out."
        )


def _is_rate(rate: float) -> bool:
    try:
        return math.isfinite(rate) and 0 < float(rate) < math.inf
    except OverflowError:
        return False


def check_timezone(where: str, timezone: str) -> None:
    """Refuse a time zone that is not known."""
    try:
        ZoneInfo(timezone)
    except (ValueError, OSError, ModuleNotFoundError, KeyError):
        raise DeclarationError(
            f"{where}: timezone '{timezone}' is not known. Write it like Europe/London or UTC."
        ) from None


def check_decimal(where: str, decimal: str | None) -> None:
    """Refuse a decimal mark that is neither a point nor a comma."""
    if decimal not in (None, ".", ","):
        raise DeclarationError(f'{where}: decimal is \'{decimal}\'. Write "." or ",".')


def check_encoding(where: str, encoding: str | None) -> None:
    """Refuse an encoding that is not known."""
    try:
        b"text".decode("utf-8" if encoding is None else encoding, "replace")
    except (LookupError, ValueError):
        raise DeclarationError(
            f"{where}: encoding '{encoding}' is not known. Write it like utf-8, latin-1 or windows-1252."
        ) from None


def check_phone_region(where: str, region: str | None) -> None:
    """Refuse a region that telephone numbers do not know."""
    if region is not None and not (len(region) == 2 and region.isascii() and region.isupper()):
        raise DeclarationError(
            f"{where}: phone_region '{region}' is not known. Write two capital letters, for example DE or GB."
        )


def check_preset(where: str, preset: str | None) -> None:
    """Refuse a preset that does not exist."""
    if preset is not None and preset not in PRESET_NAMES:
        raise DeclarationError(
            f"{where}: unknown preset '{preset}'{nearest(preset, PRESET_NAMES) or '.'} "
            f"Known: {', '.join(PRESET_NAMES)}."
        )


def check_patterns(where: str, setting: str, patterns: Iterable[str]) -> None:
    """Refuse what is no regular expression of DuckDB (RE2: no look-around, no back references)."""
    for pattern in patterns:
        problem = _problem(pattern)
        if problem:
            raise DeclarationError(
                f"{where}: {setting} has '{pattern}', which is no regular expression ({problem})."
            )


@cache
def _problem(pattern: str) -> str:
    try:
        with duckdb.connect() as con:
            con.execute("SELECT regexp_full_match('', ?, 'i')", [pattern]).fetchall()
    except (duckdb.Error, UnicodeError, TypeError) as error:
        return str(error).splitlines()[0]
    return ""
