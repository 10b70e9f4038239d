"""The same rows give the same lines, in whatever order, files and partitions they come."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.cleaning.account import Account
from tests.features.cleaning.test_known_then import SALE
from tests.features.cleaning.typed import ROWS, SETTINGS, Row, cleaned, told

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(rows=st.lists(ROWS, max_size=40), rules=SETTINGS, seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_files_plays_no_part(
    rows: list[Row], rules: dict[str, Any], seed: random.Random
) -> None:
    rows, numbers = [SALE, *rows], [0, 1, 2]
    first = cleaned(rows, rules)
    seed.shuffle(rows)
    seed.shuffle(numbers)
    second = cleaned([replace(row, source=numbers[row.source]) for row in rows], rules)
    assert first.lines.equals(second.lines) and told(first) == told(second)
    assert first.flags.equals(second.flags)


@FEW
@given(rows=st.lists(ROWS, max_size=40), rules=SETTINGS)
def test_one_partition_or_many_give_the_same_lines(rows: list[Row], rules: dict[str, Any]) -> None:
    rows = [SALE, *rows]
    whole = cleaned(rows, rules)
    names = sorted({row.customer or f"order {row.order}" for row in rows})
    parts = [
        cleaned(rows, rules, part=[row for row in rows if (row.customer or f"order {row.order}") == name])
        for name in names
    ]
    lines = pa.concat_tables([part.lines for part in parts])
    assert whole.lines.equals(
        lines.take(pc.sort_indices(lines, [("customer_id", "ascending")])).combine_chunks()
    )
    total = Account.total([part.account for part in parts])
    assert total.to_dict() | {"rows": None} == whole.account.to_dict() | {"rows": None}
    assert +total.rows == +whole.account.rows
