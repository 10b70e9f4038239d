from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.days import to_date
from contracts.errors import ArtifactError
from contracts.tables import CURVE_KNOTS, DEFAULT_HORIZONS, OPTIONAL_LINE_COLUMNS, scores_schema
from contracts.training import Floats
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, feature
from features.kernel.history import History
from features.kernel.past import Past
from features.orders import read_orders
from features.own import load_features
from models.bundle import Bundle, load_bundle
from models.curve import at_horizon
from serving.curve import chance_within
from serving.live_scorer import LiveScorer
from serving.rank import (
    Scoring,
    absent_columns,
    features_for,
    require_features,
    score_history,
)
from tests import worlds
from tests.worlds import write_csv

NOW = datetime(2022, 2, 6, 3, 0, tzinfo=UTC)
AS_OF = worlds.AS_OF
ODD = (30, 45, 90, 180, 365, 400, 730)


def score(
    history: History | None = None, *, horizons: tuple[int, ...] = DEFAULT_HORIZONS, by: str = "value",
    as_of: int = AS_OF, bundle: Bundle | None = None,
) -> pa.Table:  # fmt: skip
    scoring = Scoring(as_of, horizons, 90, by, NOW)
    return score_history(history or worlds.history(), bundle or worlds.bundle(), scoring)


@pytest.fixture(scope="module")
def scores() -> pa.Table:
    return score()


@pytest.fixture(scope="module")
def odd() -> pa.Table:
    return score(horizons=ODD)


def numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def curves(table: pa.Table) -> Floats:
    return np.array(table["curve"].to_pylist())


# ---------------------------------------------------------------- the table
def test_the_columns_are_those_of_the_contract(scores: pa.Table, odd: pa.Table) -> None:
    assert scores.schema == scores_schema((30, 90, 180, 365))
    assert odd.schema == scores_schema(ODD)


def test_every_customer_with_a_standing_order_stands_exactly_once(scores: pa.Table) -> None:
    lines = worlds.orders().lines.to_pylist()
    stands = {
        line["customer_id"]
        for line in lines
        if line["quantity"] > 0 and (line["cancelled_day"] is None or line["cancelled_day"] > AS_OF)
    }
    assert sorted(scores["customer_id"].to_pylist()) == sorted(stands)


def test_no_number_is_missing_or_without_end(odd: pa.Table) -> None:
    for field in odd.schema:
        if pa.types.is_floating(field.type):
            assert np.isfinite(numbers(odd, field.name)).all(), field.name


def test_a_customer_whose_every_order_was_free_is_scored(tmp_path: Path) -> None:
    rows = worlds.rows()[:3_000]
    name = rows[0]["customer_id"]
    free = [{**row, "amount": 0.0} if row["customer_id"] == name else row for row in rows]
    orders = read_orders(write_csv(tmp_path / "orders.csv", free))
    table = score(History.from_lines(orders.lines), as_of=orders.last_day)
    assert name in table["customer_id"].to_pylist()


def test_each_row_says_what_it_was_made_with(scores: pa.Table) -> None:
    row = scores.to_pylist()[0]
    assert (row["as_of"], row["valid_until"], row["scored_at"]) == (date(2022, 2, 5), date(2022, 2, 12), NOW)
    assert (row["currency"], row["model_version"]) == ("XXX", worlds.bundle().version)
    assert row["model"].startswith(worlds.bundle().model.parts)


def test_a_horizon_beyond_the_learnt_ones_is_called_extrapolated(odd: pa.Table) -> None:
    learnt = worlds.bundle().manifest["learnt_until_days"]
    assert odd["model"][0].as_py() == f"{worlds.bundle().model.parts}, extrapolated beyond {learnt}d"
    assert "extrapolated" not in score(horizons=(30, 90))["model"][0].as_py()


def test_a_model_that_learnt_no_horizon_says_that_a_year_is_extrapolated() -> None:
    bundle = worlds.bundle()
    alone = replace(bundle, model=replace(bundle.model, lightgbm=None))
    assert "extrapolated" in score(horizons=(90, 730), bundle=alone)["model"][0].as_py()


