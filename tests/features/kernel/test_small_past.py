"""A few customers take a shorter way through the kernel; they get the bits of the long one."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.kernel.past import Past, ratio
from features.kernel.running import FEW_RUNS
from features.orders import read_orders
from tests import worlds

LINES = read_orders(worlds.orders_file(), until=worlds.AS_OF).lines
BASE = History.from_lines(LINES)
FEATURES = CATALOG.available(BASE.optional)


def some(*names: str) -> History:
    wanted = pc.is_in(LINES["customer_id"], value_set=BASE.names.ids.take(list(map(int, names))))
    return History.from_lines(LINES.filter(wanted))


@pytest.mark.parametrize("customers", [1, 2, FEW_RUNS])
def test_the_second_time_is_at_once_and_gives_the_same_bits(customers: int) -> None:
    few, catalog = some(*map(str, range(0, 3 * customers, 3))), Catalog(FEATURES)
    first, second = (catalog.compute(few, worlds.AS_OF) for _ in range(2))
    found = Past(few, worlds.AS_OF)
    assert len(first) == len(found) and all(
        np.array_equal(first.columns[name], second.columns[name], equal_nan=True) for name in first.columns
    )


def test_few_get_the_bits_of_the_base() -> None:
    catalog = Catalog(FEATURES)
    whole = catalog.compute(BASE, worlds.AS_OF)
    place = {name: row for row, name in enumerate(whole.customer_id)}
    for start in range(0, 60, 5):
        few = catalog.compute(some(*map(str, range(start, start + 5))), worlds.AS_OF)
        rows = [place[name] for name in few.customer_id]
        different = [
            name
            for name, values in few.columns.items()
            if not np.array_equal(values, whole.columns[name][rows], equal_nan=True)
        ]
        assert different == []


def test_all_sums_at_once_are_the_sums_one_by_one() -> None:
    few = some("1", "4", "7")
    asked = [("orders", 0), ("order_days.gap", 0), ("net", 90), ("lines.sales", 365), ("orders", 7)]
    one, all_ = Past(few, worlds.AS_OF), Past(few, worlds.AS_OF)
    if all_.is_small:
        all_.sum_at_once(asked)
    assert all(
        np.array_equal(one._sum_until(column, days), all_._sum_until(column, days)) for column, days in asked
    )


def test_what_was_summed_cannot_be_written_to() -> None:
    few, catalog = some("1"), Catalog(FEATURES)
    catalog.compute(few, worlds.AS_OF)
    past = Past(few, worlds.AS_OF)
    past.sum_at_once([("orders", 0)])
    with pytest.raises(ValueError, match="read-only"):
        past.sum("orders")[0] = 1.0


@pytest.mark.parametrize("size", [3, 300])
def test_a_ratio_over_nothing_is_not_defined(size: int) -> None:
    above, below = np.tile([6.0, 0.0, 5.0], size // 3), np.tile([2.0, 0.0, 0.0], size // 3)
    assert np.array_equal(ratio(above, below), np.tile([3.0, np.nan, np.nan], size // 3), equal_nan=True)
