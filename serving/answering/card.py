"""The model's card: what it learnt from, how good it was out of time, what it reads, and how it stands today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.days import to_date, to_day
from features.catalog import CATALOG
from serving.live import Scorer
from serving.service import Current
from serving.shapes.schemas import FeatureCard, ModelAnswer, PublishedRanking, TrainedOn
from serving.store import Store

_CALIBRATION = ("calibration_error", "level_bias", "orders_bias", "value_bias")
Card = Mapping[str, Any]


def model_answer(current: Current, *, now: datetime) -> ModelAnswer:
    """Return the model's card and the published ranking in short."""
    scorer, store = current.scorer, current.store
    card, today = scorer.card(), to_day(now.astimezone(current.zone))
    ranking = None if store is None else _published(store)
    backtest = _mapping(card, "backtest")
    metrics = _figures(backtest)
    mine = metrics.pop(str(card.get("model")), {})
    return ModelAnswer(
        model_version=scorer.model_version,
        model_as_of=to_date(scorer.default_as_of),
        as_of=ranking.as_of if ranking else to_date(scorer.default_as_of),
        scored_at=ranking.scored_at if ranking else None,
        valid_until=ranking.valid_until if ranking else None,
        currency=scorer.currency,
        timezone=scorer.timezone,
        horizons=list(scorer.horizons),
        model_age_days=today - scorer.default_as_of,
        stale=None
        if ranking is None or ranking.valid_until is None
        else to_date(today) > ranking.valid_until,
        trained_on=_trained_on(card),
        backtest_days=backtest.get("horizon"),
        backtest_customers=backtest.get("customers"),
        metrics={name: value for name, value in mine.items() if name not in _CALIBRATION},
        calibration={name: value for name, value in mine.items() if name in _CALIBRATION},
        compared_with=metrics,
        features=_features(card, scorer),
        versions={name: str(value) for name, value in _mapping(card, "versions").items()},
        drift=None if store is None else store.report.get("drift"),
        missing=list(_missing(card, store, mine)),
        card=dict(card),
        ranking=ranking,
    )


def _published(store: Store) -> PublishedRanking:
    facts = {name: store.manifest[name] for name in PublishedRanking.model_fields if name in store.manifest}
    return PublishedRanking(**facts, customers=store.count)


def _trained_on(card: Card) -> TrainedOn:
    return TrainedOn(
        customers=card.get("customers"),
        first_day=card.get("first_day"),
        data_cutoff=card.get("as_of"),
        cutoffs=list(card.get("cutoffs", [])),
        data_fingerprint=card.get("data_fingerprint"),
    )


def _figures(backtest: Card) -> dict[str, dict[str, float]]:
    """Return the metrics by model; a figure that is not defined is left out."""
    return {
        str(model): {str(name): float(value) for name, value in figures.items() if value is not None}
        for model, figures in _mapping(backtest, "metrics").items()
    }


def _features(card: Card, scorer: Scorer) -> list[FeatureCard]:
    known = {one.name: one for one in getattr(scorer, "catalog", CATALOG)}
    names: Sequence[str] = list(_mapping(card, "features"))
    return [
        FeatureCard(
            name=name,
            description=known[name].description if name in known else None,
            unit=known[name].unit if name in known else None,
        )
        for name in names
    ]


def _missing(card: Card, store: Store | None, metrics: Card) -> Iterator[str]:
    if not metrics:
        yield "The model's card has no figures of a backtest."
    if store is None:
        yield "No ranking is published. Run `repurchase rank` and start the server with it."
    else:
        drift = _mapping(store.report, "drift")
        if drift.get("known", bool(drift)) is False:
            why = drift.get("why", "the ranking has no report of it")
            yield f"Whether the base still looks like the training data is not known: {why}."


def _mapping(values: Card, name: str) -> dict[str, Any]:
    found = values.get(name)
    return dict(found) if isinstance(found, Mapping) else {}
