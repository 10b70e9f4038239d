"""Reference tables: fitted from what is known on a day, the same in parts, read-only and never from the future."""

from __future__ import annotations

import json

import numpy as np
import pytest

from contracts.errors import ArtifactError, ContractError, DeclarationError
from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past
from features.kernel.population import Population, Sums, fit_references, reference
from features.kernel.reference import References
from features.kernel.running import Floats
from features.panel import build_panel
from tests.features.test_properties import history_of, line, taken_back

ROWS = [
    line("a", "1", 1, 4.0, product_id="p"),
    line("a", "2", 2, 2.0, product_id="q"),
    line("b", "3", 2, 6.0, product_id="p", cancelled_day=5),
    line("b", "4", 3, 8.0, product_id="r"),
    line("c", "5", 4, 1.0, product_id="p"),
    line("c", "6", 4, 1.0),
    taken_back("c", "5", 5, 1.0, product_id="p"),
]


def share(totals: Sums) -> Floats:
    return totals["buyers"] / max(totals["buyers"].sum(), 1.0)


@reference("Share of buyers who bought the product.", key="product_id", finish=share)
def popularity(population: Population) -> Sums:
    return {"buyers": population.customers()}


@feature(
    "Popularity of the last product.", unit="ratio", family="products", needs=("product_id",),
    needs_reference=("popularity",),
)  # fmt: skip
def last_popularity(past: Past) -> Floats:
    return past.reference("popularity", "product_id", past.last_code("product_id"))


def test_a_population_is_what_stands_at_the_end_of_the_day() -> None:
    history = history_of(ROWS)
    history.prepare([4, 5])
    early, late = (Population(history, day, "product_id") for day in (4, 5))
    assert early.keys == ["p", "q", "r"]
    assert (early.customers().tolist(), late.customers().tolist()) == ([3, 1, 1], [2, 1, 1])
    assert early.lines(days=2).tolist() == [1, 0, 1]
    assert early.sum("amount").tolist() == [11, 2, 8]


def test_a_table_has_a_number_for_each_key() -> None:
    table = fit_references([popularity], history_of(ROWS), 4).at("popularity", 4)
    assert (table.keys, table.values.tolist(), table.day) == (("p", "q", "r"), [0.6, 0.2, 0.2], 4)


def test_the_parts_of_a_base_give_the_table_of_the_whole() -> None:
    parts = [history_of([row for row in ROWS if row["customer_id"] in names]) for names in ("ac", "b")]
    table = popularity.fit([popularity.partial(part, 4) for part in parts])
    whole = fit_references([popularity], history_of(ROWS), 4).at("popularity", 4)
    assert (table.keys, table.values.tolist()) == (whole.keys, whole.values.tolist())


def test_a_table_survives_plain_numbers() -> None:
    tables = fit_references([popularity], history_of(ROWS), 4)
    again = References.of_plain(json.loads(json.dumps(tables.to_plain())))
    assert again.to_plain() == tables.to_plain()


def test_damaged_numbers_are_refused() -> None:
    with pytest.raises(ArtifactError, match="'x' is damaged"):
        References.of_plain({"x": {"day": 1, "keys": ["b", "a"], "values": [1.0, 2.0]}})


def test_a_past_looks_numbers_up_by_code() -> None:
    tables = fit_references([popularity], history_of(ROWS), 4)
    past = Past(history_of([*ROWS, line("d", "9", 4, 1.0, product_id="new")]), 4, references=tables)
    np.testing.assert_array_equal(last_popularity.compute(past), [0.2, 0.2, 0.6, np.nan])
    found = past.reference_mean("popularity", "product_id")
    np.testing.assert_allclose(found, [0.4, 0.4, 0.6, np.nan])
    np.testing.assert_allclose(
        past.reference_mean("popularity", "product_id", days=2), [np.nan, 0.2, 0.6, np.nan]
    )


def test_a_table_of_a_later_day_is_refused() -> None:
    tables = fit_references([popularity], history_of(ROWS), 5)
    with pytest.raises(ContractError, match="is of day 5, after the cutoff 4"):
        last_popularity.compute(Past(history_of(ROWS), 4, references=tables))


def test_a_feature_is_off_without_its_table() -> None:
    catalog = Catalog([last_popularity])
    assert catalog.switched_off(frozenset({"product_id"})) == {"last_popularity": ("reference.popularity",)}
    assert len(catalog.available(frozenset({"product_id"}), ["popularity"])) == 1


def test_a_panel_reads_the_table_of_each_cutoff() -> None:
    history = history_of(ROWS)
    tables = {day: fit_references([popularity], history, day) for day in (4, 5)}
    panel = build_panel(history, [4, 5], catalog=Catalog([last_popularity]), references=tables)
    assert panel.features.columns["last_popularity"].tolist() == [0.2, 0.2, 0.6, 0.25, 0.25, 0.5]


def test_an_unknown_key_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'product_id'"):
        reference("Share.", key="product", finish=share)
