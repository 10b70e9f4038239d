"""Lifecycle stages by the customer's own rhythm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from campaigns.lifecycle import NAMES, Rhythm, read_stages, stage_columns, stage_of

SHOP = Rhythm(30.0, 1000)


def stage(**given: Any) -> str:
    values = {"frequency": 5, "recency_days": 10, "gap_mean": 30.0, "gap_recent_trend": 1.0, "p_alive": 0.9,
              "p_year": 0.9} | given  # fmt: skip
    columns = {name: np.array([value], dtype=np.float64) for name, value in values.items()}
    return str(stage_of(stage_columns(columns, SHOP), read_stages())[0])


def test_a_steady_customer_is_mature() -> None:
    assert stage() == "mature"


def test_a_first_order_makes_a_new_customer() -> None:
    assert stage(frequency=0, gap_mean=np.nan, gap_recent_trend=np.nan) == "new"


def test_whoever_comes_more_often_than_before_grows() -> None:
    assert stage(gap_recent_trend=0.5) == "growing"


@pytest.mark.parametrize(("gap", "expected"), [(7.0, "churning"), (60.0, "mature")])
def test_the_same_silence_means_more_to_a_weekly_customer(gap: float, expected: str) -> None:
    assert stage(frequency=20, gap_mean=gap, recency_days=50) == expected


def test_silence_beyond_the_own_rhythm_declines() -> None:
    assert stage(frequency=20, recency_days=70) == "declining"


def test_a_chance_of_being_alive_below_half_churns() -> None:
    assert stage(p_alive=0.4) == "churning"


def test_hardly_any_chance_of_an_order_is_lost() -> None:
    assert stage(p_year=0.01, recency_days=600) == "lost"


def test_a_single_gap_is_drawn_half_way_to_the_shops() -> None:
    own = SHOP.own_gap(np.array([2.0, np.nan]), np.array([1.0, 0.0]))
    assert own.tolist() == [16.0, 30.0]


def test_the_shops_gap_is_the_median_of_its_customers() -> None:
    gaps = np.array([np.nan, *range(10, 30, 2)], dtype=np.float64)
    assert Rhythm.of(gaps) == Rhythm(19.0, 10)


def test_a_shop_without_repeaters_has_a_stated_gap() -> None:
    assert Rhythm.of(np.full(50, np.nan)) == Rhythm(90.0, 0)


def test_every_stage_has_a_policy() -> None:
    stages = read_stages()
    assert set(stages) == set(NAMES)
    assert stages["growing"].discount == "none"
    assert stages["lost"].contact == "events"
