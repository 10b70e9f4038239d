"""Which base model answers: the likelier BTYD model, else the hiatus rule; and what is spent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.training import TrainingData
from models.base import best_base, load_base
from models.bgnbd import LEAST_CUSTOMERS, BgNbd
from models.contract import NoFit
from models.gamma_gamma import Spend
from models.mbgnbd import MbgNbd
from models.recency import Recency
from tests.models.test_contract import columns, fitted, learnt


def with_now(rows: int, **changed: float) -> TrainingData:
    """Return what may be learnt from with fewer customers today, and some columns at one value."""
    now = {name: values[:rows].copy() for name, values in learnt().now.items()}
    return replace(learnt(), now={**now, **{name: np.full(rows, value) for name, value in changed.items()}})


def test_the_likelier_of_both_btyd_models_is_the_base() -> None:
    likelihood = {m.name: m.certificate.log_likelihood for m in (BgNbd.fit(learnt()), MbgNbd.fit(learnt()))}
    assert best_base(learnt())[0].name == max(likelihood, key=likelihood.__getitem__)


def test_with_too_few_customers_the_hiatus_rule_is_the_base() -> None:
    few = with_now(LEAST_CUSTOMERS - 1)
    assert best_base(few)[0].name == "recency"
    with pytest.raises(NoFit, match="99 customers"):
        BgNbd.fit(few)


def test_without_repeaters_the_hiatus_rule_is_the_base() -> None:
    assert best_base(with_now(500, frequency=0.0, recency=0.0))[0].name == "recency"


@pytest.mark.parametrize("kind", [BgNbd, MbgNbd, Recency], ids=lambda one: one.name)
def test_a_base_is_read_by_its_name(kind: type[BgNbd] | type[Recency], tmp_path: Path) -> None:
    fitted(kind).save(tmp_path)
    base = load_base(kind.name, tmp_path)
    assert base.name == kind.name
    assert base.p_order(columns(), 90).tolist() == fitted(kind).predict(columns(), 90, day=0).p.tolist()


@pytest.mark.parametrize("kind", [BgNbd, MbgNbd, Recency], ids=lambda one: one.name)
def test_p_alive_is_a_chance_and_at_least_that_of_an_order(kind: type[BgNbd] | type[Recency]) -> None:
    model = fitted(kind)
    p = model.p_alive(columns())
    assert np.all((p <= 1) & (p >= model.p_order(columns(), 365) - 1e-12))


def test_mbgnbd_gives_one_time_buyers_less_than_certainty_and_bgnbd_not() -> None:
    once = columns()["frequency"] == 0
    assert np.all(fitted(BgNbd).p_alive(columns())[once] == 1)
    assert np.all(fitted(MbgNbd).p_alive(columns())[once] < 1)


def test_expected_spend_lies_between_the_customers_mean_and_the_populations() -> None:
    spend = Spend.fit(learnt())
    expected, own = spend.per_order_day(columns()), columns()["monetary_value"]
    everyone = spend.parameters.population_mean
    assert np.all(
        (np.minimum(own, everyone) - 1e-9 <= expected) & (expected <= np.maximum(own, everyone) + 1e-9)
    )


def test_where_all_orders_are_free_nothing_is_expected() -> None:
    free = with_now(300, monetary_value=0.0).now
    spend = Spend.fit(replace(learnt(), now=free))
    assert spend.per_order_day({name: values[:5] for name, values in free.items()}).tolist() == [0] * 5


def test_a_refunded_customer_is_never_expected_to_spend_less_than_nothing() -> None:
    spend = Spend.fit(learnt())
    refunded = {"frequency": np.array([30.0]), "monetary_value": np.array([-500.0])}
    assert spend.per_order_day(refunded).tolist() == [0]
