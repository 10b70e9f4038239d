"""docs/features.md is what the declarations say."""

from __future__ import annotations

from features.catalog import CATALOG, REFERENCES
from features.catalog.document import COMMAND, PATH, document


def test_the_document_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), f"docs/features.md is stale: run `{COMMAND}`"


def test_every_feature_and_reference_table_has_one_row() -> None:
    lines = document().splitlines()
    for one in (*CATALOG, *REFERENCES):
        assert sum(line.startswith(f"| `{one.name}` |") and one.description in line for line in lines) == 1


def test_every_row_has_as_many_cells_as_its_table_has_titles() -> None:
    tables = [part.splitlines() for part in document().split("\n\n") if part.startswith("| ")]
    assert len(tables) == 13
    for table in tables:
        assert {line.count(" | ") for line in table} == {table[0].count(" | ")}
