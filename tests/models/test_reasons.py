"""Contributions that add up, and reasons that hold when their features are taken away."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.tables import CURVE_KNOTS
from contracts.training import Columns, Floats
from features.ideas import ideas
from models.base import Base
from models.contract import logit, sigmoid
from models.contributions import Contributions, _shares, contributions
from models.ensemble import Ensemble
from models.level import Level
from models.reasons import SEASON, Reason, reasons_for, reasons_of
from tests import worlds

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

SOME, OTHERS = slice(0, 120), slice(300, 324)
IDEA_OF = ideas()
BASE_INPUTS = ("frequency", "recency_days")


def rows(which: slice) -> dict[str, Floats]:
    return {name: values[which] for name, values in worlds.columns().items()}


def model() -> Ensemble:
    found = worlds.trained().model
    assert found.lightgbm is not None
    return replace(found, weight=1.0)


def alone() -> Ensemble:
    """Return the base model alone."""
    nothing = (0.0,) * len(CURVE_KNOTS)
    return replace(model(), lightgbm=None, weight=0.0, slope=1.0, anchors=nothing, level=Level.none())


@cache
def found(horizon: float = 90) -> Contributions:
    return contributions(model(), rows(SOME), horizon, day=worlds.AS_OF, reference=rows(OTHERS))


@cache
def reasons(top: int = 5) -> list[list[Reason]]:
    return reasons_of(found(), rows(SOME), groups=IDEA_OF, top=top)


# ---------------------------------------------------------------- contributions
@pytest.mark.parametrize("horizon", [7, 30, 47, 90, 400])
def test_contributions_add_up_to_the_models_answer(horizon: float) -> None:
    one = found(horizon)
    p = model().predict(rows(SOME), horizon, day=worlds.AS_OF).p
    total = one.reference + one.values.sum(axis=1) + one.season + one.rest
    np.testing.assert_allclose(total, np.log(p / (1 - p)), atol=1e-9)


@pytest.mark.parametrize("horizon", [30, 90])
def test_almost_nothing_is_nobodys_at_a_horizon_that_was_learnt(horizon: float) -> None:
    explained = np.abs(found(horizon).logits - found(horizon).reference).mean()
    assert np.abs(found(horizon).rest).mean() < 0.02 * explained


def test_the_reference_is_the_mean_log_odds_of_its_rows_without_the_season() -> None:
    plain = model().base.p_order(rows(OTHERS), 90)
    bend = model().lightgbm.bend(rows(OTHERS), (90.0,))[:, 0]  # type: ignore[union-attr]
    anchor = model().anchors[CURVE_KNOTS.index(90)]
    expected = np.mean(model().slope * (logit(plain) + bend)) + anchor
    assert found().reference == pytest.approx(expected, abs=1e-9)


def test_the_reference_rows_themselves_differ_in_nothing_on_average() -> None:
    one = contributions(model(), rows(OTHERS), 90, day=worlds.AS_OF, reference=rows(OTHERS))
    of_trees = [name not in BASE_INPUTS for name in one.features]
    np.testing.assert_allclose(one.values.mean(axis=0)[of_trees], 0.0, atol=1e-9)


def by_permutations(base: Base, ours: Columns, theirs: Columns, horizon: float) -> dict[str, float]:
    """Shapley values of one customer against one other, by all orders in which the inputs may be exchanged."""
    columns = {"frequency": ("frequency", "recency"), "recency_days": ("recency_days",)}
    added = dict.fromkeys(columns, 0.0)
    for order in permutations(columns):
        mixed, before = dict(theirs), logit(base.p_order(theirs, horizon))[0]
        for name in order:
            mixed |= {one: ours[one] for one in columns[name]}
            mixed["tenure"] = mixed["recency"] + mixed["recency_days"]
            after = logit(base.p_order(mixed, horizon))[0]
            added[name] += (after - before) / 2
            before = after
    return added


def test_the_bases_part_is_the_shapley_value_over_all_orders_of_its_inputs() -> None:
    one = contributions(alone(), rows(SOME), 90, day=worlds.AS_OF, reference=rows(slice(7, 9)))
    for row in range(10):
        two = [
            by_permutations(alone().base, rows(slice(row, row + 1)), rows(slice(i, i + 1)), 90)
            for i in (7, 8)
        ]
        expected = [(two[0][name] + two[1][name]) / 2 for name in one.features]
        np.testing.assert_allclose(one.values[row], expected, atol=1e-12)


def test_without_lightgbm_the_base_explains_all() -> None:
    one = contributions(alone(), rows(SOME), 90, day=worlds.AS_OF, reference=rows(OTHERS))
    assert one.features == BASE_INPUTS
    np.testing.assert_allclose(one.rest, 0.0, atol=1e-9)


def test_one_customer_alone_has_the_same_contributions() -> None:
    single = contributions(model(), rows(slice(5, 6)), 90, day=worlds.AS_OF, reference=rows(OTHERS))
    np.testing.assert_allclose(single.values[0], found().values[5], atol=1e-12)


def test_a_feature_that_no_tree_asks_for_adds_nothing() -> None:
    lightgbm = model().lightgbm
    assert lightgbm is not None
    both = lightgbm.order_booster.feature_importance() + lightgbm.free_booster.feature_importance()
    splits = dict(zip(lightgbm.order_booster.feature_name(), both, strict=True))
    unused = [
        i for i, name in enumerate(found().features) if not splits.get(name, 0) and name not in BASE_INPUTS
    ]
    assert unused and not found().values[:, unused].any()


def test_there_must_be_somebody_to_compare_with() -> None:
    with pytest.raises(ContractError, match="reference rows"):
        contributions(model(), rows(SOME), 90, day=worlds.AS_OF, reference=rows(slice(0, 0)))


@given(st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_what_trees_make_of_the_base_is_shared_out_whole(parts: list[list[float]]) -> None:
    shares = _shares(np.array(parts))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)
    assert np.abs(shares).max() <= 1.25 + 1e-9


# ---------------------------------------------------------------- reasons
def test_the_top_five_reasons_are_five_ideas_the_largest_first() -> None:
    for told in reasons():
        assert len({one.group for one in told}) == len(told) == 5
        sizes = [abs(one.contribution) for one in told]
        assert sizes == sorted(sizes, reverse=True)


def test_a_reason_is_the_sum_over_the_features_of_its_idea() -> None:
    for row, told in enumerate(reasons()):
        for one in told:
            members = [i for i, name in enumerate(found().features) if IDEA_OF.get(name) == one.group]
            expected = found().values[row, members].sum() if members else found().season
            assert one.contribution == pytest.approx(expected, abs=1e-12)


def test_all_reasons_and_the_rest_make_up_the_difference_to_the_reference() -> None:
    for row, told in enumerate(reasons(top=1000)):
        total = sum(one.contribution for one in told) + found().rest[row] + found().reference
        assert total == pytest.approx(found().logits[row], abs=1e-9)


def test_points_are_what_the_chance_loses_without_the_reason() -> None:
    now = model().predict(rows(SOME), 90, day=worlds.AS_OF).p
    for row, told in enumerate(reasons()):
        for one in told:
            without = sigmoid(found().logits[row : row + 1] - one.contribution)[0]
            assert one.points == pytest.approx(100 * (now[row] - without), abs=1e-9)
            assert one.direction == ("raises" if one.points > 0 else "lowers")


def test_a_reason_names_a_feature_of_its_idea_that_points_its_way_with_the_customers_value() -> None:
    for row, told in enumerate(reasons()):
        for one in (one for one in told if one.group != SEASON):
            assert IDEA_OF[one.feature] == one.group
            assert found().values[row, found().features.index(one.feature)] * one.contribution > 0
            np.testing.assert_equal(one.value, worlds.columns()[one.feature][row])


def test_only_features_that_may_be_shown_stand_for_their_idea() -> None:
    told = reasons_of(found(), rows(SOME), groups=IDEA_OF, shown={"frequency", "gap_mean"})
    named = {
        one.feature for some in told for one in some if one.group in ("orders so far", "time between orders")
    }
    assert named == {"frequency", "gap_mean"}


def test_the_season_is_a_reason_of_its_own_and_the_same_for_everybody() -> None:
    levelled = replace(model(), level=Level(0, (2.0,), {}, {}))
    told = reasons_for(levelled, rows(SOME), 90, day=worlds.AS_OF, reference=rows(OTHERS), top=1000)
    seasons = [one for some in told for one in some if one.group == SEASON]
    assert len(seasons) == 120 and {(one.contribution, one.direction) for one in seasons} == {(2.0, "raises")}


# ---------------------------------------------------------------- deletion
def without(columns: Columns, row: int, group: str) -> float:
    """Return the customer's mean log odds with the features of an idea taken from each reference row."""
    others = rows(OTHERS)
    own = {name: np.repeat(values[row], 24) for name, values in columns.items()}
    own |= {name: others[name] for name in own if IDEA_OF.get(name) == group}
    own["tenure"] = own["recency"] + own["recency_days"]  # as it always is
    return float(logit(model().predict(own, 90, day=worlds.AS_OF).p).mean())


def test_taking_a_reason_away_moves_the_chance_as_it_says_and_more_than_other_ideas_do() -> None:
    random, columns = np.random.default_rng(8), rows(SOME)
    as_said, further = [], []
    for row in range(0, 120, 5):
        told = [one for one in reasons()[row] if one.group != SEASON]
        others = sorted({IDEA_OF[name] for name in found().features} - {one.group for one in told})
        moved = [found().logits[row] - without(columns, row, one.group) for one in told]
        by_chance = [
            found().logits[row] - without(columns, row, one) for one in random.choice(others, len(told))
        ]
        as_said += [np.sign(moved[i]) == np.sign(one.contribution) for i, one in enumerate(told)]
        further.append(np.abs(moved).mean() > np.abs(by_chance).mean())
    assert np.mean(as_said) >= 0.9
    assert np.mean(further) >= 0.9
