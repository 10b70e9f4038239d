"""Fits on the published CDNOW sample, on compressed rows, and on too little."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from contracts.training import Floats
from models.btyd_ascent import ascend
from models.btyd_erlang_fit import fit_erlang
from models.btyd_fit import Certificate, fit_btyd, fit_gamma_gamma
from models.btyd_model import Form
from models.btyd_pareto_fit import fit_pareto
from models.btyd_rows import Rows, compress, distinct
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


# ---------------------------------------------------------------- all four, on any data
FITS: dict[str, Callable[[Floats, Floats, Floats], tuple[Form, Certificate]]] = {
    "bgnbd": lambda x, t_x, age: fit_btyd(x, t_x, age, modified=False),
    "mbgnbd": lambda x, t_x, age: fit_btyd(x, t_x, age, modified=True),
    "paretonbd": fit_pareto,
    "mbgcnbdk": lambda x, t_x, age: fit_erlang(x, t_x, age, None),
}
every_fit = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


def odd_customers(kind: str) -> tuple[Floats, Floats, Floats]:
    """Return 600 customers of one odd kind: x, t_x, T in days."""
    chance, n = np.random.default_rng(1), 600
    age = chance.integers(1, 7_300, n).astype(np.float64)
    last = np.ceil(age * chance.random(n))
    x = {
        "all order every day": age,
        "heavy tails": np.minimum(np.floor(chance.pareto(0.4, n)), 5_000.0),
        "one repeater": (np.arange(n) == 0).astype(np.float64),
        "all alike": np.full(n, 3.0),
    }[kind]
    if kind == "all alike":
        age, last = np.full(n, 100.0), np.full(n, 50.0)
    if kind == "all order every day":
        last = age
    return np.minimum(x, last), np.where(x > 0, last, 0.0), age


@every_fit
@pytest.mark.parametrize("kind", ["all order every day", "heavy tails", "one repeater", "all alike"])
def test_odd_customers_give_finite_answers_or_a_reason(
    fit: Callable[[Floats, Floats, Floats], tuple[Form, Certificate]], kind: str
) -> None:
    columns = odd_customers(kind)
    try:
        form, certificate = fit(*columns)
    except NoFit as reason:
        assert "converged" in str(reason)
        return
    assert np.isfinite([*vars(form).values(), certificate.log_likelihood]).all()
    for h in (1.0, 3_650.0):
        p, orders = form.p_order(*columns, h), form.expected_orders(*columns, h)
        assert np.all((p >= 0) & (p <= 1)) and np.isfinite(orders).all()


@every_fit
def test_customers_who_never_came_back_are_no_fit(
    fit: Callable[[Floats, Floats, Floats], tuple[Form, Certificate]],
) -> None:
    with pytest.raises(NoFit, match="second day"):
        fit(np.zeros(600), np.zeros(600), np.arange(600.0))


# ---------------------------------------------------------------- rows
def test_equal_customers_are_one_row_with_their_number() -> None:
    rows = compress(np.array([1.0, 0.0, 1.0]), np.array([5.0, 0.0, 5.0]), np.array([9.0, 4.0, 9.0]))
    assert (rows.x.tolist(), rows.t_x.tolist(), rows.age.tolist()) == ([0, 1], [0, 5], [4, 9])
    assert rows.weight.tolist() == [1, 2]


def test_each_row_knows_its_distinct_row() -> None:
    columns = (np.array([2.0, 1.0, 2.0, 1.0]), np.array([3.0, 3.0, 3.0, 4.0]))
    first, of_row = distinct(*columns)
    assert [column[first][of_row].tolist() for column in columns] == [column.tolist() for column in columns]
    assert len(first) == 3


def many_customers() -> tuple[Floats, Floats, Floats]:
    chance = np.random.default_rng(3)
    age = chance.integers(1, 1_000, 40_000).astype(np.float64)
    x = np.minimum(chance.geometric(0.4, 40_000) - 1.0, age)
    return x, np.where(x > 0, np.ceil(age * chance.random(40_000)), 0.0), age


def test_too_many_rows_are_rounded_as_far_as_is_needed_and_lose_no_customer() -> None:
    x, t_x, age = many_customers()
    rows = compress(x, t_x, age, most=8_000)
    assert len(compress(x, t_x, age)) > 8_000 >= len(rows)
    assert rows.weight.sum() == 40_000 and np.sum(rows.weight * rows.x) == x.sum()
    assert np.all((rows.t_x >= 0) & (rows.t_x <= rows.age))
    assert np.sum(rows.weight * rows.age) == pytest.approx(age.sum(), rel=2e-3)


@pytest.mark.parametrize("name", ["paretonbd", "mbgcnbdk"])
def test_rounded_rows_give_nearly_the_same_parameters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = many_customers()
    exact, _ = FITS[name](*columns)
    module = "models.btyd_pareto_fit" if name == "paretonbd" else "models.btyd_erlang_fit"
    monkeypatch.setattr(f"{module}.compress", partial(compress, most=8_000))
    rounded, certificate = FITS[name](*columns)
    assert certificate.distinct_rows <= 8_000
    assert vars(rounded) == pytest.approx(vars(exact), rel=0.05)


def test_a_likelihood_without_a_summit_is_no_fit() -> None:
    rows = Rows(np.ones(3), np.ones(3), np.ones(3), np.ones(3))
    with pytest.raises(NoFit, match="no start converged on 3 customers"):
        ascend(lambda place, _: (np.nan, place), rows, [(0.0, 1.0)])
