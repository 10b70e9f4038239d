"""Fits on the published CDNOW sample, on compressed rows, and on too little."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from contracts.training import Floats
from models.btyd_fit import Certificate, fit_btyd, fit_gamma_gamma
from models.closed_form import Btyd
from models.contract import NoFit


def cdnow() -> dict[str, Floats]:
    """Return x, t_x, T (weeks) and zbar (dollars) of the 2,357 customers of the CDNOW sample."""
    wheel = find_spec("lifetimes")  # found, not imported: the import has side effects
    assert wheel is not None and wheel.origin is not None
    path = Path(wheel.origin).parent / "datasets/cdnow_customers_summary_with_transactions.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    return {name: np.array([float(row[name]) for row in rows]) for name in ("x", "t_x", "T", "zbar")}


def fitted(*, modified: bool = False, copies: int = 1) -> tuple[Btyd, Certificate]:
    data = cdnow()
    x, t_x, age = (np.tile(data[name], copies) for name in ("x", "t_x", "T"))
    return fit_btyd(x, t_x, age, modified=modified)


def test_bgnbd_on_cdnow_reproduces_the_published_parameters() -> None:
    found, certificate = fitted()
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=0.01)
    assert certificate.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_the_certificate_says_how_far_to_trust_the_fit() -> None:
    _, certificate = fitted()
    assert (certificate.customers, certificate.at_bound) == (2357, False)
    assert certificate.distinct_rows < 2357
    assert certificate.starts_converged == 2
    assert 0 <= certificate.spread < 0.01


def test_copies_of_all_customers_give_the_same_parameters_on_as_many_rows() -> None:
    (one, first), (many, second) = fitted(), fitted(copies=50)
    assert (many.r, many.alpha, many.a, many.b) == pytest.approx((one.r, one.alpha, one.a, one.b), rel=1e-3)
    assert second.distinct_rows == first.distinct_rows
    assert second.log_likelihood == pytest.approx(50 * first.log_likelihood, rel=1e-6)


def test_the_time_unit_changes_alpha_alone() -> None:
    data = cdnow()
    days, _ = fit_btyd(data["x"], 7 * data["t_x"], 7 * data["T"], modified=False)
    weeks, _ = fitted()
    expected = (weeks.r, 7 * weeks.alpha, weeks.a, weeks.b)
    assert (days.r, days.alpha, days.a, days.b) == pytest.approx(expected, rel=2e-3)


def test_mbgnbd_on_cdnow_converges_to_another_model() -> None:
    found, certificate = fitted(modified=True)
    assert found.modified and not certificate.at_bound
    assert certificate.spread < 0.01
    assert certificate.log_likelihood == pytest.approx(-9582.4, abs=30)


def test_gamma_gamma_on_cdnow_reproduces_the_published_parameters() -> None:
    data = cdnow()
    repeaters = data["x"] > 0
    found = fit_gamma_gamma(data["x"][repeaters], data["zbar"][repeaters])
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.02)


def test_gamma_gamma_leaves_out_customers_without_money() -> None:
    data = cdnow()
    with_free = fit_gamma_gamma(data["x"], data["zbar"])
    assert (with_free.p, with_free.q, with_free.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.02)


def test_without_a_repeater_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="second day"):
        fit_btyd(np.zeros(5), np.zeros(5), np.arange(5.0), modified=False)


def test_without_money_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="spent"):
        fit_gamma_gamma(np.array([1.0, 2.0]), np.zeros(2))
