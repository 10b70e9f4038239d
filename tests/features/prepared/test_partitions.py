"""Typed rows in partitions of whole customers: as many as wanted, the same lines, the same account."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.orders import plain, read_orders
from features.prepared.process import Tally
from features.prepared.store import Prepared
from features.sampling import sampled
from features.shop.sample import sampled_lines
from tests.features.cleaning.shop import shop, write
from tests.features.prepared.stores import account_of, lines_of

ROWS = tuple(f"c{i % 40},{i},2024-01-{1 + i % 28:02d},{i % 9}" for i in range(200))
NAMELESS = tuple(f",{i},2024-01-02,7" for i in range(900, 912))


def test_many_partitions_hold_what_memory_holds(tmp_path: Path) -> None:
    files = [
        write(tmp_path, *ROWS, *NAMELESS, "x", name="a.csv"),
        write(tmp_path, *ROWS[50:90], *NAMELESS, name="b.csv"),
    ]
    made, whole = Prepared.create(files, tmp_path / "prepared", partitions=7), read_orders(files)
    assert lines_of(made).equals(whole.lines)
    assert account_of(made) == {name: v for name, v in vars(whole.report).items() if name != "files"}
    assert account_of(made)["merged"] == {"delivered_twice": 52}


def test_every_customer_stands_in_one_partition(tmp_path: Path) -> None:
    made = Prepared.create(write(tmp_path, *ROWS), tmp_path / "prepared", partitions=7)
    parts = [set(made.rows(k)["customer_id"].to_pylist()) for k in range(7)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40


def test_quarantine_says_the_same_of_memory_and_of_partitions(tmp_path: Path) -> None:
    header = ",customer_id,order_id,date,amount,Amount,source,raw_source"
    rows = ("0,a,1,2024-01-01,5,8,s,r", "1,b,2,2024-01-01,x,9,t,q", "2,c,3,2024-01-02,-5,9,u,p")
    path = write(tmp_path, *rows, "3,misfit", header=header)
    made, tally, whole = (
        Prepared.create(path, tmp_path / "p", partitions=3),
        Tally(quarantined=True),
        read_orders(path),
    )
    lines_of(made, tally)
    found = tally.quarantine(made)
    assert found.column_names == whole.quarantine.column_names == [
        "reason", "source_file", "source_row", "column_1", "customer_id", "order_id", "date", "amount", "Amount",
        "raw_source", "raw_raw_source",
    ]  # fmt: skip
    where = ["reason", "source_file", "source_row", "customer_id"]
    assert found.select(where).equals(whole.quarantine.select(where))
    assert found.slice(0, 1).equals(whole.quarantine.slice(0, 1))  # as it was written


def test_a_column_that_tells_deliveries_apart_does_so_in_partitions(tmp_path: Path) -> None:
    rows = ("a,1,2024-01-01,5,x", "a,1,2024-01-01,5,y", "b,2,2024-01-02,5,y")
    path = write(tmp_path, *rows, header="customer_id,order_id,date,amount,sheet")
    mapping = shop('preset = "generic"\nsource_column = "sheet"\n[rules]\nduplicate_line = false')
    made = Prepared.create(path, tmp_path / "prepared", mapping=mapping, partitions=2)
    assert account_of(made)["merged"] == {"delivered_twice": 1}


def test_more_partitions_than_open_files_are_allowed(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, hard))
        made = Prepared.create(write(tmp_path, *ROWS), tmp_path / "prepared", partitions=120)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sum(made.rows(k).num_rows for k in range(120)) == 200


def test_a_sample_of_customers_is_the_same_from_memory_and_from_partitions(tmp_path: Path) -> None:
    path = write(tmp_path, *ROWS)
    made, whole = Prepared.create(path, tmp_path / "prepared", partitions=9), read_orders(path).lines
    names = np.array(sorted(set(whole["customer_id"].to_pylist())), dtype=object)
    wanted = set(names[sampled(names, 12)])
    for _ in range(3):
        found = sampled_lines(made, Tally(), until=None, now=None, most=12, person={})
        assert plain(found).equals(
            whole.filter(pa.array([one in wanted for one in whole["customer_id"].to_pylist()]))
        )


def test_a_sample_of_more_customers_than_there_are_is_all(tmp_path: Path) -> None:
    made = Prepared.create(write(tmp_path, *ROWS), tmp_path / "prepared", partitions=3)
    found = sampled_lines(made, Tally(), until=None, now=None, most=1000, person={})
    assert plain(found).equals(lines_of(made))
