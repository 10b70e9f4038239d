"""Boosters as text: the same bytes from the same rows, on any number of threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import Booster

from contracts.training import Floats
from models import boosters
from models.lightgbm import ORDER_PARAMETERS, SPANS_PER_HORIZON, SPEND_PARAMETERS, LightGbm
from tests.models.test_contract import DAY, columns, fit, fitted, learnt

PARAMETERS = {**ORDER_PARAMETERS, "rounds": 4}
NAMES = [f"f{i}" for i in range(12)]


def design(rows: int = 4_000) -> Floats:
    values = np.random.default_rng(4).normal(size=(rows, len(NAMES)))
    values[::7, 3] = np.nan
    return values


def trained(threads: int, parameters: dict[str, Any] = PARAMETERS) -> Booster:
    values = design()
    chance = 1 / (1 + np.exp(-values[:, 0] - values[:, 1] * values[:, 2]))
    target = (np.random.default_rng(5).random(len(values)) < chance).astype(np.float64) + (
        1.0 if parameters["objective"] == "gamma" else 0.0
    )
    start = 0.1 * values[:, 0]
    return boosters.Design(values, NAMES).train(target, start=start, parameters=parameters, threads=threads)


@pytest.mark.parametrize("parameters", [PARAMETERS, {**SPEND_PARAMETERS, "rounds": 4}])
def test_one_and_two_threads_give_the_same_text(parameters: dict[str, Any]) -> None:
    assert boosters.text_of(trained(1, parameters)) == boosters.text_of(trained(2, parameters))


def test_the_same_rows_give_the_same_bytes_again() -> None:
    assert boosters.text_of(trained(1)) == boosters.text_of(trained(1))


def test_a_written_booster_is_read_back_to_the_bit(tmp_path: Path) -> None:
    booster = trained(1)
    boosters.write(booster, tmp_path / "a.txt")
    again = boosters.read(tmp_path / "a.txt")
    boosters.write(again, tmp_path / "b.txt")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()
    assert boosters.ask(again, design()).tolist() == boosters.ask(booster, design()).tolist()


def test_a_text_of_the_oldest_allowed_lightgbm_is_read_and_given_back_to_the_letter() -> None:
    file = Path(__file__).with_name("booster-4.6.0.txt")
    assert (
        f'"lightgbm>={file.stem.removeprefix("booster-").removesuffix(".0")}"'
        in Path("pyproject.toml").read_text()
    )
    booster = boosters.read(file)
    assert boosters.text_of(booster) == file.read_text()
    rows = np.array([[0.0, 0.0, 0.0], [6.0, np.nan, 0.0], [5.0, 2.0, 9.0]])
    assert boosters.ask(booster, rows) == pytest.approx(
        [-1.6839397735539832, 1.6839397735539832, -1.6839397735539836]
    )


def test_a_row_alone_gets_the_same_bits_as_among_many() -> None:
    booster, rows = trained(1), design(4_000)
    many = boosters.ask(booster, rows)
    assert [boosters.ask(booster, rows[i : i + 1])[0] for i in range(0, 4_000, 501)] == many[::501].tolist()


def test_answers_are_without_the_starting_score() -> None:
    booster = trained(1, {**PARAMETERS, "rounds": 1, "learning_rate": 1e-9})
    assert np.abs(boosters.ask(booster, design())).max() < 1e-6


def test_lightgbm_on_the_panel_gives_the_same_files_again(tmp_path: Path) -> None:
    for name, model in (("one", fitted(LightGbm)), ("two", fit(LightGbm))):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    assert {"orders.txt", "spend.txt", "lightgbm.json"} <= set(one)


def test_only_horizons_that_the_history_spans_twice_are_learnt() -> None:
    model = fitted(LightGbm)
    assert model.horizons == tuple(
        h for h in (30, 90, 180, 365) if SPANS_PER_HORIZON * h <= learnt().span_days
    )
    assert learnt().span_days <= DAY


def test_between_learnt_horizons_the_bend_lies_between_theirs() -> None:
    model = fitted(LightGbm)
    low, middle, high = model.bend(columns(), (30, 60, 90)).T
    assert np.all((np.minimum(low, high) - 1e-12 <= middle) & (middle <= np.maximum(low, high) + 1e-12))


def test_beyond_the_longest_learnt_horizon_the_bend_stays() -> None:
    model = fitted(LightGbm)
    last, beyond = model.bend(columns(), (model.horizons[-1], 2_000)).T
    assert last.tolist() == beyond.tolist()