def test_summary_columns_are_those_of_the_history(scores: pa.Table) -> None:
    days: dict[str, set[int]] = {}
    for line in worlds.orders().lines.to_pylist():
        if line["quantity"] > 0 and (line["cancelled_day"] is None or line["cancelled_day"] > AS_OF):
            days.setdefault(line["customer_id"], set()).add(line["day"])
    for row in scores.to_pylist():
        own = days[row["customer_id"]]
        assert (row["frequency"], row["recency_days"]) == (len(own) - 1, AS_OF - max(own))


@pytest.mark.parametrize("base", ["bgnbd", "recency"])
def test_a_model_without_lightgbm_ranks_every_customer(base: str) -> None:
    simpler = load_bundle(worlds.simple(base).folder, in_child_first=False)
    table = score(horizons=(30, 90, 400), bundle=simpler)
    assert table.num_rows == score().num_rows
    assert table["model"][0].as_py().startswith(base)


# ---------------------------------------------------------------- rank
@pytest.mark.parametrize(
    ("by", "column"), [("value", "expected_value_90d"), ("probability", "p_repurchase_90d")]
)
def test_the_best_stand_first_and_ties_by_customer_id(by: str, column: str) -> None:
    rows = score(by=by).to_pylist()
    keys = [(-row[column], row["customer_id"]) for row in rows]
    assert keys == sorted(keys)
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))


def test_the_best_has_percentile_100_and_a_rank_shares_it_with_its_ties() -> None:
    table = score(twins())
    assert table["percentile"][0].as_py() == 100.0
    shared = dict(zip(table["customer_id"].to_pylist(), table["percentile"].to_pylist(), strict=True))
    assert shared["twin-a"] == shared["twin-b"] == 75.0
    assert min(shared.values()) == 25.0


def test_twins_are_ranked_by_their_ids() -> None:
    ids = score(twins())["customer_id"].to_pylist()
    assert ids.index("twin-b") == ids.index("twin-a") + 1


def twins() -> History:
    """Return four customers: two alike, a better one and a worse one."""
    lines = worlds.orders().lines
    table = score()
    best, middle, worst = (table["customer_id"][at].as_py() for at in (0, 400, -1))
    parts = [
        renamed(lines, customer, name)
        for customer, name in ((best, "best"), (middle, "twin-a"), (middle, "twin-b"), (worst, "worst"))
    ]
    return History.from_lines(pa.concat_tables(parts))


def renamed(lines: pa.Table, customer: str, name: str) -> pa.Table:
    own = lines.filter(pa.array([one == customer for one in lines["customer_id"].to_pylist()]))
    place = own.schema.get_field_index("customer_id")
    return own.set_column(place, own.schema.field(place), pa.array([name] * own.num_rows))


# ---------------------------------------------------------------- chances, values, dates
def test_a_longer_horizon_never_has_a_smaller_chance_more_orders_or_value(odd: pa.Table) -> None:
    for name in ("p_repurchase", "expected_orders", "expected_value"):
        found = np.column_stack([numbers(odd, f"{name}_{h}d") for h in ODD])
        assert np.all(np.diff(found, axis=1) >= -1e-9), name


def test_chances_lie_in_0_to_1_and_orders_are_at_least_the_chance(odd: pa.Table) -> None:
    for h in ODD:
        p, orders = numbers(odd, f"p_repurchase_{h}d"), numbers(odd, f"expected_orders_{h}d")
        assert p.min() >= 0 and p.max() <= 1 and np.all(orders >= p - 1e-12)


@pytest.mark.parametrize("horizon", [30, 45, 90, 180, 365])
def test_the_stored_curve_gives_the_chance_again(odd: pa.Table, horizon: int) -> None:
    stored, p = curves(odd), numbers(odd, f"p_repurchase_{horizon}d")
    assert at_horizon(stored, horizon).tolist() == p.tolist()
    for row in range(0, odd.num_rows, 97):
        theirs = chance_within(horizon, CURVE_KNOTS, stored[row].tolist())
        assert theirs == pytest.approx(p[row], abs=1e-14)


