"""Region, age band, device, spending for the cohort."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.screening.labels import Labels, labels_of, spend_percentile
from campaigns.screening.reachability import reach_of
from contracts.days import to_day
from tests.campaigns.screening.bases import AS_OF, base_of, buyers, orders
from tests.features.shops import line


def labels(base: Base) -> Labels:
    return labels_of(base, reach_of(base))


def age_band(**customer: Any) -> Any:
    base = base_of(buyers("anna"), customers=[{"customer_id": "anna", **customer}])
    return labels(base).age_band.to_pylist()[0]


@pytest.mark.parametrize(
    ("year", "month", "day"), [(1954, 9, 27), (1954, 9, 28), (1952, 2, 29), (1955, 1, 1)]
)
def test_the_age_changes_on_the_birthday(year: int, month: int, day: int) -> None:
    today = date(1972, 9, 27)
    assert to_day(today) == AS_OF
    years = today.year - year - ((today.month, today.day) < (month, day))
    expected = "under 18" if years < 18 else "18-24"
    assert age_band(birth_date=date(year, month, day)) == expected


def test_an_age_grows_with_the_years_since_it_was_told() -> None:
    assert age_band(age=24.0, known_day=AS_OF) == "18-24"
    assert age_band(age=24.0, known_day=AS_OF - 400) == "25-34"
    assert age_band(age=24.0) == "18-24"


def test_nothing_known_is_unknown() -> None:
    found = labels(base_of(buyers("anna")))
    assert [found.age_band[0].as_py(), found.device[0].as_py(), found.region[0].as_py()] == ["unknown"] * 3


def test_the_region_is_the_customers_own_else_the_country_of_most_orders_else_of_the_number() -> None:
    lines = (
        buyers("own", "number")
        + orders("most", [900, 910], country="FR")
        + orders("most", [920], country="DE")
    )
    found = labels(
        base_of(
            lines,
            customers=[{"customer_id": "own", "region": "Bavaria", "device": "phone"}],
            personal=[{"customer_id": "number", "phone": "+4915112345678"}],
        )
    )
    assert found.region.to_pylist() == ["FR", "DE", "Bavaria"]
    assert found.device.to_pylist() == ["unknown", "unknown", "phone"]


def test_spending_is_compared_inside_the_month_of_the_first_order() -> None:
    month = {"old": 100, "new": 900}
    lines = [
        line(f"{when}{k:02d}", f"{when}{k}", day, 10.0 * k) for when, day in month.items() for k in range(40)
    ]
    lines += [line("old00", "more", 500, 5.0)]
    found = labels(base_of(lines))
    bands = np.array(found.consumption.to_pylist())
    assert [np.count_nonzero(bands[:40] == word) for word in ("low", "medium", "high")] == [8, 24, 8]
    assert [np.count_nonzero(bands[40:] == word) for word in ("low", "medium", "high")] == [8, 24, 8]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([100, 400, 700]), st.integers(0, 5)), min_size=1, max_size=30))
def test_the_percentile_is_that_of_plain_loops(people: list[tuple[int, int]]) -> None:
    base = base_of([line(f"{k:02d}", str(k), day, float(spent)) for k, (day, spent) in enumerate(people)])
    expected = []
    for day, spent in people:
        month = [other for first, other in people if first == day]
        own, all_of = (
            sum((other < spent) + 0.5 * (other == spent) for other in some) / len(some)
            for some in (month, [other for _, other in people])
        )
        expected.append(100 * (len(month) * own + 20 * all_of) / (len(month) + 20))
    assert np.allclose(spend_percentile(base.sales, weight=20.0), expected)
