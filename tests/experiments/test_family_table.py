"""What each family of features earns: the same rows, one family less."""

from __future__ import annotations

from functools import cache

import pytest

from contracts.errors import DataError
from experiments.family_table import ALL, NOISE, Earned, earned_by_family, main
from experiments.recipe import Recipe
from tests import worlds

ORIGIN = worlds.AS_OF - 60
RECIPE = Recipe(horizons=(30,), cutoffs=4, most_customers=400, model="lightgbm")


@cache
def found() -> dict[str, Earned]:
    return {one.left_out: one for one in earned_by_family(str(worlds.orders_file()), ORIGIN, RECIPE)}


def test_every_family_that_these_orders_have_is_left_out_once() -> None:
    families = {
        "orders",
        "rhythm",
        "money",
        "products",
        "discounts",
        "returns",
        "attributes",
        "calendar",
        "season",
    }
    assert set(found()) - {ALL, NOISE, "channel"} == families


def test_without_a_family_there_are_fewer_features_and_the_rest_is_the_same() -> None:
    whole = found()[ALL]
    assert found()[NOISE].features == whole.features
    families = [one for name, one in found().items() if name not in (ALL, NOISE)]
    assert sum(whole.features - one.features for one in families) == whole.features - 4  # btyd stays


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
