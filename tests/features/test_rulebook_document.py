"""docs/orders.md tells every rule as it is."""

from __future__ import annotations

from pathlib import Path

from features.rulebook import as_table

GUIDE = Path(__file__).parents[2] / "docs" / "orders.md"


def test_the_guide_holds_the_rules_as_they_are() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = text.split("<!-- rules -->\n")[1].split("\n<!-- /rules -->")[0]
    assert table == as_table(), "put features.rulebook.as_table() between the two marks in docs/orders.md"
