"""Reference tables of a base in parts: one pass, nothing that comes later, small, and read back as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features.references
from contracts.errors import DeclarationError
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past
from features.kernel.population import Population, Sums, reference
from features.kernel.running import Floats
from features.references import fit_over, references_for, references_of
from tests.features.shops import OPTIONAL, Row, history_of, line, shops, taken_back

ROWS = [
    line("a", "1", 1, 4.0, product_id="p"),
    line("a", "2", 2, 2.0, product_id="q"),
    line("b", "3", 2, 6.0, product_id="p", cancelled_day=5),
    line("b", "4", 3, 8.0, product_id="r"),
    line("c", "5", 4, 1.0, product_id="p"),
    line("c", "6", 4, 1.0),
    taken_back("c", "5", 5, 1.0, product_id="p"),
    line("d", "7", 9, 1.0, product_id="late"),
]


def share(totals: Sums) -> Floats:
    return totals["buyers"] / totals["buyers"].size


@reference("Buyers of the product over the number of products.", key="product_id", finish=share)
def buyers_share(population: Population) -> Sums:
    return {"buyers": population.customers()}


def reading(name: str) -> Feature:
    def compute(past: Past) -> Floats:
        return past.reference_mean(name, "product_id")

    compute.__name__ = f"mean_{name}"
    return feature(
        "Mean over the lines.", unit="ratio", family="test", needs=("product_id",), needs_reference=(name,)
    )(compute)


CATALOGUE = Catalog([reading("buyers_share")])


def of_day(rows: list[Row], day: int) -> dict[str, float]:
    table = fit_over([history_of(rows)], [day], CATALOGUE)[day].at("buyers_share", day)
    return dict(zip(table.keys, table.values.tolist(), strict=True))


def test_a_table_is_of_what_stands_on_its_day_and_of_no_later_value() -> None:
    assert of_day(ROWS, 4) == {"p": 1.0, "q": 1 / 3, "r": 1 / 3}
    assert of_day(ROWS, 5) == {"p": 2 / 3, "q": 1 / 3, "r": 1 / 3}
    assert of_day([row for row in ROWS if row["day"] <= 5], 5) == of_day(ROWS, 5)


@settings(deadline=None)
@given(shops(), st.sets(st.sampled_from("abcde")), st.lists(st.integers(0, 450), min_size=1, max_size=3))
def test_one_pass_over_the_parts_gives_the_tables_of_the_whole(
    rows: list[Row], one: set[str], days: list[int]
) -> None:
    parts = [[row for row in rows if (row["customer_id"] in one) == inside] for inside in (True, False)]
    catalogue = Catalog(each for each in CATALOG if "item_popularity" in each.needs_reference)
    whole = fit_over([history_of(rows)], days, catalogue)
    found = fit_over((history_of(part) for part in parts if part), days, catalogue)
    assert {day: tables.to_plain() for day, tables in found.items()} == {
        day: tables.to_plain() for day, tables in whole.items()
    }


def test_a_long_table_keeps_the_values_with_the_most_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.references, "MOST_KEYS", 2)
    assert of_day(ROWS, 4) == {"p": 1.0, "q": 1 / 3}


def test_a_base_without_the_key_has_no_table() -> None:
    bare = history_of(ROWS, optional=[name for name in OPTIONAL if name != "product_id"])
    assert list(fit_over([bare], [4], CATALOGUE)[4]) == []


def test_before_the_first_order_a_table_is_empty() -> None:
    assert of_day(ROWS, 0) == {}


def test_a_value_without_a_number_is_left_out() -> None:
    @reference("Undefined for one.", key="product_id", finish=lambda totals: np.array([1.0, np.nan, 2.0]))
    def holey(population: Population) -> Sums:
        return {"lines": population.lines()}

    globals()["holey"] = holey
    table = fit_over([history_of(ROWS)], [4], Catalog([reading("holey")]))[4].at("holey", 4)
    assert (table.keys, table.values.tolist()) == (("p", "r"), [1.0, 2.0])


@pytest.mark.parametrize(
    ("answer", "message"), [([1.0], r"makes shape \(1,\)"), ([1.0, np.inf, 2.0], "infinite number for 'q'")]
)
def test_a_table_that_is_none_is_refused(answer: list[float], message: str) -> None:
    @reference("Odd.", key="product_id", finish=lambda totals: np.array(answer))
    def odd(population: Population) -> Sums:
        return {"lines": population.lines()}

    globals()["odd"] = odd
    with pytest.raises(DeclarationError, match=message):
        fit_over([history_of(ROWS)], [4], Catalog([reading("odd")]))


def test_sums_of_another_length_are_refused() -> None:
    @reference("Short.", key="product_id", finish=share)
    def short(population: Population) -> Sums:
        return {"buyers": population.customers()[:1]}

    globals()["short"] = short
    with pytest.raises(DeclarationError, match=r"'short' sums 'buyers' to shape \(1,\)"):
        fit_over([history_of(ROWS)], [4], Catalog([reading("short")]))


def test_a_table_that_nobody_declares_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="'buyer_share', which is not declared, did you mean 'buyers_"):
        references_of(Catalog([reading("buyer_share")]))


def test_every_table_of_the_catalogue_is_declared() -> None:
    names = {name for one in CATALOG for name in one.needs_reference}
    assert {one.name for one in references_of(CATALOG)} == names > set()


# ---------------------------------------------------------------- read back
@pytest.mark.parametrize("few", [0, 1_000], ids=["narrowed", "whole"])
def test_tables_read_back_answer_as_they_were(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.references, "_FEW_KEYS", few)
    history = history_of(ROWS)
    fitted = fit_over([history], [9], CATALOGUE)[9]
    again = references_for(json.loads(json.dumps(fitted.to_plain())), history, 9)
    ours, theirs = (CATALOGUE.compute(history, 9, references=one).columns for one in (again, fitted))
    np.testing.assert_array_equal(ours["mean_buyers_share"], theirs["mean_buyers_share"])


def test_a_long_table_is_narrowed_to_what_the_history_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features.references, "_FEW_KEYS", 0)
    plain = fit_over([history_of(ROWS)], [9], CATALOGUE)[9].to_plain()
    alone = history_of([line("x", "1", 9, 1.0, product_id="q"), line("x", "2", 9, 1.0, product_id="new")])
    assert references_for(plain, alone, 9).at("buyers_share", 9).keys == ("q",)


def test_a_day_before_the_model_is_answered_with_the_models_tables() -> None:
    history = history_of(ROWS)
    plain = fit_over([history], [9], CATALOGUE)[9].to_plain()
    assert references_for(plain, history, 4).at("buyers_share", 4).values.tolist() == [0.25, 0.5, 0.25, 0.25]
