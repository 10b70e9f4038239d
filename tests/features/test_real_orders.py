"""The two real data sets: CDNOW from the lifetimes wheel, Online Retail II where it is at hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.days import parse_day
from features.orders import Orders, read_orders

RETAIL = Path(__file__).parents[3] / "shared/data/online_retail_ii/transactions.parquet"
needs_retail = pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")


def cdnow(name: str) -> Path:
    spec = find_spec("lifetimes")
    if spec is None or spec.origin is None:
        pytest.skip("the lifetimes wheel, which carries CDNOW, is not installed")
    return Path(spec.origin).parent / "datasets" / name


@pytest.fixture(scope="module")
def retail() -> Orders:
    return read_orders(RETAIL)


def test_cdnow_loses_no_row_and_no_customer() -> None:
    report = read_orders(cdnow("CDNOW_master.txt")).report
    assert (report.read, report.kept, report.orders, report.customers_kept) == (69659, 69659, 69659, 23570)
    assert (report.order_days, report.first_day, report.last_day) == (67591, 9862, 10407)
    assert report.notes[0].startswith(
        "80 sale lines are free and kept; 80 orders are free as a whole, and 68 customers"
    )


def test_the_cdnow_sample_is_read_without_a_header() -> None:
    report = read_orders(cdnow("CDNOW_sample.txt")).report
    assert (report.kept, report.customers_kept, report.mapping) == (6919, 2357, "cdnow_sample")


@needs_retail
def test_online_retail_is_accounted_for_row_by_row(retail: Orders) -> None:
    report = retail.report
    assert (report.read, report.kept, report.merged) == (
        1_067_370,
        794_155,
        {"delivered_twice": 22_523, "duplicate_line": 11_667},
    )
    rows = {reason: item.rows for reason, item in report.quarantined.items()}
    assert rows == {"missing_customer": 235_287, "not_a_product": 3_651, "no_valid_order": 87}
    assert (report.customers_read, report.customers_kept) == (5_942, 5_853)
    assert any("243,007 rows have no customer, 7,720 of them" in note for note in report.notes)
    assert any(note.startswith("378 orders hold no product") for note in report.notes)


@needs_retail
def test_online_retail_cancellations_pair_one_return_with_one_sale(retail: Orders) -> None:
    lines = retail.lines
    cancelled = lines.num_rows - lines["cancelled_day"].null_count
    assert cancelled == pc.sum(lines["reverses"]).as_py() == 6_022
    assert not pc.any(pc.less(lines["cancelled_day"], lines["day"])).as_py()
    assert not pc.any(pc.and_(lines["reverses"], pc.invert(lines["returned"]))).as_py()


@needs_retail
def test_online_retail_until_a_day_equals_the_file_cut_there(tmp_path: Path) -> None:
    last = "2011-03-31"
    table = pq.read_table(RETAIL)
    early = table.filter(pc.less(table["InvoiceDate"], pc.strptime("2011-04-01", "%Y-%m-%d", "us")))
    pq.write_table(early, tmp_path / "cut.parquet")
    seen, short = read_orders(RETAIL, until=parse_day(last)), read_orders(tmp_path / "cut.parquet")
    assert seen.report.later == table.num_rows - early.num_rows > 0
    assert seen.lines.equals(short.lines) and seen.report.notes == short.report.notes
    assert seen.quarantine.num_rows == short.quarantine.num_rows
