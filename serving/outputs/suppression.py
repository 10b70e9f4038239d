"""The suppression list: customers whom no export may hold, because they asked for it or the law does.

A file of one entry a line, or CSV with any of the columns customer_id, email and phone. Without such a header an entry
is a customer id, exactly as written; if it is an e-mail address or a telephone number that begins with + it is that as
well. So it is under customer_id, as shops have ids that are addresses; without a personal table addresses among
other ids are refused there, as nothing would tell what they are. Addresses match in any spelling through the personal
table, and whoever shares an address with somebody on the list is left out too: a message to it would reach the wrong
one.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from contracts.errors import DataError
from features.identity.keys import normal_email, normal_email_sql
from serving.outputs.addresses import typed

if TYPE_CHECKING:
    import duckdb

_KINDS = ("customer_id", "email", "phone")
# Python and DuckDB read these two the same way.
_FILL = "[ \\t\\r\\n\u00a0().\\-/]+"
_NUMBER = r"(?:\+|00)([1-9][0-9]{6,14})"
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Suppressed:
    """What a suppression list names: customer ids, normal e-mail addresses, numbers in E.164.

    doubtful: the ids that are addresses or numbers as well, each with what it would be as one; a header calls them ids.
    """

    ids: frozenset[str]
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    doubtful: frozenset[tuple[str, str]] = frozenset()

    def customers(self, personal: pa.Table | None) -> frozenset[str]:
        """Return the customer ids that no export may hold.

        Raises DataError if the list has addresses and there is no personal table to tell whose they are.
        """
        if personal is None:
            self._require_ids_only()
            return self.ids
        maybe = {address for _, address in self.doubtful}
        barred = {"ids": sorted(self.ids), "addresses": sorted(self.emails | self.phones | maybe)}
        with _owners(personal, **barred) as engine:
            found = engine.sql(
                """WITH named AS (SELECT text FROM addresses UNION
                                  SELECT address FROM owners JOIN ids ON customer_id = text)
                   SELECT DISTINCT customer_id FROM owners JOIN named ON address = text"""
            ).fetchall()
        return self.ids | {own for (own,) in found}

    def unmatched(self, personal: pa.Table) -> int:
        """Return how many addresses of the list belong to nobody in the personal table."""
        known = set(typed(personal)["customer_id"].to_pylist()) if self.doubtful else set()
        maybe = {address for own, address in self.doubtful if own not in known}
        with _owners(personal, addresses=sorted(self.emails | self.phones | maybe)) as engine:
            found = engine.sql("SELECT count(*) FROM addresses ANTI JOIN owners ON address = text").fetchall()
        return int(found[0][0])

    def _require_ids_only(self) -> None:
        count = len(self.emails) + len(self.phones)
        if count:
            raise DataError(
                f"the suppression list holds {count:,} e-mail addresses or telephone numbers, and nothing tells whose "
                "they are. Give the personal table (--personal FILE), or, if they are customer ids, write customer_id "
                "above them."
            )
        others = {own.strip() for own in self.ids} - {own for own, _ in self.doubtful}
        if self.doubtful and others:
            raise DataError(
                f"the suppression list has {len(self.doubtful):,} e-mail addresses or telephone numbers under "
                "customer_id, among other ids, and nothing tells whose they are. Give the personal table "
                "(--personal FILE), or remove them."
            )


def read_suppression(path: Path) -> Suppressed:
    """Read a suppression list; DataError if there is no such file, or a line of it cannot be read."""
    ids, emails, phones = set[str](), set[str](), set[str]()
    doubtful = set[tuple[str, str]]()
    for kind, text, line in _entries(path):
        address = normal_email(text) if kind != "phone" else None
        number = normal_number(text) if kind == "phone" or text.lstrip().startswith("+") else None
        if (kind == "email" and address is None) or (kind == "phone" and number is None):
            need = (
                "no e-mail address" if kind == "email" else "no telephone number with its country code (+49…)"
            )
            raise DataError(f"{path}, line {line}: this is {need}. Correct it, or remove the line.")
        if kind in ("customer_id", "any"):
            ids |= {text, text.strip()}  # blanks that a spreadsheet left must not let anybody through
        if kind == "customer_id":
            doubtful |= {(text.strip(), one) for one in (address, number) if one is not None}
            continue
        if address is not None:
            emails.add(address)
        if number is not None:
            phones.add(number)
    return Suppressed(frozenset(ids), frozenset(emails), frozenset(phones), frozenset(doubtful))


def normal_number(text: str | None) -> str | None:
    """Return a telephone number with its country code as E.164, None if it is none."""
    found = re.fullmatch(_NUMBER, re.sub(_FILL, "", text or ""))
    return f"+{found[1]}" if found else None


def _entries(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield each entry with its kind (one of _KINDS, or any) and its line."""
    lines = _lines(path)
    header = _header(lines[0])
    if header is None:
        yield from _listed(path, lines)
        return
    separator, names = header
    rows = csv.reader(lines[1:], delimiter=separator, strict=True)
    try:
        for fields in rows:
            if len(fields) > len(names):
                raise DataError(
                    f"{path}, line {rows.line_num + 1}: {len(fields)} fields where the header has {len(names)}. "
                    "Correct the line."
                )
            named = zip(names, fields, strict=False)
            yield from (
                (kind, text, rows.line_num + 1) for kind, text in named if kind in _KINDS and text.strip()
            )
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num + 1}: {error}. Correct the line.") from None


def _listed(path: Path, lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """Yield the entries of a file without a header: one a line, perhaps in quotation marks."""
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if len(text) > 1 and text[0] == text[-1] == '"':
            text = text[1:-1].replace('""', '"')
        elif any(sign in text for sign in _SEPARATORS):
            raise DataError(
                f"{path}, line {number}: there is more than one field, and no header says which is the customer. "
                "Write one entry a line, or a header with customer_id, email or phone."
            )
        if text.strip():
            yield "any", text, number


def _header(line: str) -> tuple[str, list[str]] | None:
    """Return the separator and the column names, None if the first line is no header."""
    for separator in _SEPARATORS:
        names = [name.strip().strip('"').casefold() for name in line.strip().split(separator)]
        if any(name in _KINDS for name in names):
            return separator, names
    return None


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such suppression list. Nothing is exported without it; give the file."
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: the suppression list is no UTF-8 text. Save it as CSV (UTF-8).") from None
    if "\0" in text:
        raise DataError(f"{path}: the suppression list is no text file. Save it as CSV (UTF-8).")
    if not text.strip():
        raise DataError(
            f"{path}: the suppression list is empty. If nobody is on it, write customer_id as its only line."
        )
    return io.StringIO(text, newline="").readlines()


@contextmanager
def _owners(personal: pa.Table, **listed: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield tables `owners` (each normal address and number of all times with its customer) and the listed texts."""
    import duckdb  # here as in addresses.py

    with duckdb.connect() as engine:
        engine.register("personal", typed(personal))
        for name, texts in listed.items():
            engine.register(name, pa.table({"text": pa.array(texts, pa.string())}))
        engine.execute(
            f"""CREATE TEMP VIEW owners AS
                SELECT customer_id, {normal_email_sql("email")} AS address FROM personal UNION ALL
                SELECT customer_id, '+' || nullif(regexp_extract(regexp_replace(phone, '{_FILL}', '', 'g'),
                                                                 '^{_NUMBER}$', 1), '') FROM personal"""
        )
        yield engine
