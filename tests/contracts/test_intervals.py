"""Intervals of shares against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from contracts.intervals import wilson


@given(hits=st.integers(0, 40), missed=st.integers(0, 40))
def test_shares_have_wilsons_interval(hits: int, missed: int) -> None:
    of = np.array([float(hits + missed)])
    lower, upper = wilson(hits / np.where(of > 0, of, np.nan), of)
    if hits + missed == 0:
        assert np.isnan(lower[0]) and np.isnan(upper[0])
    else:
        golden = binomtest(hits, hits + missed).proportion_ci(method="wilson")
        assert (lower[0], upper[0]) == pytest.approx((golden.low, golden.high), abs=1e-12)
