"""What was paid: rates, discounts, signs."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import DataError
from tests.features.cleaning.shop import PLAIN, column, read, refused

CURRENCY = f"{PLAIN},currency"
RATES = 'preset = "generic"\ncurrency = "EUR"\n[rates]\nUSD = 0.5\n'


def test_other_currencies_are_converted_by_their_rate(tmp_path: Path) -> None:
    rows = ("a,1,2024-01-01,5,EUR", "a,2,2024-01-02,5, usd ", "a,3,2024-01-03,5,")
    orders = read(tmp_path, *rows, header=CURRENCY, toml=RATES)
    assert column(orders, "amount") == [5.0, 2.5, 5.0] and orders.currency == "EUR"


def test_a_currency_without_a_rate_is_refused_by_name(tmp_path: Path) -> None:
    rows = ("a,1,2024-01-01,5,EUR", "a,2,2024-01-02,5,GBP")
    assert refused(read(tmp_path, *rows, header=CURRENCY, toml=RATES)) == {"other_currency": 1}
    with pytest.raises(DataError, match="mixes EUR, GBP"):
        read(tmp_path, *rows, header=CURRENCY)


def test_a_discount_that_is_not_included_is_taken_off(tmp_path: Path) -> None:
    rows = ("a,1,2024-01-01,10,2", "a,2,2024-01-02,10,-2", "a,3,2024-01-03,-10,2", "a,4,2024-01-04,10,")
    toml = 'preset = "generic"\ndiscount_included = false\n'
    orders = read(tmp_path, *rows, header=f"{PLAIN},discount", toml=toml)
    assert column(orders, "amount") == [8.0, 8.0, -8.0, 10.0]
    assert column(orders, "discount") == [2.0, 2.0, 2.0, None]


def test_a_discount_that_is_included_changes_nothing(tmp_path: Path) -> None:
    orders = read(tmp_path, "a,1,2024-01-01,10,2", header=f"{PLAIN},discount")
    assert column(orders, "amount") == [10.0]


def test_a_zero_is_never_negative(tmp_path: Path) -> None:
    orders = read(tmp_path, "a,1,2024-01-01,-0.0", "a,2,2024-01-02,0", header=PLAIN)
    assert [str(amount) for amount in column(orders, "amount")] == ["0.0", "0.0"]
