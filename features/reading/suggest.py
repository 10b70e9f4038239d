"""A mapping file for a source that is not known yet: what was recognised, what was guessed, and what is missing.

The text is a TOML file that `load_mapping` reads back as the same mapping. Beside each column stand values of it and
the other columns that might play its part; columns that play none follow with values of their own. Values that may be
of a person (addresses, names, telephone numbers) are not shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from contracts.errors import DataError
from features.reading.conventions import currencies, settle
from features.reading.dates import read_style
from features.reading.exports import combine
from features.reading.guesses import Samples, candidates, guess, sample
from features.reading.mapping import Mapping, preset_notes, recognise
from features.reading.presets import GENERIC, NEEDED, NO_CURRENCY, PARTS, find_parts
from features.reading.sources import Source, find_files, load_source
from features.reading.toml_text import comment, quoted, setting

_MEANINGS = {
    "customer_id": "who bought: a number or name of the customer",
    "email": "the e-mail address, where there is no customer_id",
    "ordered_at": "when it was ordered",
    "amount": "what was paid for the goods of this row, without tax and shipping where it can be told",
    "unit_price": "the price of one piece, where there is no amount",
}
_MOST_CHOICES = 4


@dataclass(frozen=True)
class Suggestion:
    """The text of a mapping file, the mapping that it says (None: parts are missing), and which parts those are."""

    text: str
    mapping: Mapping | None
    missing: tuple[str, ...]


def suggest(source: str | Path | Sequence[str | Path]) -> Suggestion:
    """Return a mapping file for a source, by its first file where there are several.

    Raises DataError if it cannot be read.
    """
    files = find_files(source)
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        con = duckdb.connect(config={"temp_directory": folder})
        try:
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            con.execute("CREATE TEMP TABLE malformed (source INTEGER, source_row BIGINT, text VARCHAR)")
            sources = [load_source(con, number, file) for number, file in enumerate(files)]
            return suggest_for(con, combine(con, sources))
        except duckdb.Error as error:
            raise DataError(f"{files[0]}: DuckDB cannot read this ({str(error).splitlines()[0]}).") from error
        finally:
            con.close()


def suggest_for(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> Suggestion:
    """Return a mapping file for loaded sources, by the first of them."""
    source = sources[0]
    samples = sample(con, source)
    mapping, guessed, missing = _find(source, samples)
    told = [*source.notes, *preset_notes(source.columns)]
    if len(sources) > 1:
        told.append(f"Written by the first of {len(sources)} files; the others must have the same columns.")
    if mapping is None:
        columns = {**find_parts(GENERIC, source.columns), **guessed}
        text = _text(_Draft(source, samples, columns, guessed, missing, told), [])
        return Suggestion(text, None, missing)
    mapping, codes = _settled(con, source, mapping)
    draft = _Draft(source, samples, dict(mapping.columns), guessed, missing, told)
    settings = _settings(con, source, mapping, codes)
    return Suggestion(_text(draft, settings, codes=codes, currency=mapping.currency), mapping, missing)


@dataclass(frozen=True)
class _Draft:
    """What is known about the columns of a source."""

    source: Source
    samples: Samples
    columns: dict[str, str]
    guessed: dict[str, str]
    missing: tuple[str, ...]
    notes: Sequence[str]


def _find(source: Source, samples: Samples) -> tuple[Mapping | None, dict[str, str], tuple[str, ...]]:
    """Return the mapping (None if parts are missing), the parts that were guessed, and those that are missing."""
    try:
        return recognise(source.columns), {}, ()
    except DataError:
        found = find_parts(GENERIC, source.columns)
        guessed = guess(found, samples)
    known = {**found, **guessed}
    missing = tuple(group[0] for group in NEEDED if not any(part in known for part in group))
    if missing:
        return None, guessed, missing
    return recognise(source.columns, preset=GENERIC.name, given=guessed), guessed, ()


def _settled(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping) -> tuple[Mapping, list[str]]:
    """Return the mapping as the rows settle it, and the currencies of the rows, the shop's first."""
    codes = currencies(con, source, mapping, "true")
    if not codes or (len(codes) == 1 and mapping.currency in (NO_CURRENCY, *codes)):
        return settle(con, source, mapping, "true"), codes
    without = {part: column for part, column in mapping.columns.items() if part != "currency"}
    settled = settle(con, source, replace(mapping, columns=without), "true")
    shop = mapping.currency if mapping.currency != NO_CURRENCY or not codes else codes[0]
    return replace(settled, columns=mapping.columns, currency=shop), [shop, *(c for c in codes if c != shop)]


