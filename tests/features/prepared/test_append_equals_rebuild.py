"""Whatever deliveries the rows come in, late, corrected or repeated: to the bit what all files together give."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalog import CATALOG
from features.kernel.history import History
from features.orders import read_orders
from features.prepared.store import Prepared
from tests.features.cleaning.shop import write
from tests.features.prepared.stores import account_of, lines_of

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country,status,cancelled_at,category"
SALE = "9,85048,thing,1,2011-01-01,1,z,UK,paid,,toys"
OWN = "90{},85048,thing,1,2011-01-02,1,z,UK,paid,,toys"  # so that no two files are the same
ROW = st.tuples(
    st.sampled_from(["1", "2", "C3", "4", ""]),
    st.sampled_from(["85048", "22041", "POST"]),
    st.sampled_from(["1", "2", "-1", "-2", "0", "x", "2500"]),
    st.integers(1, 9).map(lambda day: f"2011-01-0{day}")
    | st.sampled_from(["", "1900-01-01", "2011-01-05 10:00"]),
    st.sampled_from(["0", "1.5", "-1", "nan"]),
    st.sampled_from(["a", "b", "c", ""]),
    st.sampled_from(["paid", "pending", "cancelled"]),
    st.sampled_from(["", "", "2011-01-07"]),
).map(lambda row: "{},{},thing,{},{},{},{},UK,{},{},".format(*row))
DELIVERIES = st.lists(st.lists(ROW, max_size=12), min_size=2, max_size=4)


def written(folder: Path, deliveries: list[list[str]]) -> list[Path]:
    """Write one file for each delivery; each brings the sale again, and the last one half of the first."""
    again = [*deliveries[:-1], [*deliveries[-1], *deliveries[0][::2]]]
    return [
        write(folder, SALE, OWN.format(number), *rows, header=HEADER, name=f"{number}.csv")
        for number, rows in enumerate(again)
    ]


@FEW
@given(deliveries=DELIVERIES, late=st.booleans())
def test_appended_deliveries_equal_a_full_rebuild(deliveries: list[list[str]], late: bool) -> None:
    with TemporaryDirectory() as parent:
        files = written(Path(parent), deliveries)
        first, *others = files[::-1] if late else files
        made = Prepared.create(first, Path(parent) / "grown", partitions=2)
        for file in others:
            made, _ = made.append(file)
        rebuilt = Prepared.create(files, Path(parent) / "rebuilt", partitions=2)
        whole = read_orders(files)
        assert lines_of(made).equals(lines_of(rebuilt)) and lines_of(made).equals(whole.lines)
        assert account_of(made) == account_of(rebuilt)
        assert account_of(made) == {name: v for name, v in vars(whole.report).items() if name != "files"}


def test_features_of_appended_deliveries_equal_those_of_a_rebuild(tmp_path: Path) -> None:
    line = "{k}{i},8{p:04d},thing,{q},2011-0{k}-{d:02d} 1{h}:00,{m},c{c},UK,paid,,t{t}"
    deliveries = [
        [
            line.format(k=k, i=i, p=i % 9, q=1 + i % 4, d=1 + i % 28, h=i % 10, m=i % 5, c=i % 11, t=i % 3)
            for i in range(60)
        ]
        for k in (1, 2, 3)
    ]
    files = written(tmp_path, deliveries)
    made = Prepared.create(files[1], tmp_path / "grown", partitions=4)
    for file in (files[0], files[2]):
        made, _ = made.append(file)
    grown, rebuilt = (features(lines) for lines in (lines_of(made), read_orders(files).lines))
    assert grown == rebuilt and len(grown) > 30


def features(lines: pa.Table) -> dict[str, bytes]:
    """Return the bytes of every feature on the last day."""
    history = History.from_lines(lines)
    found = CATALOG.available(history.optional).compute(history, history.last_order_day)
    return {name: values.tobytes() for name, values in found.columns.items()}
