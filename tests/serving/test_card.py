"""The model's card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.days import parse_day
from serving.shapes.schemas import ModelAnswer
from tests.serving.asked_shop import service, store_of
from tests.serving.shop import Client, CountingScorer

CARD = {
    "model": "ensemble",
    "as_of": "1998-04-01",
    "customers": 1000,
    "first_day": "1997-01-01",
    "cutoffs": ["1998-01-01"],
    "data_fingerprint": "ab",
    "features": {"recency_days": "0123", "of_a_shop": "4567"},
    "versions": {"numpy": "2.4.6"},
    "backtest": {
        "customers": 900,
        "horizon": 90,
        "metrics": {
            "ensemble": {"auc": 0.84, "calibration_error": 0.01, "value_bias": None},
            "recency": {"auc": 0.82},
        },
    },
}


@dataclass(frozen=True)
class Carded(CountingScorer):
    def card(self) -> dict[str, object]:
        return dict(CARD)


def told(**more: Any) -> dict[str, Any]:
    answer = Client(service(more.pop("store", None), scorer=Carded())).get("/v1/model").json()
    assert ModelAnswer.model_validate(answer).model_dump(mode="json") == answer
    return dict(answer)


def test_the_card_tells_how_good_the_model_was_out_of_time() -> None:
    answer = told()
    assert answer["metrics"] == {"auc": 0.84} and answer["calibration"] == {"calibration_error": 0.01}
    assert answer["compared_with"] == {"recency": {"auc": 0.82}}
    assert (answer["backtest_days"], answer["backtest_customers"]) == (90, 900)


def test_the_card_tells_what_the_model_learnt_from() -> None:
    assert told()["trained_on"] == {
        "customers": 1000,
        "first_day": "1997-01-01",
        "data_cutoff": "1998-04-01",
        "cutoffs": ["1998-01-01"],
        "data_fingerprint": "ab",
    }


def test_features_come_with_their_descriptions() -> None:
    known, own = told()["features"]
    assert known["name"] == "recency_days" and "last order day" in known["description"].lower()
    assert own == {"name": "of_a_shop", "description": None, "unit": None}


def test_an_old_ranking_is_stale(tmp_path: Path) -> None:
    answer = told(store=store_of(tmp_path / "out", "a"))
    assert answer["stale"] is True and answer["model_age_days"] == 91


def test_the_rankings_days_are_not_mixed_with_the_models(tmp_path: Path) -> None:
    scorer = Carded(default_as_of=parse_day("1998-03-01"))
    app = service(store_of(tmp_path / "out", "a"), scorer=scorer)
    answer = Client(app).get("/v1/model").json()
    assert (answer["model_as_of"], answer["as_of"]) == ("1998-03-01", "1998-04-01")
    for name in ("as_of", "scored_at", "valid_until"):
        assert answer[name] == answer["ranking"][name]
    assert Client(service(None, scorer=scorer)).get("/v1/model").json()["as_of"] == "1998-03-01"


def test_what_is_not_known_is_said() -> None:
    answer = Client(service(None)).get("/v1/model").json()
    assert answer["stale"] is None and answer["drift"] is None
    assert len(answer["missing"]) == 2 and "No ranking is published" in answer["missing"][1]
