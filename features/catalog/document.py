"""Write docs/features.md, the catalogue as tables by family.

python -m features.catalog.document
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from features.catalog import CATALOG, FAMILIES, REFERENCES
from features.kernel.declaration import Feature

PATH = Path(__file__).parents[2] / "docs/features.md"
COMMAND = "python -m features.catalog.document"
_HEAD = """# The features

{count} features in {families} families; {plain} of them need nothing but customer, order, time and amount. Each is one
function in `features/catalog/`, computed from what was known at the end of the cutoff day. A window of d days is the
last d days, the cutoff included. Money is in the shop's currency; a value that is not defined is empty.

*needs*: columns of the order lines, `events`, columns of the customers (`customers.…`), reference tables
(`reference.…`, below). What is absent switches the feature off. *calendar*: empty where a shift of all dates changes
nothing; features of the `week` stay the same under shifts by whole weeks, features of the `year` do not.

Written by `{command}`.
"""


def document() -> str:
    """Return the document as Markdown."""
    head = _HEAD.format(
        count=len(CATALOG),
        families=len(FAMILIES),
        plain=len(CATALOG.available(frozenset())),
        command=COMMAND,
    )
    parts = [head, *(_family(name, catalog) for name, catalog in FAMILIES.items()), _references()]
    return "\n".join(parts)


def write() -> None:
    """Write the document."""
    PATH.write_text(document(), encoding="utf-8")


def _family(name: str, catalog: Iterable[Feature]) -> str:
    rows = [
        (
            f"`{one.name}`",
            one.unit,
            _needs(one),
            "" if one.calendar == "none" else one.calendar,
            one.description,
        )
        for one in catalog
    ]
    return f"## {name}\n\n{_table(('feature', 'unit', 'needs', 'calendar', 'what it is'), rows)}"


def _needs(one: Feature) -> str:
    return ", ".join((*one.needs, *(f"reference.{name}" for name in one.needs_reference)))


def _references() -> str:
    rows = [(f"`{one.name}`", one.key, one.description) for one in REFERENCES]
    text = "Numbers about the population, fitted as of each training cutoff and kept in the bundle with their day."
    return f"## Reference tables\n\n{text}\n\n{_table(('table', 'key', 'what it is'), rows)}"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    write()
