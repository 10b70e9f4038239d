"""Reasons for customers of a published ranking."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.kernel.declaration import FeatureTable
from models.bundle import Bundle, load_bundle
from serving.answering.explain import REFERENCE_CUSTOMERS, explain, why_not
from serving.answering.reasons import explained
from serving.batch.details import details_of, write_details
from serving.live_scorer import LiveScorer
from serving.rank import Scoring, features_for, score_history
from serving.service import Current
from serving.shapes.schemas import CustomerAnswer
from serving.store import Store, publish
from serving.stored.details import Details
from tests import worlds
from tests.serving.asked_shop import service
from tests.serving.shop import Client

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

NOW = datetime(2022, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(worlds.simple("bgnbd").folder, in_child_first=False)


@pytest.fixture(scope="module")
def current(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Current:
    """A ranking of the generated shop with its details, and the model that made it."""
    folder, history = tmp_path_factory.mktemp("shop"), worlds.history()
    scores = score_history(history, bundle, Scoring(worlds.AS_OF, (30, 90), 90, "value", NOW))
    table = features_for(bundle, history, worlds.AS_OF)
    (folder / "details").mkdir()
    write_details(
        folder / "details" / "00000.parquet",
        details_of(history, table, worlds.AS_OF, features=bundle.features),
    )
    place = {name: at for at, name in enumerate(table.customer_id)}
    at = pa.array([place[name] for name in scores["customer_id"].to_pylist()], pa.int32())
    scores = scores.append_column("part", pa.array(np.zeros(len(at), np.int32))).append_column("at", at)
    publish(
        scores,
        folder / "out",
        manifest={"ranked_by": "expected_value_90d"},
        formats=("parquet",),
        details=folder / "details",
    )
    return Current(Store.open(folder / "out"), LiveScorer(bundle, clock=lambda: NOW))


def ids(current: Current) -> list[str]:
    assert current.store is not None
    return [str(row["customer_id"]) for row in current.store.ranking(limit=1_000_000)]


def test_the_reasons_are_those_of_the_models_own_features(current: Current, bundle: Bundle) -> None:
    table = features_for(bundle, worlds.history(), worlds.AS_OF)
    ranked = ids(current)
    many = min(len(ranked), REFERENCE_CUSTOMERS)
    steps = [ranked[(2 * step + 1) * len(ranked) // (2 * many)] for step in range(many)]
    place = {str(name): at for at, name in enumerate(table.customer_id)}

    def rows(names: list[str]) -> FeatureTable:
        return table.take(np.array([place[name] for name in names]))

    wanted = explained(
        rows(ranked[:5]), bundle, as_of=worlds.AS_OF, horizon=90, reference=rows(steps).columns
    )
    for name, one in zip(ranked[:5], wanted, strict=True):
        found = explain(current, name)
        assert found is not None and found.p == pytest.approx(one.p, rel=1e-4)
        assert found.usual_p == pytest.approx(one.usual_p, rel=1e-4)
        assert [told.reason.group for told in found.reasons] == [told.reason.group for told in one.reasons]


def test_the_probability_is_that_of_the_ranking(current: Current) -> None:
    assert current.store is not None
    for row in current.store.ranking(limit=3):
        found = explain(current, row["customer_id"])
        assert found is not None and found.p == pytest.approx(row["p_repurchase_90d"], rel=1e-4)


def test_the_api_tells_them_in_words(current: Current) -> None:
    app = service(current.store, scorer=current.scorer)
    answer = Client(app).get(f"/v1/customers/{ids(current)[0]}?reasons=true&history=true").json()
    assert CustomerAnswer.model_validate(answer).model_dump(mode="json", exclude_unset=True) == answer
    reasons = answer["reasons"]
    assert 1 <= len(reasons["items"]) <= 5 and reasons["horizon_days"] == 90
    assert all(one["text"] and one["strength"] in ("strong", "some", "slight") for one in reasons["items"])
    assert 0 < reasons["usual_probability"] < 1


def test_the_history_agrees_with_the_scores(current: Current) -> None:
    app = service(current.store, scorer=current.scorer)
    for name in ids(current)[:5]:
        answer = Client(app).get(f"/v1/customers/{name}?history=true").json()
        history = answer["history"]
        assert history["recent"][0]["day"] == history["last_order"]
        assert history["amount"] / history["order_days"] == pytest.approx(answer["monetary_value"])


def test_the_sample_to_compare_with_is_read_once(current: Current, monkeypatch: pytest.MonkeyPatch) -> None:
    assert current.store is not None
    explain(current, ids(current)[0])
    read: list[str] = []
    details = current.store.details

    def counted(customer_id: str) -> Details | None:
        read.append(customer_id)
        return details(customer_id)

    monkeypatch.setattr(current.store, "details", counted)
    assert explain(current, ids(current)[1]) is not None and len(read) == 1


def test_another_models_ranking_is_not_explained(current: Current) -> None:
    assert isinstance(current.scorer, LiveScorer)
    other = replace(current.scorer, bundle=replace(current.scorer.bundle, version="another"))
    changed = Current(current.store, other)
    assert explain(changed, ids(current)[0]) is None
    assert "another model" in str(why_not(changed, ids(current)[0]))


def test_nobody_is_explained_without_a_ranking(current: Current) -> None:
    nothing = Current(None, current.scorer)
    assert explain(nothing, "a") is None and why_not(nothing, "a") == "No ranking is published."


def test_a_ranking_without_details_says_so(current: Current, tmp_path: Path) -> None:
    assert current.store is not None
    publish(current.store.table(), tmp_path, manifest={}, formats=("parquet",))
    bare = Current(Store.open(tmp_path), current.scorer)
    assert explain(bare, ids(current)[0]) is None and "details" in str(why_not(bare, ids(current)[0]))
