"""Gaps between order days, a second way."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, mean
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    days, gaps, now = known.days, known.gaps, known.day
    usual = mean(gaps)
    deviation = statistics.pstdev(gaps) if len(gaps) >= 2 else NAN
    log_mean = mean([math.log(gap) for gap in gaps])
    silent = now - days[-1]
    return {
        "recency_days": silent,
        "recency_share": silent / (known.tenure + 1),
        "gap_mean": usual,
        "gap_deviation": deviation,
        "gap_variation": deviation / usual,
        "gap_log_mean": log_mean,
        "regularity": log_mean - math.log(usual) if gaps else NAN,
        "gap_last": gaps[-1] if gaps else NAN,
        "gap_before_last": gaps[-2] if len(gaps) > 1 else NAN,
        "gap_longest": max(gaps, default=NAN),
        "gap_first": gaps[0] if gaps else NAN,
        "gap_trend": gaps[-1] / usual if gaps else NAN,
        "gap_recent_mean": mean(gaps[-3:]) if len(gaps) > 2 else NAN,
        "gap_recent_trend": mean(gaps[-3:]) / usual if len(gaps) > 2 else NAN,
        "overdue_ratio": silent / usual,
        "overdue_longest": silent / max(gaps, default=NAN),
        "overdue_deviations": (silent - usual) / (deviation + 1),
        "overdue_log": math.log(silent + 1) - log_mean,
        "days_since_second_last": now - days[-2] if len(days) > 1 else NAN,
        "days_since_third_last": now - days[-3] if len(days) > 2 else NAN,
        "days_since_fifth_last": now - days[-5] if len(days) > 4 else NAN,
        "clumpiness": clumpiness([*gaps, silent]) if gaps else NAN,
    }


def clumpiness(stretches: list[int]) -> float:
    shares = [days / sum(stretches) for days in stretches if days]
    return 1 + sum(share * math.log(share) for share in shares) / math.log(len(stretches))


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_rhythm_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("rhythm", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_rhythm_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("rhythm", golden, shop, day)
