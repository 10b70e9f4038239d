"""Which column may play which part, judged by its name and its values: for files that no preset fits, and for choices.

A guess needs a person to look at it: it is only ever written into a suggestion, never used unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

import duckdb

from features.reading.numbers import number_sql
from features.reading.presets import GENERIC, NEEDED, NUMBERS, PERSONAL, fold
from features.reading.sources import Source

# Parts of names in several languages, for columns that no preset names.
STEMS = {
    "customer_id": ("customer", "kunde", "cust", "client", "user", "member", "buyer", "acheteur", "klant"),
    "email": ("mail",),
    "ordered_at": ("date", "datum", "fecha", "time", "zeit", "created", "purchased", "day"),
    "amount": (
        "amount", "betrag", "umsatz", "summe", "total", "montant", "importe", "valor", "preis", "revenue", "sales",
        "netto", "bedrag", "value", "price", "net",
    ),
    "order_id": ("order", "bestell", "auftrag", "rechnung", "beleg", "commande", "pedido", "invoice", "receipt"),
    "quantity": ("quantity", "qty", "menge", "anzahl", "stueck", "quantit", "cantidad", "aantal"),
    "product_id": ("product", "artikel", "sku", "produkt", "article", "produit", "producto"),
}  # fmt: skip
_PERSONAL = re.compile(
    "mail|phone|telefon|mobile|street|strasse|address|adress|zip|postcode|city|company|note|agent|^ip|ip$"
    "|(first|last|full|sur|billing|shipping|customer|client|user|to)name$|^name$"
)
_DATE = re.compile(
    r"\s*([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}|(19|20)[0-9]{6}$"
    r"|[0-9]{1,2}[ -][A-Za-z]{3,9}[ -][0-9]{2,4}|[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4})"
)
_SAMPLE_ROWS = 2000
_ENOUGH = 0.9


@dataclass(frozen=True)
class Samples:
    """The values of each column in the first rows (texts, blanks left out), and which columns hold numbers."""

    values: Dict[str, tuple[str, ...]]
    numeric: frozenset[str]

    def fits(self, part: str, column: str) -> bool:
        """Tell whether a column's values may be those of a part."""
        values = self.values[column]
        if not values:
            return False
        if part == "ordered_at":
            return _share(values, lambda value: bool(_DATE.match(value)))
        if part == "email":
            return _share(values, lambda value: "@" in value)
        if part in NUMBERS:
            return column in self.numeric
        return not _share(values, lambda value: bool(_DATE.match(value)) or "@" in value)

    def shown(self, column: str, part: str | None = None, most: int = 3) -> str:
        """Return the first different values of a column, or of the part it plays; nothing of a person."""
        values = list(dict.fromkeys(self.values[column]))[:most]
        if not values:
            return "no values in the first rows"
        named = part is None and bool(_PERSONAL.search(fold(column)))
        a_name = part == "customer_id" and any(re.search(r"[^\W\d]\s+[^\W\d]", value) for value in values)
        if named or a_name or part in PERSONAL or any("@" in value for value in values):
            return "personal, not shown"
        return ", ".join(value if len(value) <= 28 else value[:27] + "…" for value in values)


def _share(values: tuple[str, ...], test: Callable[[str], bool]) -> bool:
    return sum(map(test, values)) >= _ENOUGH * len(values)


def sample(con: duckdb.DuckDBPyConnection, source: Source) -> Samples:
    """Return values of a source's first rows."""
    fields = "".join(f", trim(c{place}::VARCHAR) AS c{place}" for place in range(len(source.columns)))
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE sampled AS SELECT source_row{fields} FROM {source.table}
            ORDER BY source_row LIMIT {_SAMPLE_ROWS}"""
    )
    values: dict[str, tuple[str, ...]] = {}
    numeric = set()
    for place, column in enumerate(source.columns):
        found = con.execute(
            f"""SELECT c{place}, {number_sql(f"c{place}", "VARCHAR", ".")} IS NOT NULL
                       OR {number_sql(f"c{place}", "VARCHAR", ",")} IS NOT NULL
                FROM sampled WHERE c{place} <> '' ORDER BY source_row"""
        ).fetchall()
        values.setdefault(column, tuple(str(value) for value, _ in found))
        if found and sum(is_number for _, is_number in found) >= _ENOUGH * len(found):
            numeric.add(column)
    con.execute("DROP TABLE sampled")
    return Samples(values=values, numeric=frozenset(numeric))


def guess(found: Dict[str, str], samples: Samples) -> dict[str, str]:
    """Return columns for parts that no name has settled, the needed ones first."""
    guessed: dict[str, str] = {}
    for part in STEMS:
        group = next((group for group in NEEDED if part in group), (part,))
        if any(one in found or one in guessed for one in group):
            continue
        taken = {*found.values(), *guessed.values()}
        choices = [column for column in candidates(part, samples) if column not in taken]
        if choices:
            guessed[part] = choices[0]
    return guessed


def candidates(part: str, samples: Samples) -> list[str]:
    """Return the columns that may play a part, the likeliest first: by a known name, a part of it, the values."""
    names = [fold(name) for name in GENERIC.parts.get(part, ())]
    stems = STEMS.get(part, ())
    ranked: list[tuple[int, int, int, str]] = []
    for place, column in enumerate(samples.values):
        folded = fold(column)
        stem = next((i for i, stem in enumerate(stems) if stem in folded), None)
        if folded in names:
            ranked.append((0, names.index(folded), place, column))
        elif stem is not None and samples.fits(part, column):
            ranked.append((1, stem, place, column))
        elif part in ("ordered_at", "email") and samples.fits(part, column):
            ranked.append((2, 0, place, column))
    return [column for *_, column in sorted(ranked)]