def _settings(
    con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, codes: list[str]
) -> list[str]:
    """Return the lines of the settings, each with what it rests on."""
    known = "as recognised" if mapping.currency != NO_CURRENCY else "say yours: EUR, GBP, USD, …"
    from_file = f"found in '{mapping.columns['currency']}'" if codes else known
    lines = [
        setting("name", mapping.name),
        setting("currency", mapping.currency) + "  " + comment(from_file),
        setting("timezone", mapping.timezone)
        + "  "
        + comment("of times without an offset, e.g. Europe/Berlin"),
        setting("decimal", mapping.decimal or ".") + "  " + comment("the decimal mark of numbers"),
        *_date_lines(con, source, mapping),
    ]
    if source.encoding not in ("utf-8", "utf-16"):
        lines.append(comment(f"the text was read as {source.encoding}; encoding = … says another one"))
    for name in ("source_column", "cancelled_order_prefix"):
        value = getattr(mapping, name)
        lines.append(setting(name, value) if value else comment(f'{name} = "…"'))
    lines.append(setting("discount_included", mapping.discount_included) + "  " + comment(_discount(mapping)))
    if "status" in mapping.columns:
        lines.append(comment(f"statuses found: {_statuses(con, source, mapping)}"))
    for name in ("unpaid_statuses", "cancelled_statuses", "not_products", "test_customers", "order_columns"):
        lines.append(setting(name, getattr(mapping, name)))
    return lines


def _discount(mapping: Mapping) -> str:
    money = "amount" if "amount" in mapping.columns else "unit_price x quantity"
    return (
        f"{money} is after the discount" if mapping.discount_included else f"{money} is before it: taken off"
    )


def _statuses(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping) -> str:
    place = source.place_of(mapping.columns["status"])
    rows = con.execute(
        f"""SELECT trim(c{place}::VARCHAR) AS word, count(*) FROM {source.table} WHERE word <> ''
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12"""
    ).fetchall()
    return ", ".join(f"{word[:28]} ({count:,})" for word, count in rows) or "none"


def _date_lines(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping) -> list[str]:
    """Return the line that asks how dates are written, where the rows leave it open."""
    place = source.place_of(mapping.columns["ordered_at"])
    if place is None or source.types[place].startswith(("TIMESTAMP", "DATE")):
        return []
    try:
        read_style(con, [(source.table, f"c{place}::VARCHAR")], source.path)
    except DataError:
        return [
            comment(
                'date_format = "%d/%m/%Y"  # NEEDED: day first, or "%m/%d/%Y"; add the time if there is one'
            )
        ]
    return []


def _text(
    draft: _Draft, settings: Sequence[str], *, codes: Sequence[str] = (), currency: str = NO_CURRENCY
) -> str:
    source = draft.source
    lines = [
        comment(
            f"Mapping for {source.path}: {len(source.columns)} columns, {len(draft.columns)} of them mapped."
        ),
        comment("Look at the values beside each column before you rely on it."),
        *(comment(note) for note in draft.notes),
        "",
        *settings,
        "",
        '[columns]  # ours = "theirs"',
        *(line for part in PARTS if part in draft.columns for line in _column_lines(draft, part)),
    ]
    if draft.missing:
        lines += [
            "",
            comment("Needed and not found: write one of your columns behind it, and take the # away."),
        ]
        lines += [
            comment(f'{part} = ""  # {_MEANINGS[part]}')
            for group in NEEDED
            if group[0] in draft.missing
            for part in group
        ]
    rest = [column for column in source.columns if column not in draft.columns.values()]
    if rest:
        lines += ["", comment("Columns that play no part:")]
        lines += [comment(f"  {quoted(column)}: {draft.samples.shown(column)}") for column in rest]
    if len(codes) > 1:
        lines += ["", comment(f"[rates]  # NEEDED: how much {currency} one of each other currency is")]
        lines += [comment(f"{code} = 1.0") for code in codes if code != currency]
    return "\n".join([*lines, ""])


def _column_lines(draft: _Draft, part: str) -> list[str]:
    """Return the line of a part with values beside it, and below it the other columns that might play it."""
    column = draft.columns[part]
    values = draft.samples.shown(column, part)
    how = "GUESSED: " if part in draft.guessed else ""
    lines = [setting(part, column) + "  " + comment(how + values)]
    others = [other for other in candidates(part, draft.samples) if other != column][:_MOST_CHOICES]
    if others:
        lines.append(comment(f"  or: {', '.join(quoted(other) for other in others)}"))
    return lines
