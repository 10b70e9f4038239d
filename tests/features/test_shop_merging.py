"""People as known: a cutoff sees what merging would have given on that day; outcomes are those of whom one became."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.tables import CUSTOMERS, EVENTS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.catalog import CATALOG
from features.identity.apply import known_as, merged
from features.identity.components import first_order_days, history_of
from features.identity.links import Links
from features.kernel.declaration import Catalog, FeatureTable, feature
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.population import fit_references, reference
from features.kernel.running import Floats
from features.panel import build_panel, outcome_at
from features.references import fit_over
from features.shop.by_customer import ByCustomer
from features.shop.histories import PeopleHistory, ShopHistory
from features.shop.merging import history_from
from tests.features.identity.people import (
    APART,
    DAYS,
    EVIDENCE_ROWS,
    LINK_ROWS,
    Row,
    link_table,
    links_of,
)

Sale = tuple[str, str, int, float, int | None]  # own id, order, day, amount, cancelled after so many days
Told = tuple[str, int | None, str | None]  # own id, known_day, gender
OWN = st.sampled_from([f"c{i}" for i in range(12)] + ["a", "z"])
SALES = st.lists(
    st.tuples(OWN, st.sampled_from("123"), DAYS, st.integers(0, 9).map(float), st.none() | st.integers(0, 6)),
    min_size=1,
    max_size=25,
)
SEEN = st.lists(st.tuples(OWN, DAYS), max_size=12)
TOLD = st.lists(
    st.tuples(OWN, st.none() | DAYS, st.sampled_from(["f", "m", None])),
    max_size=12,
    unique_by=lambda one: one[:2],
)
SCHEMA = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BEFORE = -(2**31)


@feature("E-mails opened.", unit="e-mails", family="engagement", needs=("events",))
def opens(past: Past) -> Floats:
    return past.sum("events.email_open")


@feature("Length of the gender's word.", unit="letters", family="person", needs=("customers.gender",))
def gender(past: Past) -> Floats:
    words = [None, *past.text("customers.gender").texts]
    return np.array(
        [np.nan if words[one + 1] is None else float(ord(words[one + 1])) for one in past.code("gender")]
    )


BESIDE = Catalog([opens, gender, *CATALOG.pick(["orders", "spend", "frequency", "recency_days", "gap_mean"])])


def lines_of(sales: Sequence[Sale], *, day: int = 10**6) -> pa.Table:
    """Return sales up to a day as order lines, as known then; each order is cancelled as a whole or not."""
    rows: list[dict[str, Any]] = []
    count: dict[tuple[str, str], int] = {}
    for own, order, on, amount, delay in sorted(sales, key=lambda sale: (sale[0], sale[2], sale[1], sale[3])):
        if on > day:
            continue
        count[own, order] = count.get((own, order), 0) + 1
        cancelled = None if delay is None or on + delay > day else on + delay
        at = datetime(1970, 1, 1) + timedelta(days=on)
        values = (own, order, count[own, order], at, on, amount, 1.0, False, False, cancelled)
        rows.append(dict(zip(SCHEMA.names, values, strict=True)))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def events_of(seen: Sequence[tuple[str, int]]) -> pa.Table:
    times = [datetime(1970, 1, 1) + timedelta(days=day) for _, day in sorted(seen)]
    rows = [
        {"customer_id": own, "occurred_at": at, "day": day, "kind": "email_open"}
        for (own, day), at in zip(sorted(seen), times, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=EVENTS)


def customers_of(told: Sequence[Told]) -> pa.Table:
    ordered = sorted(told, key=lambda one: (one[0], BEFORE if one[1] is None else one[1]))
    rows = [{"customer_id": own, "known_day": day, "gender": word} for own, day, word in ordered]
    return pa.Table.from_pylist(rows, schema=CUSTOMERS)


def all_days(sales: Sequence[Sale], links: Links, seen: Any = (), told: Any = (), **more: Any) -> History:
    """Return the history under test."""
    beside: dict[str, Any] = {
        "events": ByCustomer.of(events_of(seen)),
        "customers": ByCustomer.of(customers_of(told)),
    }
    return history_from(lines_of(sales), links=links, **beside, **more)


def as_merged_then(sales: Sequence[Sale], links: Links, seen: Any, told: Any, day: int) -> History:
    """Return the history that merging on that day gives, made the plain way."""
    lines = lines_of(sales, day=day)
    ids = history_of(links.until(day), first_days=first_order_days(lines))

    def person(own: str) -> str:
        return str(known_as(pa.array([own]), ids)[0].as_py())

    events = events_of([(person(own), on) for own, on in seen if on <= day])
    last: dict[str, tuple[Any, str | None]] = {}
    for own, known, word in told:
        since = BEFORE if known is None else known
        rank = (since, own == person(own), own)
        if since <= day and (person(own) not in last or last[person(own)][0] < rank):
            last[person(own)] = (rank, word)
    customers = customers_of([(own, None, word) for own, (_, word) in last.items()])
    return History.from_lines(merged(lines, ids), events=events, customers=customers)


def assert_same(found: FeatureTable, expected: FeatureTable) -> None:
    assert found.customer_id.tolist() == expected.customer_id.tolist()
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name], values, name)


def linked(*rows: tuple[str, str, int]) -> Links:
    return Links.of_table(link_table(rows))


@SOME
@given(SALES, EVIDENCE_ROWS, LINK_ROWS, APART, SEEN, TOLD, DAYS)
def test_every_cutoff_of_one_history_equals_merging_on_that_day(
    sales: list[Sale], rows: list[Row], explicit: list[Row], apart: Any, seen: Any, told: list[Told], day: int
) -> None:
    links = links_of(rows, explicit).without(apart)
    whole = all_days(sales, links, seen, told)
    for cutoff in (day, 13, 0):
        expected = as_merged_then(sales, links, seen, told, cutoff)
        assert_same(BESIDE.compute(whole, cutoff), BESIDE.compute(expected, cutoff))
    both = (whole, as_merged_then(sales, links, seen, told, day))
    tables = [fit_over([history], [day], CATALOG)[day] for history in both]
    catalog = CATALOG.available(whole.optional, tables[0])
    assert tables[0].to_plain() == tables[1].to_plain()
    assert_same(*(catalog.compute(one, day, references=tables[0]) for one in both))


@SOME
@given(SALES, EVIDENCE_ROWS, LINK_ROWS, SEEN, TOLD, DAYS)
def test_a_history_of_one_day_equals_that_day_of_the_whole_one(
    sales: list[Sale], rows: list[Row], explicit: list[Row], seen: Any, told: list[Told], day: int
) -> None:
    links = links_of(rows, explicit)
    whole, one = (all_days(sales, links, seen, told, days=days) for days in (None, (day,)))
    assert_same(BESIDE.compute(one, day), BESIDE.compute(whole, day))
    assert not isinstance(one, PeopleHistory)


@SOME
@given(SALES, EVIDENCE_ROWS, LINK_ROWS, DAYS, st.integers(1, 8))
def test_an_outcome_is_that_of_the_customer_one_has_become_by_its_end(
    sales: list[Sale], rows: list[Row], explicit: list[Row], cutoff: int, horizon: int
) -> None:
    links, end = links_of(rows, explicit), cutoff + horizon
    whole = all_days(sales, links)
    table = BESIDE.compute(whole, cutoff)
    found = outcome_at(whole, table.customers, cutoff, horizon)
    later = lines_of(sales, day=end)
    ids = history_of(links.until(end), first_days=first_order_days(later))
    for i, own in enumerate(table.customer_id):
        orders: dict[str, list[int]] = {}
        for row in merged(later, ids).to_pylist():
            if (
                row["customer_id"] == known_as(pa.array([own]), ids)[0].as_py()
                and row["cancelled_day"] is None
            ):
                orders.setdefault(row["order_id"], []).append(row["day"])
        assert found.order_days[i] == len({min(days) for days in orders.values() if min(days) > cutoff})


@SOME
@given(SALES, EVIDENCE_ROWS, LINK_ROWS, st.sets(st.integers(0, 13)), DAYS)
def test_some_people_of_a_history_are_those_people_on_every_day(
    sales: list[Sale], rows: list[Row], explicit: list[Row], chosen: set[int], day: int
) -> None:
    links = links_of(rows, explicit)
    whole = all_days(sales, links)
    positions = np.array(sorted(i for i in chosen if i < len(whole.customer_ids)), dtype=np.int64)
    if not len(positions):
        return
    some, names = whole.of_customers(positions), whole.customer_ids[positions].tolist()
    assert some.customer_ids.tolist() == names
    ids = history_of(links, first_days=first_order_days(lines_of(sales)))
    table = BESIDE.compute(whole, day)
    kept = np.isin(known_as(pa.array(table.customer_id.tolist(), pa.string()), ids).to_pylist(), names)
    assert_same(BESIDE.compute(some, day), table.take(kept))


def test_two_customers_are_two_until_the_day_on_which_they_are_linked() -> None:
    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None), ("c", "1", 2, 1.0, None)]
    history = all_days(sales, linked(("a", "b", 6)))
    found = {day: BESIDE.compute(history, day) for day in (5, 6)}
    assert found[5].customer_id.tolist() == ["a", "b", "c"]
    assert found[6].customer_id.tolist() == ["a", "c"]
    assert found[6].columns["spend"].tolist() == [12.0, 1.0]
    assert history.customer_ids.tolist() == ["a", "c"]


def test_two_who_become_one_inside_the_horizon_both_have_its_outcome() -> None:
    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None), ("b", "2", 8, 2.0, None)]
    panel = build_panel(
        all_days(sales, linked(("a", "b", 6))), [4], horizons=(5,), observed_until=12, catalog=BESIDE
    )
    assert panel.features.customer_id.tolist() == ["a", "b"]
    assert panel.outcomes[5].value.tolist() == [2.0, 2.0]


def test_two_who_become_one_after_the_horizon_have_their_own_outcomes() -> None:
    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None), ("b", "2", 8, 2.0, None)]
    panel = build_panel(
        all_days(sales, linked(("a", "b", 10))), [4], horizons=(5,), observed_until=12, catalog=BESIDE
    )
    assert panel.outcomes[5].value.tolist() == [0.0, 2.0]


def test_a_panel_stands_in_the_order_of_the_ids_and_stacks_with_one_of_others() -> None:
    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None), ("aa", "1", 2, 1.0, None)]
    panel = build_panel(all_days(sales, linked(("a", "b", 6))), [5, 7], catalog=BESIDE)
    others = build_panel(all_days([("x", "1", 1, 5.0, None)], linked()), [5], catalog=BESIDE)
    both = FeatureTable.stack([panel.features, others.features])
    assert both.customer_id.tolist() == ["a", "aa", "b", "a", "aa", "x"]


def test_nobody_is_in_no_reference_table() -> None:
    @reference("Lines.", key="product_id", finish=lambda totals: totals["lines"])
    def sold(population: Any) -> Any:
        return {"lines": population.lines()}

    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None)]
    lines = lines_of(sales).append_column(ORDER_LINES.field("product_id"), pa.array(["p", "q"]))
    history = history_from(lines, links=linked(("a", "b", 6)))
    assert isinstance(history, PeopleHistory)
    for day in (5, 8):
        fitted = fit_references([sold], history, day).at("sold", day)
        assert dict(zip(fitted.keys, fitted.values.tolist(), strict=True)) == {"p": 1.0, "q": 1.0}


def test_a_customer_described_several_times_is_known_by_the_last_description_of_the_day() -> None:
    told = [("a", None, "m"), ("a", 5, "f"), ("b", 3, "m"), ("y", 1, "f")]
    history = all_days([("a", "1", 1, 5.0, None), ("b", "1", 1, 7.0, None)], linked(), told=told)
    assert isinstance(history, ShopHistory)
    found = {day: BESIDE.pick(["gender"]).compute(history, day).columns["gender"] for day in (1, 3, 5)}
    letters = {
        day: ["?" if np.isnan(one) else chr(int(one)) for one in values] for day, values in found.items()
    }
    assert letters == {1: ["m", "?"], 3: ["m", "m"], 5: ["f", "m"]}
    some = history.of_customers(np.array([1]))
    assert BESIDE.compute(some, 4).columns["gender"].tolist() == [ord("m")]


def test_days_that_were_not_asked_for_are_refused() -> None:
    sales = [("a", "1", 1, 5.0, None), ("b", "1", 3, 7.0, None)]
    history = all_days(sales, linked(("a", "b", 6)), days=(4, 5, 7))
    assert outcome_at(history, BESIDE.compute(history, 4).customers, 4, 3).value.tolist() == [0.0, 0.0]
    alone = all_days(sales, linked(("a", "b", 6)), days=(4, 5))
    assert BESIDE.compute(alone, 5).customer_id.tolist() == ["a", "b"]
    three = all_days([*sales, ("c", "1", 2, 1.0, None)], linked(("a", "b", 6), ("b", "c", 9)), days=(4, 12))
    with pytest.raises(ContractError, match="day 7"):
        outcome_at(three, BESIDE.compute(three, 4).customers, 4, 3)
