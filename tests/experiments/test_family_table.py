"""What each family of features earns: the same rows, one family less."""

from __future__ import annotations

from functools import cache

import pytest

from contracts.errors import DataError
from experiments.family_table import ALL, LEFT_OUT, NOISE, Earned, choices, earned_by_family, main
from experiments.recipe import Recipe
from features.catalog import CATALOG
from tests import worlds

pytestmark = pytest.mark.lab

ORIGIN = worlds.AS_OF - 60
RECIPE = Recipe(horizons=(30,), cutoffs=8, most_customers=500, model="lightgbm")


@cache
def found() -> dict[str, Earned]:
    measured = earned_by_family(
        str(worlds.orders_file()), ORIGIN, RECIPE, families=("rhythm", "engagement", "money")
    )
    return {one.left_out: one for one in measured}


def test_every_family_but_the_btyd_summary_is_left_out_once() -> None:
    names = [one.name for one in CATALOG]
    (noise, reordered), *without = choices(names, LEFT_OUT)
    assert (noise, set(reordered), reordered != names) == (NOISE, set(names), True)
    assert [title for title, _ in without] == list(LEFT_OUT)
    assert sum(len(names) - len(kept) for _, kept in without) == len(names) - 4


def test_a_family_of_which_these_orders_have_nothing_is_no_row() -> None:
    assert list(found()) == [ALL, NOISE, "rhythm", "money"]
    assert found()["rhythm"].features < found()[ALL].features == found()[NOISE].features


def test_leaving_a_family_out_changes_the_answers() -> None:
    losses = [one.log_loss for one in found().values()]
    assert len(set(losses)) == len(losses)


def test_what_is_lost_is_the_difference_of_the_two_losses() -> None:
    for one in found().values():
        if one.log_loss_gain is not None:
            assert one.log_loss_gain.mean == pytest.approx(one.log_loss - found()[ALL].log_loss, abs=1e-9)
            assert one.log_loss_gain.lower <= one.log_loss_gain.mean <= one.log_loss_gain.upper


def test_without_orders_after_the_day_there_is_no_table() -> None:
    with pytest.raises(DataError, match="holds no order after"):
        earned_by_family(str(worlds.orders_file()), worlds.AS_OF + 100, RECIPE)


def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["orders.csv", "--model", "bgnbd"])
    assert "invalid choice: 'bgnbd'" in capsys.readouterr().err
