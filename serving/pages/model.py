"""The model: what it promised and what came of it, how it did in its last test, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from features.reading.presets import NO_CURRENCY
from pages.svg import legend, svg
from serving.pages import words
from serving.pages.guard import PageRoute
from serving.pages.past import Finished, drift_of, due_on, finished_of, last_test_of
from serving.pages.pictures import calibration_chart, lift_chart
from serving.pages.visit import VisitDep
from serving.pages.worth import terms_words

router = APIRouter(include_in_schema=False, route_class=PageRoute)

# What others would use, in words; the model that answers stands apart.
_PEERS = {
    "recency": "rule: who bought last",
    "persistence": "rule: who bought most",
    "bgnbd": "buying rhythm (BG/NBD)",
    "mbgnbd": "buying rhythm (MBG/NBD)",
    "paretonbd": "buying rhythm (Pareto/NBD)",
    "mbgcnbdk": "buying rhythm (MBG/CNBD-k)",
    "lightgbm": "decision trees (LightGBM)",
    "ensemble": "several together",
}
Rows = list[tuple[str, str]]


@router.get("/model")
def model(visit: VisitDep) -> Response:
    """Show the model; without a ranking, its card and its last test alone."""
    current = visit.current
    card = current.scorer.card()
    report = current.store.report if current.store is not None else {}
    finished = finished_of(report)
    return visit.page(
        "model.html",
        title="Model",
        finished=finished,
        due=due_on(current.store) if current.store is not None else None,
        pictures=_pictures(finished) if finished else [],
        test=_test(card),
        drift=drift_of(report),
        currency=current.scorer.currency,
        card=_card(card, horizons=current.scorer.horizons),
    )


def _pictures(found: Finished) -> list[dict[str, Any]]:
    charts = (lift_chart(found), calibration_chart(found))
    return [{"title": one.title, "picture": svg(one), "legend": legend(one)} for one in charts]


def _test(card: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the model and its peers did on the window that none of them had seen; None if the card is silent."""
    found = card.get("backtest")
    if not isinstance(found, Mapping) or card.get("model") not in found.get("metrics", {}):
        return None
    metrics, own, last = found["metrics"], str(card["model"]), last_test_of(card)
    names = sorted(metrics, key=lambda name: (name != own, -metrics[name]["top_decile_lift"]))
    return {
        "customers": words.count(found["customers"]),
        "horizon": found["horizon"],
        "origin": words.day(found["origin"]),
        "lift": f"{metrics[own]['top_decile_lift']:.1f}",
        "buyers_off": words.off_share(metrics[own]["level_bias"]),
        "value_off": words.off_share(metrics[own]["value_bias"]),
        "apart": f"{100 * metrics[own]['calibration_error']:.1f}",
        "pairs": f"{100 * metrics[own]['auc']:.0f}",
        "far": last is not None and last.far,
        "rows": [
            (
                f"this model ({_parts(card)})" if name == own else _PEERS.get(name, name),
                f"{one['top_decile_lift']:.2f}",
                f"{100 * one['auc']:.1f}",
                words.off_share(one["level_bias"]),
                words.off_share(one["value_bias"]),
            )
            for name in names
            for one in (metrics[name],)
        ],
    }


def _parts(card: Mapping[str, Any]) -> str:
    """Return what the model is put together from, in words."""
    parts = str(card.get("parts") or card["model"]).split(" + ")
    return " and ".join(_PEERS.get(one, one) for one in parts)


def _card(card: Mapping[str, Any], *, horizons: tuple[int, ...]) -> Rows:
    """Return what is worth knowing of the card; what it does not say is left out."""
    terms = card.get("clv")
    told = {
        "Version": card.get("model_version"),
        "What answers": _parts(card) if "model" in card else None,
        "Why it is a simpler one": card.get("why_simpler"),
        "Learnt from orders until": _day(card.get("as_of")),
        "First order in them": _day(card.get("first_day")),
        "Customers learnt from": _learnt_from(card.get("customers")),
        "Past days it learnt at": _count(len(card.get("cutoffs") or ())) if card.get("cutoffs") else None,
        "Main horizon": f"{card['horizon']} days" if "horizon" in card else None,
        "Answers for": ", ".join(f"{one} days" for one in horizons),
        "Extrapolates beyond": f"{card['learnt_until_days']} days" if "learnt_until_days" in card else None,
        "Features it reads": _count(len(card["features"]))
        if isinstance(card.get("features"), Mapping)
        else None,
        "Lifetime value": terms_words(terms) if isinstance(terms, Mapping) else None,
        "Currency": _currency(card.get("currency")),
        "Time zone": card.get("timezone"),
    }
    return [(name, str(value)) for name, value in told.items() if value]


def _learnt_from(customers: object) -> str | None:
    """Return how many customers taught the model: more than are ranked where orders were taken back."""
    if not isinstance(customers, int):
        return None
    return f"{words.count(customers)}, with those whose orders were all cancelled: they are not ranked"


def _currency(name: object) -> str | None:
    return "none was named" if name == NO_CURRENCY else str(name) if name else None


def _day(value: object) -> str | None:
    return words.day(value) if isinstance(value, str) else None


def _count(value: object) -> str | None:
    return words.count(value) if isinstance(value, int) else None
