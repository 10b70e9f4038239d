from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from serving.store import Store
from tests.serving.pages_shop import REPORT, Browser, pages_app, pages_store, words_of
from tests.serving.shop import CountingScorer

METRICS = {
    "top_decile_lift": 4.0,
    "auc": 0.8412,
    "level_bias": 0.02,
    "value_bias": -0.04,
    "calibration_error": 0.01,
}


@dataclass(frozen=True)
class ScorerWithTest(CountingScorer):
    """A scorer whose card tells of a test; buyers_off: by what share too many were predicted."""

    buyers_off: float = 0.02

    def card(self) -> dict[str, Any]:
        """Return the card of a young shop's model, which a rule answers for."""
        own = {**METRICS, "level_bias": self.buyers_off}
        metrics = {"ensemble": own, "recency": METRICS, "paretonbd": METRICS}
        backtest = {"customers": 90, "horizon": 90, "origin": "1998-01-01", "metrics": metrics}
        return {
            "model": "ensemble", "parts": "recency", "customers": 5853, "currency": "XXX", "backtest": backtest,
        }  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return pages_store(tmp_path_factory.mktemp("shop") / "out", "a", report=REPORT)


def shown(store: Store, path: str = "/model", **told: Any) -> str:
    """Return the words of a page over a model that tells of a test."""
    return words_of(Browser(pages_app(store, scorer=ScorerWithTest(**told))).get(path).text)


def test_the_model_is_called_by_what_answers(store: Store) -> None:
    page = shown(store)
    assert "this model (rule: who bought last)" in page and "What answers rule: who bought last" in page
    assert "ensemble" not in page and "several together" not in page


def test_a_technical_name_stands_behind_plain_words(store: Store) -> None:
    page = shown(store)
    assert "buying rhythm (Pareto/NBD)" in page and "Pairs in the right order, of 100 (AUC)" in page
    assert "84.1" in page


@pytest.mark.parametrize("path", ["/customers", "/model"])
def test_totals_that_were_far_off_are_a_warning_on_every_page(store: Store, path: str) -> None:
    page = shown(store, path, buyers_off=3.67)
    assert "buyers: 367 % too many, value: 4 % too few. Trust the order more than the totals." in page


def test_totals_that_were_near_are_none(store: Store) -> None:
    assert "Trust the order" not in shown(store)


def test_more_customers_than_are_ranked_is_explained(store: Store) -> None:
    assert "5,853, with those whose orders were all cancelled: they are not ranked" in shown(store)


def test_a_shop_without_a_currency_has_none(store: Store) -> None:
    assert "Currency none was named" in shown(store) and "XXX" not in shown(store)
