"""Which source column is which: read from a TOML file or recognised from the column names.

preset = "shopify"                   # force one; else the first that fits
currency = "EUR"                     # ISO 4217; XXX (no currency) where it is unknown
timezone = "Europe/Berlin"           # naive times are local; times with an offset are converted to it
date_format = "%d.%m.%Y"             # strptime, or "excel"; only where the dates do not settle it themselves
decimal = ","                        # the decimal mark; else what the amounts show
encoding = "windows-1252"            # of text files; else found out
phone_region = "DE"                  # where telephone numbers without a country code belong
source_column = "sheet"              # tells deliveries apart inside one file
order_columns = ["Created at"]       # stand on the first row of each order only, and are filled down
discount_included = false            # the amount is before the discount: its absolute value is taken off
cancelled_order_prefix = "C"         # an order_id that begins so takes goods back
unpaid_statuses = ["pending"]        # words of the status: the order was never paid
cancelled_statuses = ["refunded"]    # the order was taken back, nobody says when
not_products = ["POST", "GIFT.*"]    # regular expressions on the whole product_id, case ignored
test_customers = ['qa-.*']           # the same on the whole customer_id or e-mail address

[columns]                            # ours = "theirs"; without it the columns are recognised
customer_id = "Kundennummer"
ordered_at = "Datum"
amount = "Betrag"

[rates]                              # how much of the shop's currency one of another is
USD = 0.92

[rules]                              # see features.rulebook
reseller = "refuse"

What is said wins. Where [columns] is missing, or names a preset's columns differently, the preset says the rest.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from contracts.errors import DataError, DeclarationError, nearest
from features.reading import mapping_checks as check
from features.reading.presets import (
    CANCELLED,
    GENERIC,
    NEEDED,
    NO_CURRENCY,
    PRESETS,
    UNPAID,
    Preset,
    find_parts,
    fits,
    fold,
)
from features.rulebook import Rules

TEST_CUSTOMERS = (r".*@(.*\.)?example\.(com|org|net)", r".*@.*\.(test|example|invalid)", r"test@.*")


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Say how one shop's files become order lines; see the module's example for each field.

    Without columns, or with a preset, it is what a shop said, to be completed for each file by `complete`. decimal is
    None, and currency XXX, until the rows have settled them. said: the settings that a preset must not change.
    """

    name: str
    columns: Dict[str, str] = field(default_factory=dict)
    preset: str | None = None
    currency: str = NO_CURRENCY
    timezone: str = "UTC"
    date_format: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    phone_region: str | None = None
    source_column: str | None = None
    order_columns: tuple[str, ...] = ()
    discount_included: bool = True
    cancelled_order_prefix: str | None = None
    unpaid_statuses: tuple[str, ...] = UNPAID
    cancelled_statuses: tuple[str, ...] = CANCELLED
    not_products: tuple[str, ...] = ()
    test_customers: tuple[str, ...] = TEST_CUSTOMERS
    rates: Dict[str, float] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    said: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work; raise DeclarationError."""
        for name in ("source_column", "cancelled_order_prefix", "date_format"):
            object.__setattr__(self, name, getattr(self, name) or None)
        where = f"Mapping '{self.name}'"
        check.check_preset(where, self.preset)
        check.check_parts(where, self.columns)
        if self.is_complete:
            check.check_complete(where, self.columns)
            check.check_orders(where, self.columns, self.order_columns)
        check.check_timezone(where, self.timezone)
        check.check_decimal(where, self.decimal)
        check.check_currency(where, self.currency)
        check.check_rates(where, self.rates, self.currency if self.is_complete else "")
        check.check_encoding(where, self.encoding)
        check.check_phone_region(where, self.phone_region)
        check.check_patterns(where, "not_products", self.not_products)
        check.check_patterns(where, "test_customers", self.test_customers)

    @property
    def is_complete(self) -> bool:
        """Tell whether it names its columns itself; else a preset must."""
        return bool(self.columns) and self.preset is None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        content = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        listed = {name: list(content[name]) for name in check.LISTS}
        tables = {"columns": dict(self.columns), "rates": dict(self.rates), "rules": dict(self.rules.changed)}
        return {**content, **listed, **tables, "said": sorted(self.said)}

    @staticmethod
    def of_dict(content: Dict[str, Any], where: str = "mapping") -> Mapping:
        """Return the mapping that `to_dict` gave; DeclarationError if it is none."""
        said = content.get("said", [])
        check.check_said(where, said, [entry.name for entry in fields(Mapping)])
        settings = {key: value for key, value in content.items() if key != "said"}
        mapping = _build(where, settings, stem=str(content.get("name", where)))
        return replace(mapping, said=frozenset(said))


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping from TOML; raise DeclarationError for what is unknown, DataError for no file."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: the mapping cannot be read ({error.strerror}). Check the path.") from None
    except UnicodeDecodeError as error:
        raise DeclarationError(f"{path}: this is not TOML ({error}). Save it as UTF-8.") from None
    except ValueError as error:
        raise DataError(f"{path}: the mapping cannot be read ({error}). Check the path.") from None
    return parse_mapping(text, where=str(path), stem=Path(path).stem)


def parse_mapping(text: str, *, where: str, stem: str) -> Mapping:
    """Return the mapping of a TOML text; stem: its name where the text gives none. Raises DeclarationError."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"{where}: this is not TOML ({error}). Correct that line.") from None
    return _build(where, content, stem=stem)


