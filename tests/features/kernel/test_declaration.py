"""Declaring a feature, and what a catalogue of features refuses and switches off."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from contracts.errors import ContractError, DeclarationError
from features.kernel.declaration import Catalog, Feature, FeatureTable, feature
from features.kernel.past import Past
from features.kernel.running import Floats
from tests.features.test_properties import history_of, line

HISTORY = history_of([line("a", "1", 5, 2.0), line("b", "2", 9, 3.0)])


@feature("Orders.", unit="orders", family="orders")
def plain(past: Past) -> Floats:
    return past.count()


@feature("Discount.", unit="currency", family="discounts", needs=("discount", "cost"))
def needy(past: Past) -> Floats:
    return past.sum("discount")


def declared(name: str, value: float = 1.0) -> Feature:
    def compute(past: Past) -> Floats:
        return np.full(len(past), value)

    compute.__name__ = name
    return feature("A number.", unit="ratio", family="test")(compute)


def test_a_feature_is_named_after_its_function() -> None:
    assert (plain.name, plain.unit, plain.family, plain.calendar) == ("plain", "orders", "orders", "none")


def test_an_unknown_need_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'discount'"):
        feature("Share.", unit="ratio", family="discounts", needs=("discuont",))


@pytest.mark.parametrize(("need", "meant"), [("event", "events"), ("customers.gendr", "customers.gender")])
def test_needs_may_name_other_tables(need: str, meant: str) -> None:
    assert feature("Count.", unit="ratio", family="engagement", needs=(meant,))(plain.function).needs == (
        meant,
    )
    with pytest.raises(DeclarationError, match=f"did you mean '{meant}'"):
        feature("Count.", unit="ratio", family="engagement", needs=(need,))


@pytest.mark.parametrize("description", ["", "  "])
def test_a_feature_without_description_is_refused(description: str) -> None:
    with pytest.raises(DeclarationError):
        feature(description, unit="ratio", family="test")


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(DeclarationError, match="'same' is declared twice"):
        Catalog([declared("same"), declared("other"), declared("same", 2.0)])


def test_an_unknown_feature_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="no feature 'plane', did you mean 'plain'"):
        Catalog([plain]).pick(["plane"])


def test_picked_features_stand_in_the_asked_order() -> None:
    assert [one.name for one in Catalog([plain, needy, declared("c")]).pick(["c", "plain"])] == ["c", "plain"]


def test_a_module_gives_its_features_and_nothing_else() -> None:
    module = SimpleNamespace(first=plain, number=3, function=declared, second=needy)
    assert [one.name for one in Catalog.of_module(module)] == ["plain", "needy"]


def test_absent_columns_switch_a_feature_off() -> None:
    catalog = Catalog([plain, needy])
    assert [one.name for one in catalog.available(frozenset({"discount"}))] == ["plain"]
    assert [one.name for one in catalog.available(frozenset({"discount", "cost"}))] == ["plain", "needy"]


def test_a_feature_that_is_off_says_which_columns_are_absent() -> None:
    catalog = Catalog([plain, needy])
    assert catalog.switched_off(frozenset({"discount"})) == {"needy": ("cost",)}
    assert catalog.switched_off(frozenset()) == {"needy": ("discount", "cost")}
    assert catalog.switched_off(frozenset({"discount", "cost", "coupon"})) == {}


def test_a_feature_of_the_wrong_shape_is_a_contract_error() -> None:
    @feature("One number.", unit="orders", family="orders")
    def crooked(past: Past) -> Floats:
        return past.count().sum()

    with pytest.raises(ContractError, match=r"'crooked' returned shape \(\) for 2 customers"):
        Catalog([crooked]).compute(HISTORY, 10)


def test_the_source_hash_changes_with_the_name() -> None:
    assert declared("one").source_hash != declared("two").source_hash
    assert declared("one").source_hash == declared("one").source_hash


def test_the_source_hash_changes_with_the_function() -> None:
    def orders(past: Past) -> Floats:
        return past.count()

    first = feature("Orders.", unit="orders", family="orders")(orders)

    def changed(past: Past) -> Floats:
        return past.count() + 1.0

    changed.__name__ = "orders"
    assert first.source_hash != feature("Orders.", unit="orders", family="orders")(changed).source_hash


def test_computing_gives_one_row_for_each_customer_known_by_then() -> None:
    table = Catalog([plain]).compute(HISTORY, 8)
    assert table.customer_id.tolist() == ["a"]
    assert table.cutoff.tolist() == [8]
    assert table.columns["plain"].tolist() == [1]


def test_a_feature_is_computed_once_for_a_past_whoever_asks() -> None:
    asked = []

    @feature("Orders.", unit="orders", family="orders")
    def counted(past: Past) -> Floats:
        asked.append(past.day)
        return past.count()

    @feature("Twice the orders.", unit="orders", family="orders")
    def twice(past: Past) -> Floats:
        return counted.compute(past) + counted.compute(past)

    table = Catalog([twice, counted]).compute(HISTORY, 9)
    assert table.columns["twice"].tolist() == [2, 2]
    assert asked == [9]


def test_what_a_past_answers_cannot_be_written_to() -> None:
    @feature("Orders.", unit="orders", family="orders")
    def spoiling(past: Past) -> Floats:
        values = past.count()
        values += 1.0
        return values

    with pytest.raises(ValueError, match="read-only"):
        Catalog([spoiling]).compute(HISTORY, 9)


def test_a_past_in_parts_answers_the_same() -> None:
    past = Past(history_of([line(name, "1", 5, 1.0) for name in "abcde"]), 9)
    parts = [(some.start, part.count().tolist(), part.customers.tolist()) for some, part in past.parts(2)]
    assert parts == [(0, [1, 1], [0, 1]), (2, [1, 1], [2, 3]), (4, [1], [4])]


def test_tables_of_several_histories_stand_below_each_other() -> None:
    catalog, other = Catalog([plain]), history_of([line("0", "1", 5, 2.0), line("1", "1", 5, 2.0)])
    table = FeatureTable.stack([catalog.compute(other, 8), catalog.compute(HISTORY, 9)])
    assert table.customer_id.tolist() == ["0", "1", "a", "b"]
    assert table.take(np.array([3, 0])).to_arrow()["customer_id"].to_pylist() == ["b", "0"]


def test_customers_known_anew_stand_in_their_places() -> None:
    rows = [line("a", "1", 5, 1.0), line("b", "2", 5, 1.0, cancelled_day=7), line("c", "3", 5, 1.0)]
    rows += [line("b", "4", 6, 1.0), line("d", "5", 5, 1.0, cancelled_day=6)]
    table = Catalog([plain]).compute(history_of(rows), 7)
    assert table.customer_id.tolist() == ["a", "b", "c"]
    assert table.columns["plain"].tolist() == [1, 1, 1]


def test_stacked_tables_stand_below_each_other() -> None:
    catalog = Catalog([plain])
    table = FeatureTable.stack([catalog.compute(HISTORY, 8), catalog.compute(HISTORY, 9)])
    assert table.customer_id.tolist() == ["a", "a", "b"]
    assert table.cutoff.tolist() == [8, 9, 9]


def test_an_arrow_table_has_dates_and_one_column_for_each_feature() -> None:
    table = Catalog([plain]).compute(HISTORY, 9).to_arrow()
    assert table.column_names == ["customer_id", "cutoff", "plain"]
    assert [str(one) for one in table["cutoff"].to_pylist()] == ["1970-01-10", "1970-01-10"]
