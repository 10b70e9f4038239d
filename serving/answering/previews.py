"""A plan preview of the published ranking: who to contact, and how much that would bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache

import numpy as np

from campaigns.offers import MESSAGE, Offer, assumptions, read_offers
from campaigns.plan.terms import ASSUMED_MARGIN
from campaigns.preview import Preview, PreviewTerms, columns_of, needed, preview
from contracts.errors import nearest
from serving.answering.answers import provenance
from serving.problems import refused
from serving.shapes.asked import OfferAsked, PlanRequest, where_of
from serving.store import Store
from serving.stored.lookup import Row

_SHOWN = 100
_LEFT_OUT = (
    "Left out here, but not in `repurchase plan`: consent and addresses, channels and weeks, how often customers may "
    "be contacted, which offers a lifecycle stage may get, and a control group to measure what was won."
)


def plan_answer(store: Store, asked: PlanRequest) -> Row:
    """Return who to contact and what it would bring (schemas_plan.PlanAnswer); Problem 422 for an unknown offer."""
    where = where_of(asked.filters, store, at=("body", "filters"))
    margin, source = _margin(asked, store)
    terms = PreviewTerms(
        contact_cost=asked.contact_cost,
        margin=margin,
        response_days=asked.response_days,
        offers=tuple(_offer(one, place) for place, one in enumerate(asked.offers)),
        budget=asked.budget,
        customers=asked.customers,
    )
    scores = store.table(where, ["rank", *needed(store.horizons, terms)])
    found = preview(columns_of(scores, terms), terms)
    chosen = found.order[: found.chosen.contacted]
    used = np.bincount(found.offer[: len(chosen)], minlength=len(terms.choices)).tolist()
    offers = zip(terms.choices, used, strict=True)
    return {
        **provenance(store),
        "response_days": terms.response_days,
        "contact_cost": terms.contact_cost,
        "margin": terms.margin,
        "customers_considered": len(found),
        "chosen": asdict(found.chosen),
        "best": asdict(found.best),
        "break_even": found.break_even,
        "curve": [asdict(one) for one in found.points],
        "offers": [{"name": one.name, "label": one.label, "customers": count} for one, count in offers],
        "customers": list(_shown(store, found, scores["rank"].take(chosen[:_SHOWN]).to_pylist())),
        "assumptions": [
            *source,
            *assumptions({one.name: one for one in terms.choices}),
            *_notes(asked, found),
            _LEFT_OUT,
        ],
    }


def _shown(store: Store, found: Preview, ranks: Sequence[int]) -> Iterator[Row]:
    """Yield the customers on these ranks; ids are read one by one, since those of all would cost more than the rest."""
    for place, rank in enumerate(ranks):
        (row,) = store.ranking(limit=1, after_rank=rank - 1)
        yield {
            "customer_id": row["customer_id"],
            "rank": rank,
            "offer": found.terms.choices[int(found.offer[place])].name,
            "p_without_contact": float(found.each["buyers"][place] - found.each["added"][place]),
            "expected_profit": float(found.each["profit"][place]),
        }


def _margin(asked: PlanRequest, store: Store) -> tuple[float, list[str]]:
    """Return the profit's share of the amount, and where it comes from if it was not asked."""
    if asked.margin is not None:
        return asked.margin, []
    trained = store.manifest.get("clv", {}).get("margin", 1.0)
    if 0.0 < trained < 1.0:
        return float(trained), [f"Margin {trained:.0%}, as the model was trained with."]
    return ASSUMED_MARGIN, [f"Assumed: a margin of {ASSUMED_MARGIN:.0%}. Send `margin` to say better."]


def _notes(asked: PlanRequest, found: Preview) -> Iterator[str]:
    yield "The range is what half and one and a half times of the assumed effect would earn; chances are as scored."
    if asked.customers is not None and found.chosen.contacted < asked.customers:
        yield "Fewer customers than asked: the budget, or the customers whom the filters leave, end before."


# ---------------------------------------------------------------- offers
@cache
def _catalogue() -> dict[str, Offer]:
    return read_offers()


def _offer(asked: OfferAsked, place: int) -> Offer:
    """Return one of our offers with what was said otherwise, or an offer of the caller's own."""
    ours = _catalogue().get(asked.name)
    if ours is None and asked.lift is None:
        known = ", ".join(_catalogue())
        hint = nearest(asked.name, _catalogue()) or "."
        message = f"Our catalogue has no such offer{hint} Send `lift` for one of your own. Known: {known}."
        raise refused(("body", "offers", place, "lift"), "unknown_offer", message)
    own = ours or Offer(asked.name, asked.name, "", MESSAGE, "none")
    cost = own.cost if asked.cost is None else asked.cost
    share = own.share if asked.discount is None else asked.discount
    gives = cost > 0 or share > 0
    changed = replace(
        own,
        cost=cost,
        share=share,
        kind=own.kind if gives == (own.kind != MESSAGE) else "discount" if gives else MESSAGE,
        level=own.level if gives == (own.level != "none") else "medium" if gives else "none",
    )
    if asked.lift is None:
        return changed
    return replace(changed, lift_prior=asked.lift, lift_of={}, prior_source="as asked")