def recognise(
    columns: Sequence[str], *, preset: str | None = None, given: Dict[str, str] | None = None
) -> Mapping:
    """Return the mapping of the preset that fits these column names; raise DataError if none does.

    preset: the only one to try. given: parts whose columns are known, whatever they are called.
    """
    given = dict(given or {})
    tried = [one for one in PRESETS if preset in (None, one.name)]
    for one in tried:
        parts = _parts_of(one, columns, given)
        if fits(one, parts, columns):
            return _from_preset(one, parts, columns)
    raise DataError(_unrecognised(columns, tried[0] if preset else GENERIC, forced=preset))


def complete(given: Mapping, columns: Sequence[str]) -> Mapping:
    """Return what a shop said, completed by the preset that fits these columns; raise DataError if none does."""
    if given.is_complete:
        return given
    found = recognise(columns, preset=given.preset, given=given.columns)
    said = given.said or {one.name for one in fields(given) if getattr(given, one.name) != _default(one)}
    settings = {name: getattr(given, name) for name in said if name not in ("columns", "preset", "said")}
    return replace(found, **settings, said=given.said)


def _default(entry: Field[Any]) -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def preset_notes(columns: Sequence[str], *, preset: str | None = None) -> tuple[str, ...]:
    """Return what the user of a recognised file should know, for example what the amount is made of."""
    fitting = (
        one for one in PRESETS if preset in (None, one.name) and fits(one, find_parts(one, columns), columns)
    )
    return next((one.notes for one in fitting), ())


def shown(columns: Sequence[str]) -> str:
    """Return column names for a message: at most 20, each at most 40 characters, nothing unprintable."""
    names = ["".join(c if c.isprintable() else "�" for c in name[:40]) for name in columns[:20]]
    more = [f"and {len(columns) - 20} more"] if len(columns) > 20 else []
    return ", ".join([*names, *more])


def _build(where: str, content: Dict[str, Any], *, stem: str) -> Mapping:
    known = [entry.name for entry in fields(Mapping) if entry.name != "said"]
    for key, value in content.items():
        if key not in known:
            raise DeclarationError(
                f"{where}: unknown key '{key}'{nearest(key, known) or '.'} Known keys: {', '.join(known)}."
            )
        check.check_kind(where, key, value)
    said: dict[str, Any] = {
        key: tuple(value) if key in check.LISTS else value for key, value in content.items()
    }
    if "rules" in said:
        said["rules"] = Rules.of(said["rules"], where)
    return Mapping(**{"name": stem, **said}, said=frozenset(said))


def _parts_of(preset: Preset, columns: Sequence[str], given: Dict[str, str]) -> dict[str, str]:
    free = [column for column in columns if column not in given.values()]
    return {**find_parts(preset, free), **given}


def _from_preset(preset: Preset, parts: dict[str, str], columns: Sequence[str]) -> Mapping:
    sources = {fold(name) for name in preset.source_column}
    order_columns = tuple(dict.fromkeys(parts[part] for part in preset.order_parts if part in parts))
    return Mapping(
        name=preset.name,
        columns=parts,
        currency=preset.currency,
        timezone=preset.timezone,
        source_column=next((column for column in columns if fold(column) in sources), None),
        order_columns=order_columns,
        discount_included=preset.discount_included,
        cancelled_order_prefix=preset.cancelled_order_prefix,
        unpaid_statuses=preset.unpaid_statuses,
        cancelled_statuses=preset.cancelled_statuses,
        not_products=preset.not_products,
    )


def _unrecognised(columns: Sequence[str], preset: Preset, *, forced: str | None) -> str:
    parts = find_parts(preset, columns)
    missing = [group[0] for group in NEEDED if not any(part in parts for part in group)]
    missing += [part for part in preset.required if part not in parts and part not in missing]
    guesses = [f"no column for {part}" + _hint(part, preset, parts, columns) for part in missing]
    there = {fold(column) for column in columns}
    guesses += [f"no column '{name}'" for name in preset.signature if fold(name) not in there]
    what = f"The preset '{forced}' does not fit" if forced else "No mapping fits"
    return (
        f"{what} the columns found ({shown(columns)}): {'; '.join(guesses)}. "
        "Name them in the section [columns] of a mapping file."
    )


def _hint(part: str, preset: Preset, parts: Dict[str, str], columns: Sequence[str]) -> str:
    """Return ` (did you mean 'x'?)` for the free column whose name is nearest to one of the part's names."""
    by_folded = {fold(column): column for column in columns if column not in parts.values()}
    hints = (nearest(fold(name), by_folded) for name in preset.parts.get(part, ()))
    hint = next((hint for hint in hints if hint), "")
    found = hint.removeprefix(", did you mean '").removesuffix("'?")
    return f" (did you mean '{by_folded[found]}'?)" if found in by_folded else ""
