"""Reasons of bundles of every kind, in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import Bundle, load_bundle
from models.level import Level
from serving.answering.reasons import SEASON_WORDS, Explained, explained
from serving.rank import features_for
from tests import worlds


def told_by(bundle: Bundle, *, top: int = 5) -> list[Explained]:
    table = features_for(bundle, worlds.history(), worlds.AS_OF)
    some, others = table.take(range_of(0, 20)), table.take(range_of(50, 90))
    return explained(some, bundle, as_of=worlds.AS_OF, horizon=90, reference=others.columns, top=top)


def range_of(start: int, end: int) -> NDArray[np.int64]:
    return np.arange(start, end)


@pytest.mark.parametrize(("base", "most"), [("bgnbd", 2), ("recency", 1)])
def test_a_model_without_lightgbm_has_the_reasons_of_its_base(base: str, most: int) -> None:
    for one in told_by(load_bundle(worlds.simple(base).folder, in_child_first=False)):
        words = [told.text for told in one.reasons if told.text != SEASON_WORDS]
        assert len(words) <= most
        assert all(text.startswith(("last order", "ordered on")) for text in words)


def test_the_season_has_words_of_its_own() -> None:
    bundle = replace(worlds.bundle(), model=replace(worlds.bundle().model, level=Level(0, (-3.0,), {}, {})))
    for one in told_by(bundle):
        (season,) = [told for told in one.reasons if told.reason.group == "season"]
        assert (season.text, season.reason.direction) == (SEASON_WORDS, "lowers")


def test_plain_values_hold_no_nan() -> None:
    values = [told.to_dict()["value"] for one in told_by(worlds.bundle(), top=50) for told in one.reasons]
    assert None in values and all(value is None or value == value for value in values)


def test_nobody_has_no_reasons() -> None:
    table = features_for(worlds.bundle(), worlds.history(), worlds.AS_OF)
    nobody = table.take(range_of(0, 0))
    found = explained(nobody, worlds.bundle(), as_of=worlds.AS_OF, horizon=90, reference=table.columns)
    assert found == []
