from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from serving.batch.ranking import Summary
from serving.rank import rank_order

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.5, 2.0, 3.25]), st.text(max_size=3)), min_size=1, max_size=40
)


@given(ROWS)
def test_the_order_is_by_value_then_by_id_as_python_sorts(rows: list[tuple[float, str]]) -> None:
    rows = list({name: (value, name) for value, name in rows}.values())
    values, ids = np.array([value for value, _ in rows]), [name for _, name in rows]
    order, percentile = rank_order(values, lambda some: pa.array([ids[k] for k in some], pa.string()))
    expected = sorted(range(len(rows)), key=lambda k: (-values[k], ids[k].encode()))
    assert order.tolist() == expected
    shares = [100.0 * sum(other <= values[k] for other in values) / len(rows) for k in expected]
    assert percentile.tolist() == shares


def test_only_the_ids_of_equal_customers_are_asked_for() -> None:
    asked: list[int] = []

    def ids_at(rows: np.ndarray) -> pa.Array:
        asked.extend(rows.tolist())
        return pa.array([f"c{row}" for row in rows])

    order, _ = rank_order(np.array([1.0, 5.0, 3.0, 5.0, 2.0]), ids_at)
    assert order.tolist() == [1, 3, 2, 4, 0] and sorted(asked) == [1, 3]


def test_groups_of_several_parts_add_up() -> None:
    found = Summary()
    found.add("tier", np.array(["focus", "reduce", "focus"], dtype=object), np.array([5.0, 1.0, 7.0]))
    found.add("tier", np.array(["reduce"], dtype=object), np.array([2.0]))
    assert found.groups == {"tier": {"focus": (2, 12.0), "reduce": (2, 3.0)}}
