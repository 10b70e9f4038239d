"""The printed account adds up to 100 %."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from features.cleaning.report import print_report, shares
from features.orders import read_orders


def test_shares_add_up_to_exactly_one_hundred() -> None:
    assert shares([1, 1, 1]) == ["33.34 %", "33.33 %", "33.33 %"]
    assert shares([0, 5]) == ["0.00 %", "100.00 %"]


def test_the_account_names_every_reason_and_the_total(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("customer,date,total\na,2024-01-01,1\n,2024-01-02,1\nb,soon,1\n")
    text = io.StringIO()
    print_report(read_orders(tmp_path).report, Console(file=text, width=200))
    for words in (
        "kept",
        "refused: missing_customer",
        "refused: unreadable_date",
        "33.34 %",
        "100.00 %",
        "1 customers",
    ):
        assert words in text.getvalue()
