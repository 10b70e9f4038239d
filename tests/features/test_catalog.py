"""The catalogue as a whole: what each feature must say of itself, and what absent columns switch off."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.tables import OPTIONAL_LINE_COLUMNS
from features.catalog import BTYD_SUMMARY, CATALOG, WINDOWS
from features.kernel.declaration import Feature
from tests.features.test_properties import OPTIONAL, history_of, line, taken_back


def test_there_are_at_least_40_features() -> None:
    assert len(CATALOG) >= 40


def test_at_least_40_features_need_only_the_required_columns() -> None:
    assert len(CATALOG.available(frozenset())) >= 40


@pytest.mark.parametrize("one", list(CATALOG), ids=lambda one: one.name)
def test_a_feature_is_fully_declared(one: Feature) -> None:
    assert one.name.isidentifier() and one.name == one.name.lower()
    assert one.unit and one.family
    assert one.description.endswith(".") and one.description[0].isupper()
    assert one.calendar in ("none", "week", "year")
    assert set(one.needs) <= set(OPTIONAL_LINE_COLUMNS)
    assert len(one.source_hash) == 16


def test_no_two_features_have_the_same_hash_or_description() -> None:
    assert len({one.source_hash for one in CATALOG}) == len(CATALOG)
    assert len({one.description for one in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize("column", OPTIONAL)
def test_each_optional_column_switches_on_a_feature(column: str) -> None:
    off = CATALOG.switched_off(frozenset(OPTIONAL) - {column})
    assert off
    assert set(off.values()) == {(column,)}


def test_without_optional_columns_the_rest_is_computed() -> None:
    history = history_of([line("a", "1", 5, 2.0)], optional=())
    table = CATALOG.available(history.optional).compute(history, 6)
    assert not set(CATALOG.switched_off(history.optional)) & set(table.columns)
    assert len(table.columns) + len(CATALOG.switched_off(history.optional)) == len(CATALOG)


def test_a_feature_that_is_off_changes_no_other() -> None:
    rows = [line("a", str(day), day, 2.0 + day, discount=1.0, cost=2.0) for day in (5, 9, 30)]
    bare, full = history_of(rows, optional=()), history_of(rows)
    few = CATALOG.available(bare.optional).compute(bare, 40).columns
    many = CATALOG.compute(full, 40).columns
    assert all(np.array_equal(values, many[name], equal_nan=True) for name, values in few.items())


def test_every_feature_is_defined_for_a_rich_history() -> None:
    extras = {
        "product_id": "p",
        "category": "c",
        "discount": 1.0,
        "coupon": "TEN",
        "cost": 1.0,
        "channel": "web",
    }
    rows = [line("a", f"{day:03d}", day, 2.0 + day, **extras) for day in range(0, 300, 31)]
    table = CATALOG.compute(history_of([*rows, taken_back("a", "r", 200, 1.0)]), 300)
    assert [name for name, values in table.columns.items() if not np.isfinite(values).all()] == []


def test_no_feature_is_infinite_for_a_customer_of_one_free_order() -> None:
    table = CATALOG.compute(history_of([line("a", "1", 5, 0.0)]), 5)
    assert [name for name, values in table.columns.items() if np.isinf(values).any()] == []


def test_every_window_has_a_count_and_a_sum() -> None:
    names = {one.name for one in CATALOG}
    assert {f"{what}_{days}d" for what in ("orders", "spend") for days in WINDOWS} <= names


def test_the_btyd_summary_is_in_order_days() -> None:
    rows = [line("a", "1", 10, 5.0), line("a", "2", 10, 6.0), line("a", "3", 20, 7.0)]
    columns = CATALOG.pick(BTYD_SUMMARY).compute(history_of(rows), 35).columns
    found = {name: values.tolist() for name, values in columns.items()}
    assert found == {"frequency": [1], "recency": [10], "tenure": [25], "monetary_value": [9]}
