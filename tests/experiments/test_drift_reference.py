"""What time alone does is known of young shops as well, all of whose customers came together."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from contracts.days import parse_day
from experiments.drift_reference import FEWEST, drift_reference
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.kernel.history import History
from features.orders import read_orders
from models.bundle import load_bundle
from models.ensemble import Ensemble
from serving.batch.drift import MOST_MOVED, Drift, Reference, measure
from tests import worlds
from tests.faults.models import write_model

TRAINED = parse_day("2021-04-11")  # 100 days after the first order: one horizon, and 10 days


@cache
def orders() -> Path:
    """Write a shop all of whose customers came within five weeks; each third one ordered 40 to 54 days later again."""
    rows = [
        {
            "customer_id": f"{i:03}",
            "order_id": f"{i}-{number}",
            "ordered_at": f"{date(2021, 1, 1) + timedelta(days=day)}",
            "amount": 5 + i % 17 + number,
        }
        for i in range(400)
        for number, day in enumerate((int(i**0.6), int(i**0.6) + 40 + i % 15)[: 1 + (i % 3 == 0)])
    ]
    return worlds.write_csv(worlds.home() / "one-cohort.csv", rows)


def panels(day: int) -> Panels:
    """Return what is known at the end of a day."""
    return Panels.of(History.from_lines(read_orders(orders(), until=day).lines), Recipe())


@cache
def trained() -> tuple[Ensemble, Reference]:
    """Return a model, and what later bases are held against."""
    write_model(worlds.home() / "one-cohort", as_of="2021-04-11")
    model = load_bundle(worlds.home() / "one-cohort").model
    reference = Reference.of_manifest({"drift": drift_reference(model, panels(TRAINED), TRAINED)})
    assert reference is not None
    return model, reference


def drift(days_later: int, *, times: float = 1.0) -> Drift:
    """Return how the same shop looks some days after the training, with amounts so many times as large."""
    (model, reference), day = trained(), TRAINED + days_later
    columns = dict(panels(day).features(day).columns)
    columns["monetary_value"] = columns["monetary_value"] * times
    answer = model.predict(columns, 90, day=day)
    counts = reference.counts({**columns, "p_repurchase": answer.p, "expected_value": answer.expected_value})
    return measure(reference, [counts], customers=400, previous=None, absent=())


def test_a_horizon_before_the_training_there_were_too_few_customers() -> None:
    assert len(panels(TRAINED).features(TRAINED - 90)) == 55 < FEWEST


@pytest.mark.parametrize("days_later", [7, 30, 90])
def test_customers_who_grow_older_together_are_no_drift(days_later: int) -> None:
    found = drift(days_later)
    assert found.indexes["tenure"] > 1 and found.reasons == ()


def test_what_no_time_moves_keeps_the_usual_limit() -> None:
    assert trained()[1].measured["monetary_value"].limit == MOST_MOVED
    assert "importance have moved: monetary_value" in drift(7, times=10.0).reasons[0]
