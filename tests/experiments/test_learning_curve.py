from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from contracts.errors import DataError
from experiments.learning_curve import Point, learning_curve, main, table_of
from experiments.panels import Panels
from models.lightgbm import MOST_ROWS
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab


@cache
def panels() -> Panels:
    return Panels.of(lab.history().of_customers(np.arange(800)), lab.RECIPE)


@cache
def points() -> tuple[Point, ...]:
    return tuple(learning_curve(panels(), lab.DAY, row_parts=(0.01, 1.0), customer_parts=(0.25,)))


def test_the_cap_decides_how_many_rows_are_learnt_from() -> None:
    small, usual, _ = points()
    assert (small.cap, small.rows, usual.cap) == (1_500, 1_500, MOST_ROWS)
    assert usual.rows > small.rows
    assert (small.answer.p != usual.answer.p).any()


def test_every_training_answers_for_all_customers() -> None:
    assert [one.customers for one in points()] == [800, 800, 200]
    assert {len(one.answer.p) for one in points()} == {800}


def test_the_table_has_a_row_for_each_training() -> None:
    table = table_of("lab", points(), panels().outcome(lab.DAY, 60))
    gains = list(table.columns[-1].cells)
    assert table.row_count == 3 and gains[1] == "" and "[" in str(gains[0])


def test_nothing_known_is_refused() -> None:
    with pytest.raises(DataError, match="too little is known"):
        tuple(learning_curve(panels(), lab.history().first_order_day))


def test_a_window_that_is_not_over_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["1998-06-01"])
    assert "needs 90 days on both sides" in capsys.readouterr().err
