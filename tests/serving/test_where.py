from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from serving.store import Store, Where, publish
from tests.serving.scores import AS_OF, COUNTRIES, TIERS, many, scores

IDS = [f"{letter}{number}" for number in range(40) for letter in ("a", "b", "ab")]
TABLE = scores(*IDS)
ROWS = TABLE.to_pylist()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("where")
    publish(TABLE, folder, manifest={"ranked_by": "expected_value_90d"}, formats=())
    return Store.open(folder)


def meets(row: dict[str, Any], where: Where) -> bool:
    """Say in plain words whether a customer meets a filter."""
    choices = ("segment", "tier", "lifecycle", "country", "confidence")
    if any(getattr(where, name) and row[name] not in getattr(where, name) for name in choices):
        return False
    last_order = AS_OF - timedelta(days=row["recency_days"])
    bounded: list[tuple[Any, Any, Any]] = [
        (row["percentile"], where.percentile_min, where.percentile_max),
        (row["expected_value_90d"], where.value_min, where.value_max),
        (row["p_repurchase_90d"], where.p_min, where.p_max),
        (last_order, where.last_order_from, where.last_order_to),
    ]
    for value, least, most in bounded:
        if (least is not None and value < least) or (most is not None and value > most):
            return False
    return str(row["customer_id"]).startswith(where.search)


def some_of(texts: tuple[str | None, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    known = [text for text in texts if text is not None]
    return st.lists(st.sampled_from([*known, "unknown"]), max_size=5).map(tuple)


def perhaps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.none() | values


def bound_of(name: str) -> st.SearchStrategy[Any]:
    return perhaps(st.sampled_from([row[name] for row in ROWS]))


DAYS = perhaps(st.dates(date(1997, 1, 1), date(1998, 5, 1)))
FILTERS = st.builds(
    Where,
    segment=some_of(("segment 1", "segment 2", "segment 3", "segment 4", "segment 0")),
    tier=some_of(TIERS),
    lifecycle=some_of(("new", "loyal")),
    country=some_of(COUNTRIES),
    confidence=some_of(("high", "low")),
    percentile_min=bound_of("percentile"),
    percentile_max=bound_of("percentile"),
    value_min=bound_of("expected_value_90d"),
    value_max=bound_of("expected_value_90d"),
    p_min=bound_of("p_repurchase_90d"),
    p_max=bound_of("p_repurchase_90d"),
    last_order_from=DAYS,
    last_order_to=DAYS,
    search=st.sampled_from(["", "", "a", "b", "ab", "a1", "c", "\ud800"]),
)


@settings(max_examples=200, deadline=None)
@given(where=FILTERS, after=st.integers(0, 121), limit=st.integers(1, 130))
def test_a_filter_finds_who_a_plain_loop_finds(store: Store, where: Where, after: int, limit: int) -> None:
    found = [row for row in ROWS if meets(row, where)]
    page = [row for row in found if row["rank"] > after][:limit]
    assert store.count_of(where) == len(found)
    assert store.ranking(limit=limit, after_rank=after, where=where) == page
    assert store.ranks_until(after, where).tolist() == [row["rank"] for row in found if row["rank"] <= after]
    assert store.table(where).to_pylist() == found


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (Where(), 120),
        (Where(tier=("gold",)), 30),
        (Where(tier=("gold", "silver"), lifecycle=("new",)), 30),
        (Where(tier=("platinum",)), 0),
        (Where(search="ab"), 40),
        (Where(search="a"), 80),
        (Where(last_order_from=AS_OF, last_order_to=AS_OF), 0),
        (Where(last_order_from=AS_OF - timedelta(days=13)), 4),  # ranks 1, 31, 62, 93
        (Where(percentile_min=50.0), 4),
    ],
)
def test_customers_are_counted(store: Store, where: Where, count: int) -> None:
    assert store.count_of(where) == count


def test_pages_of_a_filter_over_many_batches_have_no_gap(tmp_path: Path) -> None:
    table = many(70_000)
    publish(table, tmp_path, manifest={"ranked_by": "expected_value_90d"}, formats=())
    store, where = Store.open(tmp_path), Where(tier=("gold",), country=("DE",))
    seen: list[str] = []
    while page := store.ranking(limit=700, after_rank=last_rank(store, seen), where=where):
        seen += [row["customer_id"] for row in page]
    mask = [row["tier"] == "gold" and row["country"] == "DE" for row in rows_of(table)]
    assert seen == table.filter(pa.array(mask))["customer_id"].to_pylist()


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(["tier", "country"]).to_pylist()
    return rows


def last_rank(store: Store, seen: list[str]) -> int:
    row = store.customer(seen[-1]) if seen else None
    return row["rank"] if row else 0


def test_a_filter_without_demands_is_all() -> None:
    assert Where().is_all and not Where(search="a").is_all


def test_a_text_in_place_of_texts_is_refused() -> None:
    with pytest.raises(ContractError, match="segment must be a tuple"):
        Where(segment="vip")  # type: ignore[arg-type]


def test_a_bound_that_is_no_number_is_refused() -> None:
    with pytest.raises(ContractError, match="value_min is not a number"):
        Where(value_min=float("nan"))
