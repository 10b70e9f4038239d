from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.stability_metrics import Distribution
from contracts.tables import DEFAULT_HORIZONS
from features.kernel.history import History
from features.orders import read_orders
from serving.batch.drift import Drift, Measured, Reference, measure
from serving.rank import Scoring, scored_customers
from tests import worlds

NOW = datetime(2022, 6, 1, tzinfo=UTC)


@cache
def lines() -> pa.Table:
    """Return the shop's lines up to the end of its file, 30 days after the training."""
    return read_orders(worlds.orders_file()).lines


def drift(of: pa.Table, *, day: int = worlds.AS_OF, previous: int | None = None) -> Drift:
    """Measure what these lines' customers look like to the trained model."""
    bundle = worlds.bundle()
    reference = Reference.of_manifest(bundle.manifest)
    assert reference is not None
    scoring = Scoring(day, DEFAULT_HORIZONS, 90, "value", NOW)
    scored = scored_customers(History.from_lines(of), bundle, scoring)
    scores = {name: scored.scores[column].to_numpy() for name, column in reference.scores.items()}
    counts = reference.counts({**scored.features.columns, **scores})
    return measure(reference, [counts], customers=len(scored.features), previous=previous, absent=())


def with_amounts(times: float) -> pa.Table:
    place = lines().column_names.index("amount")
    return lines().set_column(place, lines().schema.field(place), pc.multiply(lines()["amount"], times))


def test_the_training_data_themselves_have_not_moved() -> None:
    found = drift(lines())
    assert not found.flagged and max(found.indexes.values()) < 0.01


def test_a_month_that_passes_is_no_drift() -> None:
    assert not drift(lines(), day=worlds.AS_OF + 30).flagged


def test_amounts_in_another_currency_are_drift() -> None:
    found = drift(with_amounts(100.0))
    assert any("expected_value" in reason for reason in found.reasons)
    assert any("of the importance have moved" in reason for reason in found.reasons)


def test_a_column_that_is_gone_is_drift() -> None:
    found = drift(lines().drop_columns(["product_id"]))
    assert any("unknown for everybody" in reason and "products" in reason for reason in found.reasons)


def test_a_base_that_halved_since_the_previous_ranking_is_drift() -> None:
    assert not drift(lines(), previous=2 * 1_466).flagged
    assert "fewer than half" in drift(lines(), previous=2 * 1_466 + 1).reasons[0]


def test_a_bundle_without_a_reference_says_that_nothing_is_known() -> None:
    assert Reference.of_manifest({"features": {}}) is None
    found = measure(None, [], customers=10, previous=10, absent=("cost",)).to_dict()
    assert (found["known"], found["flagged"], found["absent_columns"]) == (False, False, ["cost"])


def test_the_counts_of_parts_add_up() -> None:
    values = np.random.default_rng(4).normal(size=1_000)
    one = Measured(Distribution.of(values), 0.0, 1.0)
    reference = Reference(1_000, {"x": one}, {})
    parts = [reference.counts({"x": values[start::3] + 5.0}) for start in range(3)]
    whole = [reference.counts({"x": values + 5.0})]
    found = [measure(reference, some, customers=1_000, previous=None, absent=()) for some in (parts, whole)]
    assert found[0].indexes == found[1].indexes and found[0].reasons == found[1].reasons


def test_what_time_alone_moves_far_has_a_higher_limit() -> None:
    before = Distribution.of(np.arange(1_000.0))
    assert [Measured(before, usual, 0.0).limit for usual in (0.0, 0.1, 0.5)] == [0.25, 0.25, 1.0]


def test_the_report_tells_the_index_the_limit_and_what_is_unknown() -> None:
    told = drift(lines().drop_columns(["product_id"])).to_dict()
    products = told["features"]["products"]
    assert (products["unknown_share"], products["unknown_share_before"]) == (1.0, 0.0)
    assert told["flagged"] and told["known"] and 0 < told["unknown_share"] < 1
    assert set(told["scores"]) == {"p_repurchase", "expected_value"}
    assert sum(one["importance"] for one in told["features"].values()) < 1.0001
