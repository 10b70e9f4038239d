"""Every rule of the rulebook: it fires, is counted, stands in quarantine with its place, and can be switched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from contracts.errors import DeclarationError
from features.orders import Orders, read_orders
from features.rulebook import REASONS, RULES, Rules
from tests.features.cleaning.shop import PLAIN, counts, read, refused, shop, write

GOOD = ("g,1,2024-01-01,5", "h,2,2024-01-02,6")


@dataclass(frozen=True)
class Case:
    """One row that one rule refuses, behind good ones."""

    row: str
    good: tuple[str, ...] = GOOD
    header: str = PLAIN
    toml: str = ""
    now: datetime | None = None

    def read(self, folder: Path, rules: str = "") -> Orders:
        return read(folder, *self.good, self.row, header=self.header, toml=self.toml + rules, now=self.now)


STATUS, QUANTITY = f"{PLAIN},status", "customer_id,order_id,date,quantity,price"
PRICED = ("g,1,2024-01-01,1,5", "h,2,2024-01-02,1,6")
SKU, EMAIL, CURRENCY = f"{PLAIN},sku", f"{PLAIN},email", f"{PLAIN},currency"
OUTLIER = tuple(f"g{i % 97},{i},2024-01-{1 + i % 28:02d},5" for i in range(1_000))
REFUSED = {
    "malformed_row": Case("b,3"),
    "unreadable_date": Case("b,3,soon,5"),
    "future_date": Case("b,3,2024-06-01 12:00:01,5", now=datetime(2024, 6, 1, 12)),
    "absurd_date": Case("b,3,1900-01-01,5"),
    "missing_customer": Case("null,3,2024-01-03,5"),
    "test_order": Case("b,3,2024-01-03,5,test@shop.de", tuple(f"{row}," for row in GOOD), EMAIL),
    "unpaid_order": Case("b,3,2024-01-03,5,On-Hold", tuple(f"{row},paid" for row in GOOD), STATUS),
    "cancelled_order": Case("b,3,2024-01-03,5,REFUNDED", tuple(f"{row},paid" for row in GOOD), STATUS),
    "missing_quantity": Case("b,3,2024-01-03,,5", PRICED, QUANTITY),
    "unreadable_quantity": Case("b,3,2024-01-03,inf,5", PRICED, QUANTITY),
    "zero_quantity": Case("b,3,2024-01-03,0,5", PRICED, QUANTITY),
    "other_currency": Case(
        "b,3,2024-01-03,5,GBP", tuple(f"{row},EUR" for row in GOOD), CURRENCY,
        'preset = "generic"\ncurrency = "EUR"\n[rates]\nUSD = 0.5\n',
    ),
    "unreadable_amount": Case("b,3,2024-01-03,1e16"),
    "negative_price": Case("b,3,2024-01-03,1,-5", PRICED, QUANTITY),
    "not_a_product": Case(
        "b,3,2024-01-03,5,Post", tuple(f"{row},x" for row in GOOD), SKU, 'preset = "generic"\nnot_products = ["post"]\n'
    ),
    "no_valid_order": Case("b,3,2024-01-03,-5"),
    "outlier_basket": Case("b,9999,2024-02-01,500", OUTLIER),
    "reseller": Case("b,3,2024-01-03,2000,5", PRICED, QUANTITY),
    "bot": Case("b,99,2024-01-03,5", tuple(f"b,{i},2024-01-03,5" for i in range(20, 39)) + GOOD),
}  # fmt: skip
FLAGS = tuple(rule.name for rule in RULES if rule.does == "flag")
SWITCHED = tuple(rule.name for rule in RULES if rule.does == "refuse" and not rule.fixed)


def test_there_is_a_case_for_every_reason() -> None:
    assert set(REFUSED) == set(REASONS)


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_refuses_counts_and_quarantines_its_row(tmp_path: Path, name: str) -> None:
    case = REFUSED[name]
    orders = case.read(tmp_path, f'\n[rules]\n{name} = "refuse"' if name in FLAGS else "")
    rows = 20 if name == "bot" else 1
    assert counts(orders) and refused(orders) == {name: rows}
    last = orders.quarantine.slice(orders.quarantine.num_rows - 1).to_pylist()[0]
    place = len(case.good) + (2 if name == "malformed_row" else 1)  # of a misfit: the line of the file
    assert (last["reason"], last["source_file"]) == (name, str(tmp_path / "orders.csv"))
    assert last["source_row"] == place


@pytest.mark.parametrize("name", SWITCHED)
def test_a_rule_that_is_off_refuses_nothing(tmp_path: Path, name: str) -> None:
    orders = REFUSED[name].read(tmp_path, f"\n[rules]\n{name} = false")
    assert name not in refused(orders) and counts(orders)


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_keeps_its_rows_and_can_be_switched_off(tmp_path: Path, name: str) -> None:
    orders = REFUSED[name].read(tmp_path)
    assert refused(orders) == {} and orders.flags["flag"].to_pylist() == [name]
    assert orders.flags["customer_id"].to_pylist() == ["b"]
    assert any("refuse" in note for note in orders.report.notes)
    assert REFUSED[name].read(tmp_path, f"\n[rules]\n{name} = false").flags.num_rows == 0


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.fixed])
def test_a_fixed_rule_cannot_be_switched(name: str) -> None:
    with pytest.raises(DeclarationError, match=f"the rule {name} cannot be switched"):
        shop(f"[rules]\n{name} = false")


def test_only_flags_can_refuse() -> None:
    with pytest.raises(DeclarationError, match="absurd_date is 'refuse'"):
        Rules.of({"absurd_date": "refuse"}, "shop.toml")
    with pytest.raises(DeclarationError, match="the rule bot is 1"):
        Rules.of({"bot": 1}, "shop.toml")


def test_an_unknown_rule_is_named_with_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="unknown rule 'resellers', did you mean 'reseller'"):
        shop("[rules]\nresellers = true")


@pytest.mark.parametrize("on", ["true", "false"])
def test_rows_of_two_files_are_merged_only_while_the_rule_is_on(tmp_path: Path, on: str) -> None:
    files = [write(tmp_path, *GOOD, name=name) for name in ("old.csv", "new.csv")]
    orders = read_orders(files, mapping=shop(f"[rules]\ndelivered_twice = {on}\nduplicate_line = false"))
    assert orders.report.merged == ({"delivered_twice": 2} if on == "true" else {})
    assert counts(orders)["kept"] == (2 if on == "true" else 4)


@pytest.mark.parametrize("on", ["true", "false"])
def test_equal_lines_of_an_order_are_merged_only_while_the_rule_is_on(tmp_path: Path, on: str) -> None:
    orders = read(tmp_path, *GOOD, GOOD[0], toml=f"[rules]\nduplicate_line = {on}")
    assert orders.report.merged == ({"duplicate_line": 1} if on == "true" else {})
    assert counts(orders)["kept"] == (2 if on == "true" else 3)


def test_without_guest_checkout_a_row_with_an_address_alone_has_no_customer(tmp_path: Path) -> None:
    rows = ("g,1,2024-01-01,5,", ",2,2024-01-02,6,ann@shop.de")
    assert refused(read(tmp_path, *rows, header=EMAIL)) == {}
    off = read(tmp_path, *rows, header=EMAIL, toml="[rules]\nguest_checkout = false")
    assert refused(off) == {"missing_customer": 1}
