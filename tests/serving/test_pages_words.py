from __future__ import annotations

import math
from datetime import date

import pytest

from serving.pages import words


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.34, "34 %"), (0.034, "3.4 %"), (0.0034, "0.3 %"), (0.0004, "0.04 %"), (0.0, "0 %"), (1.0, "100 %"),
     (0.9961, "99.6 %"), (0.99999, "99.9 %"), (-0.05, "−5.0 %"), (math.nan, "–"), (None, "–")],
)  # fmt: skip
def test_a_share_is_told_by_the_digits_that_tell(share: float | None, shown: str) -> None:
    assert words.percent(share).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.34, "34"), (0.0, "0"), (1.0, "100"), (0.001, "fewer than 1"), (0.999, "more than 99")],
)
def test_a_share_is_told_as_so_many_of_100(share: float, shown: str) -> None:
    assert words.of_100(share) == shown
    assert words.about_of_100(share) == (f"about {shown}" if shown.isdigit() else shown)


@pytest.mark.parametrize(
    ("value", "beside", "shown"),
    [(1628.994, (), "1,628.99"), (12.5, (10_000.0,), "12"), (0.002, (), "0.002"), (0.026, (), "0.03"),
     (-3.0, (), "−3.00"),
     (-0.2, (20_000.0,), "0"), (0.0, (), "0.00")],
)  # fmt: skip
def test_an_amount_is_as_sharp_as_its_column(value: float, beside: tuple[float, ...], shown: str) -> None:
    assert words.amount(value, beside=beside) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1270.4, "1,270"), (3.44, "3.4"), (0.04, "0.04"), (0.001, "fewer than 0.01"), (0, "0")],
)
def test_expected_people_are_not_rounded_away(value: float, shown: str) -> None:
    assert words.people(value) == shown


def test_no_currency_is_no_word() -> None:
    assert words.money(2.0, "XXX") == "2.00" and words.unit("Value", "XXX") == "Value"
    assert words.money(2.0, "EUR") == "2.00\xa0EUR" and words.unit("Value", "EUR") == "Value, EUR"


@pytest.mark.parametrize(
    ("predicted", "actual", "shown"),
    [
        (110, 100, "10 % too many"),
        (90, 100, "10 % too few"),
        (100.2, 100, "as many as predicted"),
        (1, 0, "nobody did"),
    ],
)
def test_how_far_a_prediction_was_off(predicted: float, actual: float, shown: str) -> None:
    assert words.off(predicted, actual).replace("\xa0", " ") == shown


def test_days_are_told_in_the_unit_that_fits() -> None:
    assert [words.ago(n) for n in (0, 1, 12, 150, 800)] == [
        "today",
        "yesterday",
        "12 days ago",
        "5 months ago",
        "2 years ago",
    ]
    assert words.day(date(1998, 7, 3)) == words.day("1998-07-03") == "3\xa0Jul\xa01998"
    assert words.month("1998-07") == "Jul\xa01998"
