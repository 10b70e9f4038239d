"""What one contact moves: assumed, or measured and drawn towards the assumption."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from campaigns.plan.lifts import lifts_of
from campaigns.results.priors import MEASURED
from tests.campaigns.plan.small import coupon, customers, offer, texts


def measured(*rows: dict[str, Any]) -> pa.Table:
    usual = {
        "channel": None, "segment": None, "campaigns": 1, "treated": 500, "control": 100, "control_rate": 0.1,
        "effect": 0.0, "effect_error": 0.0, "headroom_effect": 0.0, "headroom_error": 0.0,
    }  # fmt: skip
    return pa.Table.from_pylist([{**usual, **row} for row in rows], schema=MEASURED)


def row(name: str, effect: float, error: float, **rest: Any) -> dict[str, Any]:
    return {"offer": name, "pooled_headroom_effect": effect, "pooled_headroom_error": error, **rest}


def test_without_a_test_the_assumption_stands_with_half_and_one_and_a_half_of_it() -> None:
    lift = lifts_of([coupon(lift_of={"loyal": 0.08})], customers())["coupon"]
    assert (lift.share.tolist(), lift.measured) == ([0.08] * 3, False)
    assert (lift.low[0], lift.high[0]) == pytest.approx((0.04, 0.12))


def test_taste_multiplies_an_assumed_lift() -> None:
    people = customers(taste={"coupon": np.array([0.5, 1.0, 1.5])})
    assert lifts_of([coupon()], people)["coupon"].share == pytest.approx([0.025, 0.05, 0.075])


def test_a_test_and_an_assumption_meet_as_two_normal_distributions() -> None:
    found = lifts_of([coupon()], customers(), measured=measured(row("Coupon", 0.01, 0.02)))["coupon"]
    # Prior N(.05, .05²), measurement .01 ± .02: precisions 400 and 2,500.
    mean, error = (0.05 * 400 + 0.01 * 2_500) / 2_900, 1 / 2_900**0.5
    assert found.share[0] == pytest.approx(mean)
    assert (found.low[0], found.high[0]) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error))
    assert (found.measured, found.treated, found.control) == (True, 500, 100)


def test_an_offer_without_an_assumption_is_as_measured() -> None:
    plain = offer("news", lift_prior=0.0)
    found = lifts_of([plain], customers(), measured=measured(row("news", -0.003, 0.001)))["news"]
    assert found.share == pytest.approx([-0.003] * 3)


def test_a_segments_own_test_goes_before_that_of_all_and_others_keep_the_assumption() -> None:
    people = customers(labels={"segment": texts("loyal", "new", None)})
    only = lifts_of([coupon()], people, measured=measured(row("coupon", 0.2, 1e-9, segment="new")))["coupon"]
    assert only.share == pytest.approx([0.05, 0.2, 0.05])
    assert only.low == pytest.approx([0.025, 0.2, 0.025])  # half of what is assumed where nothing was tested
    both = measured(row("coupon", 0.1, 1e-9), row("coupon", 0.2, 1e-9, segment="new"))
    assert lifts_of([coupon()], people, measured=both)["coupon"].share == pytest.approx([0.1, 0.2, 0.1])


def test_tests_by_channel_count_by_their_precision_where_none_holds_for_all_channels() -> None:
    rows = measured(row("coupon", 0.04, 0.01, channel="email"), row("coupon", 0.10, 0.02, channel="sms"))
    found = lifts_of([coupon(lift_prior=0.0)], customers(), measured=rows)["coupon"]
    assert found.share[0] == pytest.approx((0.04 * 10_000 + 0.10 * 2_500) / 12_500)
    assert (found.treated, found.control) == (1_000, 200)


def test_a_message_without_an_offer_is_measured_under_that_name() -> None:
    lifts = lifts_of([offer(), coupon()], customers(), measured=measured(row("no offer", 0.02, 0.001)))
    assert (lifts["message"].measured, lifts["coupon"].measured) == (True, False)
