"""The catalogue as a whole: what each feature must say of itself, and what absent columns switch off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.tables import EVENT_KINDS
from features.catalog import BTYD_SUMMARY, CATALOG, FAMILIES, REFERENCES, WINDOWS
from features.catalog import orders as orders_file
from features.kernel.declaration import NEEDS, Catalog, Feature, feature
from features.kernel.past import Past
from features.kernel.population import fit_references
from features.kernel.running import Floats
from tests.features.shops import OPTIONAL, Row, Shop, event, history_of, line, taken_back


def test_there_are_at_least_120_features_in_12_families() -> None:
    assert len(CATALOG) >= 120
    assert len(FAMILIES) == 12
    assert all({one.family for one in catalog} == {name} for name, catalog in FAMILIES.items())


def test_every_family_is_computed_a_second_way() -> None:
    tests = {
        path.stem.removeprefix("test_") for path in (Path(__file__).parent / "catalog").glob("test_*.py")
    }
    assert set(FAMILIES) <= tests


def test_at_least_100_features_need_only_the_required_columns() -> None:
    assert len(CATALOG.available(frozenset())) >= 100


def test_at_least_140_features_need_order_lines_only() -> None:
    assert len(CATALOG.available(frozenset(OPTIONAL))) >= 140


@pytest.mark.parametrize("one", list(CATALOG), ids=lambda one: one.name)
def test_a_feature_is_fully_declared(one: Feature) -> None:
    assert one.name.isidentifier() and one.name == one.name.lower()
    assert one.unit and one.family
    assert one.description.endswith(".") and one.description[0].isupper()
    assert one.calendar in ("none", "week", "year")
    assert set(one.needs) <= set(NEEDS)
    assert set(one.needs_reference) <= {table.name for table in REFERENCES}
    assert len(one.source_hash) == 16


def test_no_two_features_have_the_same_hash_or_description() -> None:
    assert len({one.source_hash for one in CATALOG}) == len(CATALOG)
    assert len({one.description for one in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize("column", OPTIONAL)
def test_each_optional_column_switches_on_a_feature(column: str) -> None:
    lacking = CATALOG.switched_off(frozenset(NEEDS) - {column}, [one.name for one in REFERENCES])
    assert lacking
    assert set(lacking.values()) == {(column,)}


def test_without_optional_columns_the_rest_is_computed() -> None:
    history = history_of([line("a", "1", 5, 2.0)], optional=())
    table = CATALOG.available(history.optional).compute(history, 6)
    assert not set(CATALOG.switched_off(history.optional)) & set(table.columns)
    assert len(table.columns) + len(CATALOG.switched_off(history.optional)) == len(CATALOG)


def test_a_feature_that_is_off_changes_no_other() -> None:
    rows = [line("a", str(day), day, 2.0 + day, discount=1.0, cost=2.0) for day in (5, 9, 30)]
    bare, full = history_of(rows, optional=()), history_of(rows)
    few = CATALOG.available(bare.optional).compute(bare, 40).columns
    many = CATALOG.available(full.optional).compute(full, 40).columns
    assert len(few) < len(many)
    assert all(np.array_equal(values, many[name], equal_nan=True) for name, values in few.items())


def rich_shop() -> Shop:
    """Return a shop in which everything is known of one customer."""
    texts = {"product_id": "p", "category": "c", "coupon": "TEN", "channel": "web", "country": "FR"}
    rows: list[Row] = [
        line("a", f"{day:03d}", day, 2.0 + day, discount=1.0, cost=1.0, **texts) for day in range(0, 800, 31)
    ]
    person = {"gender": "f", "region": "north", "device": "phone", "age": 30.0, "signed_up_day": 1}
    consents = {f"consent_{by}": True for by in ("email", "sms", "push")}
    return Shop(
        [*rows, taken_back("a", "r", 700, 1.0)],
        [event("a", 790, kind) for kind in EVENT_KINDS],
        [{"customer_id": "a", "known_day": None, **person, **consents}],
    )


def test_every_feature_is_defined_for_a_rich_history() -> None:
    history = rich_shop().history
    tables = fit_references(REFERENCES, history, 800)
    table = CATALOG.compute(history, 800, references=tables)
    assert [name for name, values in table.columns.items() if not np.isfinite(values).all()] == []


def test_no_feature_is_infinite_for_a_customer_of_one_free_order() -> None:
    history = history_of([line("a", "1", 5, 0.0)])
    table = CATALOG.available(history.optional).compute(history, 5)
    assert [name for name, values in table.columns.items() if np.isinf(values).any()] == []


def test_every_window_has_a_count_and_a_sum() -> None:
    names = {one.name for one in CATALOG}
    assert {f"{what}_{days}d" for what in ("orders", "spend") for days in WINDOWS} <= names


def test_the_btyd_summary_is_in_order_days() -> None:
    rows = [line("a", "1", 10, 5.0), line("a", "2", 10, 6.0), line("a", "3", 20, 7.0)]
    columns = CATALOG.pick(BTYD_SUMMARY).compute(history_of(rows), 35).columns
    found = {name: values.tolist() for name, values in columns.items()}
    assert found == {"frequency": [1], "recency": [10], "tenure": [25], "monetary_value": [9]}


# ---------------------------------------------------------------- source hashes
def family_file(folder: Path, name: str, text: str) -> dict[str, object]:
    """Write a file of features and run it."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    names: dict[str, object] = {"__name__": name, "feature": feature}
    exec(compile(text, str(path), "exec"), names)
    return names


BASE = """
STEP = 7
def helper(past): return past.count() * STEP
@feature("Base.", unit="ratio", family="test")
def base(past): return helper(past)
"""
OTHER = """
@feature("Twice.", unit="ratio", family="test")
def twice(past): return [2 * base.compute(past) for _ in range(1)][0]
"""


def hash_of_twice(folder: Path, base: str) -> str:
    folder.mkdir()
    first = family_file(folder, "first", base)
    second = family_file(folder, "second", OTHER)
    second["base"] = first["base"]  # as `from first import base` does
    twice = second["twice"]
    assert isinstance(twice, Feature)
    return twice.source_hash


@pytest.mark.parametrize(
    ("word", "other"), [("STEP = 7", "STEP = 8"), ("* STEP", "+ STEP"), ("return helper", "return -helper")]
)
def test_the_source_hash_follows_what_a_feature_calls_in_another_file(
    tmp_path: Path, word: str, other: str
) -> None:
    same = [hash_of_twice(tmp_path / name, BASE) for name in ("one", "two")]
    assert same[0] == same[1] != hash_of_twice(tmp_path / "three", BASE.replace(word, other))


def test_the_source_hash_follows_what_a_function_closes_over() -> None:
    def declared(days: int) -> Feature:
        def window(past: Past) -> Floats:
            return past.count(days=days)

        return feature("Orders.", unit="orders", family="test")(window)

    assert declared(7).source_hash == declared(7).source_hash != declared(8).source_hash


def test_a_family_does_not_gather_the_features_that_it_imports() -> None:
    assert "tenure" in vars(orders_file)
    assert "tenure" not in {one.name for one in Catalog.of_module(orders_file)}
