"""Group totals: what is added up, that it adds up in any way, and what makes groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contracts.errors import ArtifactError, ContractError, DeclarationError
from contracts.tables import CURVE_KNOTS, scores_schema
from models.clv import Lifetime
from serving.totals import (
    NO_GROUP,
    TOTALS,
    by_column,
    by_customer,
    group_totals,
    needed,
    require_groups,
    totals,
    without_score,
)

TERMS: dict[str, Any] = {"days": 365, "margin": 1.0, "discount_rate": 0.1, "level_sd": 0.2}
MANIFEST = {"clv": TERMS}
TIERS = st.sampled_from(["a", "b", "c", None])
CENTS = st.integers(0, 10**8).map(lambda cents: cents / 100)
CUSTOMERS = st.lists(st.tuples(CENTS, CENTS, st.floats(0, 1), TIERS), min_size=1, max_size=30)


def scored(*rows: tuple[float, float, float, str | None]) -> pa.Table:
    """Return scores of customers given as (clv, variance, chance, tier)."""
    clv, variance, p, tier = zip(*rows, strict=True)
    names = [f"{place:02d}" for place in range(len(rows))]
    text = pa.array(tier, pa.string())
    return pa.table(
        {"customer_id": names, "clv": clv, "clv_variance": variance, "p_repurchase_365d": p, "tier": text}
    )


def added(scores: pa.Table, manifest: dict[str, Any] = MANIFEST, **more: Any) -> list[dict[str, Any]]:
    """Return the rows of the totals by tier."""
    rows: list[dict[str, Any]] = totals(scores, manifest, group=scores["tier"], **more).to_pylist()
    return rows


# ---------------------------------------------------------------- what is added up
def test_a_groups_value_and_customers_are_sums_and_all_come_last() -> None:
    scores = scored((100, 1, 0.9, "b"), (30, 1, 0.9, "a"), (20, 1, 0.9, "a"), (50, 1, 0.9, None))
    rows = added(scores)
    shown = [(row["group"], row["customers"], row["clv"], row["clv_share"]) for row in rows]
    assert shown == [
        ("b", 1, 100.0, 0.5), ("a", 2, 50.0, 0.25), (NO_GROUP, 1, 50.0, 0.25), ("all", 4, 200.0, 1.0),
    ]  # fmt: skip


def test_a_large_groups_bounds_are_those_of_a_gamma_with_customers_and_level_in_its_variance() -> None:
    scores = scored(*[(10.0, 400.0, 0.5, "a")] * 100)
    row = added(scores, level=0.9)[0]
    variance = 100 * 400.0 + (0.2 * 1_000.0) ** 2
    gamma = stats.gamma(1_000.0**2 / variance, scale=variance / 1_000.0)
    assert (row["clv_lower"], row["clv_upper"]) == pytest.approx((gamma.ppf(0.05), gamma.ppf(0.95)))


def test_bounds_hold_for_the_sum_of_what_customers_and_a_common_level_bring() -> None:
    chance = np.random.default_rng(3)
    level = np.exp(chance.normal(-0.02, 0.2, 4_000))  # mean 1, standard deviation of the logarithm .2
    brought = level * chance.gamma(60 * 0.5, 20.0, 4_000)  # 60 customers of mean 10 and variance 200
    row = added(scored(*[(10.0, 200.0, 0.6, "a")] * 60))[0]
    inside = (brought >= row["clv_lower"]) & (brought <= row["clv_upper"])
    assert inside.mean() == pytest.approx(0.8, abs=0.02)


def test_a_few_unlikely_customers_may_bring_nothing() -> None:
    row = added(scored((5, 100, 0.2, "a"), (5, 100, 0.2, "a")))[0]
    assert row["clv_lower"] == 0.0 and not math.copysign(1.0, row["clv_lower"]) < 0
    assert row["clv_upper"] > row["clv"]


def test_the_cost_of_contacts_is_certain() -> None:
    terms = {**TERMS, "contact_cost": 7.3}
    cost = Lifetime.of(
        [np.zeros(1)] * 3, [90, 180, 365], margin=1.0, discount_rate=0.1, contact_cost_per_year=7.3
    ).contact_cost
    scores = scored(*[(10.0, 40.0, 0.5, "a")] * 50)
    less = scores.set_column(1, "clv", pa.array([10.0 - cost] * 50))
    before, after = added(scores)[0], added(less, {"clv": terms})[0]
    for name in ("clv", "clv_lower", "clv_upper"):
        assert after[name] == pytest.approx(before[name] - 50 * cost)


def test_no_share_is_told_where_all_expect_nothing() -> None:
    rows = added(scored((0, 0, 0.0, "a"), (0, 0, 0.0, "b")))
    assert [row["clv_share"] for row in rows] == [None, None, None]


def test_the_chance_of_another_span_is_read_off_the_curve() -> None:
    scores = scored((5, 100, 0.2, "a")).drop_columns(["p_repurchase_365d"])
    p = [0.01 * knot / 7 for knot in CURVE_KNOTS]
    scores = scores.append_column("curve", pa.array([p], pa.list_(pa.float64())))
    for days, chance in ((90, p[CURVE_KNOTS.index(90)]), (730, p[-1])):
        (only,) = group_totals(scores, {"clv": {**TERMS, "days": days}}, group=scores["tier"])
        assert only.total.log_nobody == pytest.approx(math.log1p(-chance))


# ---------------------------------------------------------------- adding up
@given(CUSTOMERS)
def test_the_totals_of_groups_add_up_to_that_of_their_union(
    rows: list[tuple[float, float, float, str | None]],
) -> None:
    scores = scored(*rows)
    found = group_totals(scores, MANIFEST, group=scores["tier"])
    (union,) = group_totals(scores, MANIFEST, group=pa.repeat(pa.scalar("one"), len(rows)))
    parts = sum((one.total for one in found[1:]), found[0].total)
    assert vars(parts) == pytest.approx(vars(union.total), rel=1e-15, abs=0)
    assert parts.interval() == pytest.approx(union.total.interval(), rel=1e-9, abs=1e-9)


@given(CUSTOMERS, st.randoms(use_true_random=False))
def test_the_order_of_the_customers_changes_nothing(
    rows: list[tuple[float, float, float, str | None]], chance: Any
) -> None:
    scores, places = scored(*rows), list(range(len(rows)))
    chance.shuffle(places)
    assert added(scores.take(places)) == added(scores)


@given(CUSTOMERS)
def test_all_customers_have_the_same_bounds_however_they_are_grouped(
    rows: list[tuple[float, float, float, str | None]],
) -> None:
    scores = scored(*rows)
    one = totals(scores, MANIFEST, group=scores["customer_id"])
    assert one.slice(len(rows)).to_pylist() == added(scores)[-1:]
    assert one.schema == TOTALS


# ---------------------------------------------------------------- groups
def test_numbers_are_in_their_order_and_words_by_value() -> None:
    scores = scored((1, 1, 0.5, "small"), (9, 1, 0.5, "large"), (5, 1, 0.5, "small"))
    by_number = totals(scores, MANIFEST, group=pa.array([10, 9, None], pa.int32()))
    assert by_number["group"].to_pylist() == ["9", "10", NO_GROUP, "all"]
    assert [row["group"] for row in added(scores)] == ["large", "small", "all"]


def test_a_column_of_text_or_whole_numbers_makes_groups_and_others_say_which_do() -> None:
    schema = scores_schema((365,))
    for column in ("tier", "segment", "confidence", "frequency"):
        require_groups(schema, column)
    for column, message in (
        ("clv", "'clv' makes no groups"),
        ("customer_id", "'customer_id' makes no groups"),
        ("segmnt", "did you mean 'segment'"),
    ):
        with pytest.raises(DeclarationError, match=message):
            require_groups(schema, column)


def test_a_column_is_taken_as_it_is() -> None:
    scores = scored((1, 1, 0.5, "x"), (1, 1, 0.5, None))
    assert by_column(scores, "tier").to_pylist() == ["x", None]


def test_a_table_of_customers_makes_groups_by_their_exact_ids() -> None:
    scores = scored((1, 1, 0.5, None), (2, 1, 0.5, None), (3, 1, 0.5, None))
    groups = pa.table({"customer_id": ["02", "1", "00"], "group": ["x", "y", "z"]})
    assert by_customer(scores, groups).to_pylist() == ["z", None, "x"]
    assert without_score(scores, groups).to_pylist() == ["1"]


def test_groups_for_other_customers_are_refused() -> None:
    with pytest.raises(ContractError, match="2 groups for 1 customers"):
        group_totals(scored((1, 1, 0.5, "a")), MANIFEST, group=pa.array(["a", "b"]))


def test_a_ranking_that_says_nothing_of_how_sure_it_is_must_be_made_again() -> None:
    older = {"clv": {name: value for name, value in TERMS.items() if name != "level_sd"}}
    with pytest.raises(ArtifactError, match="Run `repurchase rank` again"):
        added(scored((1, 1, 0.5, "a")), older)
    with pytest.raises(ArtifactError, match="older version"):
        needed(["customer_id", "clv", "curve"], MANIFEST)


def test_only_what_is_needed_is_asked_for() -> None:
    names = scores_schema((90, 365)).names
    assert needed(names, MANIFEST) == ["clv", "clv_variance", "p_repurchase_365d"]
    assert needed(names, {"clv": {**TERMS, "days": 400}}) == ["clv", "clv_variance", "curve"]
