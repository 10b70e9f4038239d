"""Reference tables of the catalogue: against plain loops, and what they are keyed by."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given

from features.catalog import CATALOG, REFERENCES
from features.kernel.population import fit_references, possible
from features.kernel.reference import Reference, References
from tests.features.catalog.plain import SHOP
from tests.features.shops import DAY, SOME, Shop, history_of, line, whole_shops


def table(shop: Shop, name: str, day: int) -> dict[str, float]:
    """Return a reference table as a dictionary."""
    found: Reference = fit_references(REFERENCES, shop.history, day).at(name, day)
    return dict(zip(found.keys, found.values.tolist(), strict=True))


def test_every_table_that_a_feature_needs_is_declared_and_every_declared_one_is_needed() -> None:
    needed = {name for one in CATALOG for name in one.needs_reference}
    assert needed == {one.name for one in REFERENCES}


def test_popularity_is_a_share_of_the_pairs_of_customer_and_product_in_a_year() -> None:
    # Pairs of days 36 to 400: a has p1, p2 and p4, b has p1 and p5, c has p2.
    found = table(SHOP, "item_popularity", 400)
    assert found == pytest.approx({"p1": 2 / 6, "p2": 2 / 6, "p3": 0, "p4": 1 / 6, "p5": 1 / 6})


def test_the_clock_of_a_category_is_the_mean_gap_between_a_customers_days_with_it() -> None:
    # c1: a on days 0, 30, 60 and b on 125, 160; c2: a on 30, 318 and c on 20, 395; c3: one day.
    assert table(SHOP, "category_clock", 400) == {"c1": (30 + 30 + 35) / 3, "c2": (288 + 375) / 2}


def test_a_cohort_is_the_quarter_of_the_first_order() -> None:
    found = table(SHOP, "cohort_amount", 130)
    assert found == {"1970Q1": (81.75 + 50) / 5, "1970Q2": 1.0}


def test_ranks_are_by_customers_and_of_equals_by_text() -> None:
    assert table(SHOP, "channel_rank", 129) == {"shop": 1, "web": 2, "phone": 3}  # a and c; a and b; a
    assert table(SHOP, "gender_rank", 400) == {"m": 1, "f": 2}


def test_what_is_not_known_of_a_person_yet_is_in_no_table() -> None:
    assert table(SHOP, "region_rank", 20) == {"north": 1}
    assert table(SHOP, "device_rank", 24) == {"desktop": 1}


def test_values_of_cancelled_orders_are_in_no_table() -> None:
    shop = Shop([line("a", "1", 3, 1.0, category="x", cancelled_day=5), line("a", "2", 4, 1.0, category="y")])
    assert table(shop, "category_rank", 4) == {"x": 1, "y": 2}
    assert table(shop, "category_rank", 5) == {"y": 1}


def test_without_a_key_there_is_no_table() -> None:
    bare = history_of([line("a", "1", 5, 2.0)], optional=())
    assert [one.name for one in possible(REFERENCES, bare.optional)] == ["cohort_amount"]
    assert list(fit_references(REFERENCES, bare, 5)) == ["cohort_amount"]


@pytest.mark.parametrize("day", [-1, 0])
def test_before_the_first_order_all_tables_are_empty(day: int) -> None:
    found = fit_references(REFERENCES, Shop([line("a", "1", 1, 2.0, category="c")]).history, day)
    assert {name: list(found.at(name, day).keys) for name in found} == {one.name: [] for one in REFERENCES}


@SOME
@given(whole_shops(), DAY)
def test_tables_are_finite_dated_and_survive_json(shop: Shop, day: int) -> None:
    found = fit_references(REFERENCES, shop.history, day)
    again = References.of_plain(json.loads(json.dumps(found.to_plain(), allow_nan=False)))
    assert again.to_plain() == found.to_plain()
    assert all(found.at(name, day).day == day for name in found)
    assert all(np.isfinite(found.at(name, day).values).all() for name in found)


@SOME
@given(whole_shops(), DAY)
def test_the_parts_of_a_base_give_the_tables_of_the_whole(shop: Shop, day: int) -> None:
    whole = fit_references(REFERENCES, shop.history, day)
    parts = [[row for row in shop.rows if (row["customer_id"] in "abc") == first] for first in (True, False)]
    histories = [Shop(rows, shop.events, shop.people).history for rows in parts if rows]
    for one in REFERENCES:
        found = one.fit([one.partial(history, day) for history in histories])
        assert found.keys == whole.at(one.name, day).keys
        np.testing.assert_allclose(found.values, whole.at(one.name, day).values, rtol=1e-12)