def test_the_curve_never_falls_and_goes_on_beyond_its_last_knot(odd: pa.Table) -> None:
    stored = curves(odd)
    assert np.all(np.diff(stored, axis=1) >= 0)
    assert np.all(numbers(odd, "p_repurchase_400d") >= stored[:, -1])


def test_asking_for_more_horizons_changes_no_other_column(scores: pa.Table, odd: pa.Table) -> None:
    shared = [name for name in scores.column_names if name != "model"]
    assert odd.select(shared).equals(scores.select(shared))


def test_the_next_order_dates_are_ordered_and_lie_after_as_of(scores: pa.Table) -> None:
    for row in scores.to_pylist():
        dates = [row[f"next_order_{name}"] for name in ("p10", "p50", "p90")]
        if dates[0] is not None:
            assert to_date(AS_OF) < dates[0] <= dates[1] <= dates[2] <= to_date(AS_OF + 365)


def test_dates_are_empty_exactly_for_those_who_order_within_a_year_with_under_5_percent(
    scores: pa.Table,
) -> None:
    unlikely = curves(scores)[:, -1] < 0.05
    for name in ("p10", "p50", "p90"):
        assert [day is None for day in scores[f"next_order_{name}"].to_pylist()] == unlikely.tolist()


def test_half_of_those_who_order_within_a_year_have_ordered_by_the_middle_date(scores: pa.Table) -> None:
    stored = curves(scores)
    for row, day in enumerate(scores["next_order_p50"].to_pylist()):
        if day is not None and row % 50 == 0:
            days = (day - to_date(AS_OF)).days
            half = stored[row, -1] / 2
            before = chance_within(days - 1, CURVE_KNOTS, stored[row].tolist()) if days > 1 else 0.0
            assert before <= half + 1e-9 <= chance_within(days, CURVE_KNOTS, stored[row].tolist()) + 2e-9


def test_expected_values_and_the_chance_to_be_alive_are_in_their_bounds(odd: pa.Table) -> None:
    assert min(numbers(odd, f"expected_value_{h}d").min() for h in ODD) >= 0
    assert numbers(odd, "p_alive").min() >= 0 and numbers(odd, "p_alive").max() <= 1


def with_clv(**terms: Any) -> Bundle:
    bundle = worlds.bundle()
    return replace(
        bundle, manifest={**bundle.manifest, "clv": {**bundle.manifest["clv"], "margins": None, **terms}}
    )


@pytest.mark.parametrize("margin", [1.0, 0.25])
def test_clv_lies_between_nothing_and_the_undiscounted_value_times_margin(margin: float) -> None:
    table = score(bundle=with_clv(margin=margin))
    clv, year = numbers(table, "clv"), numbers(table, "expected_value_365d")
    assert clv.min() >= 0 and np.all(clv <= margin * year + 1e-9)
    assert np.all(clv >= margin * year / 1.1 - 1e-9)


def test_without_discount_and_cost_clv_is_the_expected_value_of_its_span() -> None:
    table = score(horizons=(90, 365, 730), bundle=with_clv(discount_rate=0.0, days=730))
    np.testing.assert_allclose(numbers(table, "clv"), numbers(table, "expected_value_730d"), rtol=1e-9)


def test_clv_over_two_years_does_not_depend_on_the_horizons_that_were_asked() -> None:
    bundle = with_clv(days=730)
    few, many = score(bundle=bundle), score(bundle=bundle, horizons=(30, 90, 365, 1_000))
    assert few["clv"].to_pylist() == many["clv"].to_pylist()


def test_the_answers_are_the_models(odd: pa.Table) -> None:
    table = worlds.bundle().model.predict(
        features_for(worlds.bundle(), worlds.history(), AS_OF).columns, 400, day=AS_OF
    )
    by_id = odd.sort_by("customer_id")
    assert numbers(by_id, "p_repurchase_400d").tolist() == table.p.tolist()
    assert numbers(by_id, "expected_value_400d").tolist() == table.expected_value.tolist()


