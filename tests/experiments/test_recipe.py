from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.errors import DeclarationError
from experiments.recipe import Recipe


def test_without_a_file_the_defaults_hold() -> None:
    recipe = Recipe()
    assert (recipe.horizon, recipe.cutoffs, recipe.model) == (90, 12, "ensemble")
    assert recipe.all_horizons == (30, 90, 180, 365)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text('horizons = [45, 90]\ncutoffs = 4\nmodel = "bgnbd"\nmargin = 0.3\n')
    assert Recipe.read(file) == Recipe(horizons=(45, 90), cutoffs=4, model="bgnbd", margin=0.3)


def test_the_first_horizon_is_the_main_one_and_all_are_answered() -> None:
    recipe = Recipe(horizons=(45, 400))
    assert recipe.horizon == 45
    assert recipe.all_horizons == (30, 45, 90, 180, 365, 400)


def test_asked_horizons_replace_those_of_the_file_and_none_leave_them() -> None:
    assert Recipe(cutoffs=3).with_horizons((7,)) == Recipe(cutoffs=3, horizons=(7,))
    assert Recipe(horizons=(30,)).with_horizons(()) == Recipe(horizons=(30,))


def test_an_unknown_key_is_refused_with_the_nearest_known(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("cutofs = 4\n")
    with pytest.raises(DeclarationError, match=r"recipe\.toml: unknown key 'cutofs', did you mean 'cutoffs'"):
        Recipe.read(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("horizons", 90),
        ("horizons", []),
        ("horizons", [0]),
        ("horizons", [4000]),
        ("horizons", [30.5]),
        ("horizons", [True]),
        ("cutoffs", 0),
        ("cutoffs", 2.5),
        ("cutoffs", True),
        ("cutoff_step_days", "30"),
        ("most_customers", -1),
        ("model", "xgboost"),
        ("model", 1),
        ("margin", -0.1),
        ("margin", "0.3"),
        ("margin", float("nan")),
        ("margin", float("inf")),
        ("discount_rate", float("inf")),
        ("clv_days", 0),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_key(key: str, value: Any) -> None:
    with pytest.raises(DeclarationError, match=f"'{key}' is .* it must be"):
        Recipe.of_dict({key: value}, where="recipe.toml")


@pytest.mark.parametrize("text", ["cutoffs = ", "cutoffs: 4", "\xff\xfe"])
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(DeclarationError, match="not a TOML file"):
        Recipe.read(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="there is no such recipe file"):
        Recipe.read(tmp_path / "none.toml")


def test_a_recipe_survives_the_round_trip_through_plain_values() -> None:
    recipe = Recipe(horizons=(45, 400), cutoffs=3, model="lightgbm", margin=0.25, clv_days=730)
    assert Recipe.of_dict(recipe.to_dict(), where="a run") == recipe


def test_on_the_rows_of_another_a_recipe_keeps_its_own_model() -> None:
    ours = Recipe(horizons=(30,), most_customers=500, model="bgnbd", cutoffs=2)
    theirs = Recipe(horizons=(90, 45), most_customers=900)
    assert ours.on_rows_of(theirs) == Recipe(horizons=(90, 45), most_customers=900, model="bgnbd", cutoffs=2)
