"""Guest checkouts: one person by one hashed address, and no address anywhere in what is written or kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.orders import read_orders
from features.prepared.process import Tally, process
from features.prepared.store import Prepared
from tests.features.cleaning.shop import column, counts, read, refused, write

HEADER = "customer_id,order_id,date,amount,email,phone"
ROWS = (
    ",1,2024-01-01,5,Ann+sale@Shop.de,+49 151 2345678",
    ",2,2024-01-02,6, ann@shop.de ,",
    "c,3,2024-01-03,7,cat@shop.de,",
    ",4,2024-01-04,8,nobody,",
    "d,5,2024-01-05,soon,dan@shop.de,0151 777",
    "e,6,2024-01-06,9,eve@example.com,",
    "f,7,2024-01-07,fay@shop.de",
    "g,8,2024-01-08,-3,gil@shop.de,",
)
SECRETS = ("ann", "cat@", "dan@", "eve@", "fay@", "gil@", "@shop", "151")


def test_one_address_in_several_spellings_is_one_guest(tmp_path: Path) -> None:
    orders = read(tmp_path, *ROWS, header=HEADER)
    customer, guest, same = column(orders, "customer_id")
    assert guest == same and guest.startswith("guest-") and len(guest) == 22 and customer == "c"


def test_a_word_that_is_no_address_makes_no_guest(tmp_path: Path) -> None:
    found = refused(read(tmp_path, *ROWS, header=HEADER))
    assert found["missing_customer"] == 1 and found["test_order"] == 1


def test_a_customer_column_is_not_needed_where_addresses_are(tmp_path: Path) -> None:
    orders = read(
        tmp_path, "1,2024-01-01,5,a@b.de", "2,2024-01-02,5,A@B.de", header="order_id,date,amount,email"
    )
    assert orders.report.customers_kept == 1 and counts(orders)["kept"] == 2


def test_dots_of_gmail_play_no_part(tmp_path: Path) -> None:
    rows = (",1,2024-01-01,5,an.na@gmail.com,", ",2,2024-01-02,5,anna+x@googlemail.com,")
    assert read(tmp_path, *rows, header=HEADER).report.customers_kept == 1


@pytest.mark.parametrize("reason", ["unreadable_amount", "test_order", "no_valid_order", "malformed_row"])
def test_no_address_and_no_number_stands_in_quarantine(tmp_path: Path, reason: str) -> None:
    orders = read(tmp_path, *ROWS, header=HEADER)
    rows = [row for row in orders.quarantine.to_pylist() if row["reason"] == reason]
    assert len(rows) == 1 and not any(secret in json.dumps(rows).lower() for secret in SECRETS)
    assert "(hidden)" in json.dumps(rows)


def test_no_address_is_kept_in_lines_flags_or_report(tmp_path: Path) -> None:
    orders = read(tmp_path, *ROWS, header=HEADER)
    said = json.dumps([orders.lines.to_pylist(), orders.flags.to_pylist(), vars(orders.report)], default=str)
    assert not any(secret in said.lower() for secret in SECRETS)


def test_no_address_is_in_any_prepared_file(tmp_path: Path) -> None:
    made = Prepared.create(write(tmp_path, *ROWS, header=HEADER), tmp_path / "prepared", partitions=3)
    tally = Tally(quarantined=True)
    lines = [part for _, part in process(made, lambda _, part: part, tally, until=None, now=None)]
    said = json.dumps([made.rows(k).to_pylist() for k in range(3)], default=str)
    said += json.dumps(tally.quarantine(made).to_pylist()) + str([part.to_pylist() for part in lines])
    said += (tmp_path / "prepared/manifest.json").read_text()
    assert not any(secret in said.lower() for secret in SECRETS)


def test_an_address_as_the_shops_own_id_stays_the_id(tmp_path: Path) -> None:
    orders = read_orders(write(tmp_path, "ann@shop.de,1,2024-01-01,5"))
    assert column(orders, "customer_id") == ["ann@shop.de"]