# ---------------------------------------------------------------- what is known then
def test_orders_after_as_of_change_no_score(scores: pa.Table) -> None:
    later = read_orders(worlds.orders_file())
    assert later.last_day > AS_OF
    assert score(History.from_lines(later.lines)).equals(scores)


def test_a_file_cut_at_as_of_gives_the_same_scores(scores: pa.Table, tmp_path: Path) -> None:
    cut = [row for row in worlds.rows() if worlds.day_of(row) <= AS_OF]
    orders = read_orders(write_csv(tmp_path / "cut.csv", cut))
    assert score(History.from_lines(orders.lines)).equals(scores)


SALE = {"customer_id": "a", "order_id": "1", "ordered_at": "2022-01-10", "product_id": "p01", "category": "toys",
        "quantity": 1, "unit_price": 9.0, "amount": 9.0, "discount": 0.0, "coupon": ""}  # fmt: skip
SECOND = {**SALE, "order_id": "2", "ordered_at": "2022-01-20", "amount": 12.0, "unit_price": 12.0}
UNDONE = {**SECOND, "order_id": "R2", "ordered_at": "2022-01-25", "quantity": -1, "amount": -12.0}


def few(folder: Path, *rows: dict[str, Any]) -> History:
    return History.from_lines(read_orders(write_csv(folder / "few.csv", rows)).lines)


def test_an_order_cancelled_before_as_of_is_none(tmp_path: Path) -> None:
    history = few(tmp_path, SALE, SECOND, UNDONE)
    before, after = (score(history, as_of=AS_OF - ago).to_pylist()[0] for ago in (12, 11))
    assert (before["as_of"], before["frequency"], before["recency_days"]) == (date(2022, 1, 24), 1, 4)
    assert (after["as_of"], after["frequency"], after["recency_days"]) == (date(2022, 1, 25), 0, 15)


def test_a_customer_whose_only_order_was_cancelled_is_not_ranked(tmp_path: Path) -> None:
    history = few(tmp_path, {**SALE, "customer_id": "b"}, SECOND, UNDONE)
    assert score(history)["customer_id"].to_pylist() == ["b"]


def test_before_the_first_order_nobody_is_ranked() -> None:
    table = score(as_of=int(worlds.history().first_order_day) - 1)
    assert table.num_rows == 0 and table.schema == scores_schema(DEFAULT_HORIZONS)


# ---------------------------------------------------------------- features and bundle
def test_features_of_absent_columns_are_empty_and_the_columns_are_told() -> None:
    lines = worlds.orders().lines
    bare = History.from_lines(
        lines.drop_columns([n for n in OPTIONAL_LINE_COLUMNS if n in lines.column_names])
    )
    columns = features_for(worlds.bundle(), bare, AS_OF).columns
    assert np.isnan(columns["products"]).all() and not np.isnan(columns["frequency"]).any()
    assert absent_columns(worlds.bundle(), bare.optional) == [
        "category",
        "cost",
        "coupon",
        "discount",
        "product_id",
    ]
    assert score(bare).num_rows == score().num_rows


def test_with_all_columns_there_none_is_told_as_absent() -> None:
    assert absent_columns(worlds.bundle(), worlds.history().optional) == []


def test_a_feature_that_changed_since_the_training_is_refused() -> None:
    bundle = worlds.bundle()
    features = {**bundle.manifest["features"], "tenure": "0" * 16}
    with pytest.raises(ArtifactError, match="feature 'tenure' has changed since"):
        score(bundle=replace(bundle, manifest={**bundle.manifest, "features": features}))


def test_a_feature_that_is_gone_since_the_training_is_refused() -> None:
    bundle = worlds.bundle()
    features = {**bundle.manifest["features"], "shoe_size": "0" * 16}
    with pytest.raises(ArtifactError, match=r"features that are not here: shoe_size\. Train a new model"):
        score(bundle=replace(bundle, manifest={**bundle.manifest, "features": features}))


