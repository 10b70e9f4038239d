"""The model: what it promised and what came of it, how it did in its last test, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from pages.svg import legend, svg
from serving.pages import words
from serving.pages.guard import PageRoute
from serving.pages.past import Finished, drift_of, finished_of
from serving.pages.pictures import calibration_chart, lift_chart
from serving.pages.visit import VisitDep
from serving.pages.worth import terms_words

router = APIRouter(include_in_schema=False, route_class=PageRoute)

# What others would use, in words; the model that answers stands apart.
_PEERS = {
    "recency": "who bought last (rule)",
    "persistence": "who bought most (rule)",
    "bgnbd": "BG/NBD",
    "mbgnbd": "MBG/NBD",
    "paretonbd": "Pareto/NBD",
    "mbgcnbdk": "MBG/CNBD-k",
    "lightgbm": "LightGBM alone",
    "ensemble": "ensemble",
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
    metrics, own = found["metrics"], str(card["model"])
    names = sorted(metrics, key=lambda name: (name != own, -metrics[name]["top_decile_lift"]))
    return {
        "customers": words.count(found["customers"]),
        "horizon": found["horizon"],
        "origin": words.day(found["origin"]),
        "lift": f"{metrics[own]['top_decile_lift']:.1f}",
        "buyers_off": _off(metrics[own]["level_bias"]),
        "value_off": _off(metrics[own]["value_bias"]),
        "apart": f"{100 * metrics[own]['calibration_error']:.1f}",
        "auc": f"{100 * metrics[own]['auc']:.0f}",
        "rows": [
            (
                _PEERS.get(name, name) + (" (this model)" if name == own else ""),
                f"{one['top_decile_lift']:.2f}",
                f"{one['auc']:.3f}",
                _off(one["level_bias"]),
                _off(one["value_bias"]),
            )
            for name in names
            for one in (metrics[name],)
        ],
    }


def _off(share: float) -> str:
    if abs(share) < 0.005:
        return "exact"
    return f"{abs(share):.0%} too {'many' if share > 0 else 'few'}".replace("%", "\N{NO-BREAK SPACE}%")


def _card(card: Mapping[str, Any], *, horizons: tuple[int, ...]) -> Rows:
    """Return what is worth knowing of the card; what it does not say is left out."""
    terms = card.get("clv")
    told = {
        "Version": card.get("model_version"),
        "What answers": card.get("parts") or card.get("model"),
        "Why it is a simpler one": card.get("why_simpler"),
        "Learnt from orders until": _day(card.get("as_of")),
        "First order in them": _day(card.get("first_day")),
        "Customers learnt from": _count(card.get("customers")),
        "Past days it learnt at": _count(len(card.get("cutoffs") or ())) if card.get("cutoffs") else None,
        "Main horizon": f"{card['horizon']} days" if "horizon" in card else None,
        "Answers for": ", ".join(f"{one} days" for one in horizons),
        "Extrapolates beyond": f"{card['learnt_until_days']} days" if "learnt_until_days" in card else None,
        "Features it reads": _count(len(card["features"]))
        if isinstance(card.get("features"), Mapping)
        else None,
        "Lifetime value": terms_words(terms) if isinstance(terms, Mapping) else None,
        "Currency": card.get("currency"),
        "Time zone": card.get("timezone"),
    }
    return [(name, str(value)) for name, value in told.items() if value]


def _day(value: object) -> str | None:
    return words.day(value) if isinstance(value, str) else None


def _count(value: object) -> str | None:
    return words.count(value) if isinstance(value, int) else None
