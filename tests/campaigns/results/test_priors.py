"""Measured effects for the planner: per offer, channel and segment, from campaigns that can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from campaigns.results import MEASURED, Known, measured_effects
from tests.campaigns.results.contact_rows import contacts, people


def campaign(name: str, treated: int, control: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {**row, "campaign_id": name}
        for arm, hits in (("treated", treated), ("control", control))
        for row in people(arm, 1000, hits, **more)
    ]


def test_an_effect_is_the_difference_and_its_share_of_the_headroom() -> None:
    (row,) = measured_effects(contacts(campaign("c", 280, 200, offer="gift", channel="sms"))).to_pylist()
    assert (row["offer"], row["channel"], row["segment"], row["campaigns"]) == ("gift", "sms", None, 1)
    assert (row["treated"], row["control"], row["control_rate"]) == (1000, 1000, 0.2)
    assert (row["effect"], row["headroom_effect"]) == pytest.approx((0.08, 0.1))


def test_the_error_of_the_headroom_effect_is_that_of_a_simulation() -> None:
    (row,) = measured_effects(contacts(campaign("c", 280, 200))).to_pylist()
    rng = np.random.default_rng(1)
    p, q = rng.binomial(1000, 0.28, 20000) / 1000, rng.binomial(1000, 0.2, 20000) / 1000
    assert row["headroom_error"] == pytest.approx(((p - q) / (1 - q)).std(), rel=0.03)
    assert row["effect_error"] == pytest.approx((p - q).std(), rel=0.03)


def test_two_campaigns_of_one_offer_are_one_row_with_a_smaller_error() -> None:
    both = [*campaign("a", 250, 200, offer="gift"), *campaign("b", 260, 200, offer="gift")]
    (row,) = measured_effects(contacts(both)).to_pylist()
    (one,) = measured_effects(contacts(both[:2000])).to_pylist()
    assert row["campaigns"] == 2 and 0.05 < row["effect"] < 0.06
    assert row["effect_error"] < 0.8 * one["effect_error"]


def test_segments_stand_beside_all_and_are_pulled_together() -> None:
    rows = campaign("c", 300, 200)
    labels = pa.table({"customer_id": [row["customer_id"] for row in rows], "tier": ["x", "y"] * 1000})
    table = measured_effects(contacts(rows), known=[Known("t", labels, None, (), ("tier",))], segment="tier")
    assert table["segment"].to_pylist() == [None, "x", "y"]
    pooled = [row["pooled_headroom_effect"] for row in table.to_pylist()[1:]]
    assert pooled == pytest.approx([0.125, 0.125], abs=0.01)


def test_broken_campaigns_and_campaigns_without_control_teach_nothing() -> None:
    broken = [*people("treated", 900, 300), *people("control", 100, 5)]
    assert measured_effects(contacts(broken)).equals(MEASURED.empty_table())
    assert measured_effects(contacts(people("treated", 100, 10))).num_rows == 0


def test_an_arm_in_which_nobody_bought_is_not_certain() -> None:
    rows = [*people("treated", 200, 0), *people("control", 200, 1)]
    (row,) = measured_effects(contacts(rows)).to_pylist()
    assert row["effect_error"] > 0.003