OWN = """from features.kernel.declaration import feature

@feature("Orders in the last 45 days.", unit="orders", family="own")
def orders_45d(past):
    return past.count(days=45)
"""


def own(folder: Path, text: str = OWN) -> Catalog:
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(text)
    return load_features(folder / "mine.py")


def bundle_with(catalog: Catalog) -> Bundle:
    """Return the bundle as if it read the own feature as well."""
    (one,) = catalog.pick(["orders_45d"])
    features = {**worlds.bundle().manifest["features"], one.name: one.source_hash}
    manifest = {**worlds.bundle().manifest, "features": features, "own_features": {one.name: "mine.py"}}
    return replace(worlds.bundle(), manifest=manifest)


def test_without_its_file_an_own_feature_is_asked_for_by_name(tmp_path: Path) -> None:
    bundle = bundle_with(own(tmp_path))
    message = r"features that are not here: orders_45d\. Give their file: --features mine\.py\."
    with pytest.raises(ArtifactError, match=message):
        score(bundle=bundle)
    with pytest.raises(ArtifactError, match=message):
        require_features(bundle, CATALOG)


def test_with_its_file_an_own_feature_is_computed_and_scored(tmp_path: Path) -> None:
    catalog = own(tmp_path)
    bundle = bundle_with(catalog)
    found = features_for(bundle, worlds.history(), AS_OF, catalog=catalog).columns["orders_45d"]
    assert found.max() > 0 and absent_columns(bundle, worlds.history().optional, catalog=catalog) == []
    scoring = Scoring(AS_OF, DEFAULT_HORIZONS, 90, "value", NOW)
    assert score_history(worlds.history(), bundle, scoring, catalog=catalog).equals(score())
    lines = worlds.orders().lines
    assert (
        LiveScorer(bundle, lambda: NOW, catalog).score(lines, as_of=AS_OF, horizons=(90,)).num_rows
        == score().num_rows
    )


def test_an_own_feature_that_changed_is_refused_and_its_file_named(tmp_path: Path) -> None:
    bundle = bundle_with(own(tmp_path))
    changed = own(tmp_path / "new", OWN.replace("days=45", "days=46"))
    with pytest.raises(
        ArtifactError, match=r"'orders_45d' has changed since .* Give mine\.py as it was then, or"
    ):
        require_features(bundle, changed)


# ---------------------------------------------------------------- reference tables
def test_reference_tables_are_those_of_the_bundle() -> None:
    bundle = worlds.bundle()
    moved = {
        name: {**one, "values": [2 * v for v in one["values"]]} for name, one in bundle.references.items()
    }
    ours, theirs = (
        features_for(one, worlds.history(), AS_OF).columns
        for one in (bundle, replace(bundle, references=moved))
    )
    read = [one.name for one in CATALOG.pick(bundle.features) if one.needs_reference]
    assert read and all(not np.array_equal(ours[name], theirs[name], equal_nan=True) for name in read)


def test_a_day_before_the_training_is_scored_with_the_tables_of_the_model() -> None:
    assert {one["day"] for one in worlds.bundle().references.values()} == {AS_OF}
    earlier = features_for(worlds.bundle(), worlds.history(), AS_OF - 100)
    assert earlier.columns["cohort_spend_ratio"].max() > 0
    assert np.isfinite(numbers(score(as_of=AS_OF - 100), "expected_value_90d")).all()


def test_a_live_history_has_empty_columns_for_order_lines_alone() -> None:
    @feature("Visits.", unit="visits", family="engagement", needs=("events", "customers.age", "country"))
    def visits(past: Past) -> Floats:
        return past.sum("events.visit")

    manifest = {**worlds.bundle().manifest, "features": {"visits": visits.source_hash}}
    scorer = LiveScorer(replace(worlds.bundle(), manifest=manifest), lambda: NOW, Catalog([*CATALOG, visits]))
    assert scorer._columns == ["cost", "country"]  # the cost for the margin
