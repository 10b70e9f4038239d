"""A campaign's plan: the customer base, its ranking and the catalogues in, a folder with the plan out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.channels import Channel, check_channels, read_channels
from campaigns.declarations import require_sections
from campaigns.lifecycle import read_stages
from campaigns.offers import Offer, OfferError, check_offers, eligible, fitting_offers, read_offers
from campaigns.plan.economics import Economics
from campaigns.plan.gather import Gathered, gather
from campaigns.plan.holdout import holdout_of
from campaigns.plan.lifts import lifts_of
from campaigns.plan.notes import notes_of
from campaigns.plan.planning import PROFIT, Plan, make_plan
from campaigns.plan.policies import POLICIES
from campaigns.plan.reengage import reengage_table
from campaigns.plan.summary import summary_of
from campaigns.plan.table import SendTimes, plan_table
from campaigns.plan.terms import SECTIONS, Terms, read_terms
from campaigns.plan.what_if import what_if
from campaigns.products.next_products import next_products
from campaigns.results.priors import measured_effects
from campaigns.timing import moments_of
from contracts.days import parse_day, to_date
from contracts.errors import DataError, DeclarationError, nearest
from repurchase.base_job import open_base
from repurchase.orders_job import OrdersJob
from repurchase.plan_files import Planned, is_plan, write_plan
from repurchase.rankings import margin_of, read_ranking
from repurchase.replacing import require_replaceable

POLICY_NAMES = (PROFIT, *POLICIES)
_LEAST_BASKET = 1e-9
PRODUCTS = 3  # recommended to each customer


@dataclass(frozen=True)
class Asked:
    """What a plan is asked for. Files are the shop's own, None for ours alone; budget goes before the file's."""

    ranking: Path
    terms: Path | None = None
    campaign: str | None = None
    offers: Path | None = None
    channels: Path | None = None
    stages: Path | None = None
    calendar: Path | None = None
    budget: float | None = None
    policy: str = PROFIT
    what_if: bool = True
    control_share: Mapping[str, float] | float | None = None  # of past tests: of all or by campaign


def plan(job: OrdersJob, asked: Asked, *, out: Path) -> Planned:
    """Plan a campaign and write it to the folder `out`: plan.html, plan.csv, control.csv, plan.parquet and plan.json.

    With events also reengage.csv. The orders are read as of the ranking's day. Raises DataError, DeclarationError,
    ArtifactError before anything is written; an older plan in `out` stays then.
    """
    require_replaceable(out, what="campaign plan", is_ours=is_plan)
    terms, offers, channels = _declared(asked)
    stages = read_stages(asked.stages or asked.terms)
    scores, manifest = read_ranking(asked.ranking)
    as_of = parse_day(manifest["as_of"])
    if job.as_of not in (None, as_of):
        raise DeclarationError(
            f"the ranking is as of {to_date(as_of)}, --as-of says {to_date(job.as_of or 0)}. Rank anew, or leave it "
            "out."
        )
    terms.first_day(as_of)
    base = open_base(replace(job, as_of=as_of)).base
    _require_currency(terms, base.currency, str(manifest["currency"]))
    check_channels(channels, currency=base.currency)
    gathered = gather(
        base,
        scores,
        terms=terms,
        offers=offers,
        channels=channels,
        stages=stages,
        model_margin=margin_of(manifest),
        calendar=asked.calendar or asked.terms,
    )
    gathered.may.require(terms.channels or None)
    offers, refused = _paying(offers, gathered, terms)
    economics = _economics(gathered, terms, offers, channels, asked.control_share)
    holdout = holdout_of(economics, currency=base.currency)
    made = make_plan(economics, currency=base.currency, control=holdout.control, policy=asked.policy)
    planned = Planned(
        made,
        _table(made, gathered),
        summary_of(made),
        what_if(made) if asked.what_if and asked.policy == PROFIT else [],
        holdout,
        notes_of(made, gathered, channels=channels, costs=_costs(economics, base.currency), refused=refused),
        gathered.days,
        None if base.events is None else reengage_table(gathered.base.sales, gathered.activity),
        as_of,
    )
    write_plan(planned, manifest, out)
    return planned


def _declared(asked: Asked) -> tuple[Terms, dict[str, Offer], dict[str, Channel]]:
    if asked.policy not in POLICY_NAMES:
        hint = nearest(asked.policy, POLICY_NAMES) or "."
        raise DeclarationError(f"--policy '{asked.policy}'{hint} Known: {', '.join(POLICY_NAMES)}.")
    terms = read_terms(asked.terms, asked.campaign)
    if asked.budget is not None:
        try:
            terms = replace(terms, budget=asked.budget)
        except DeclarationError as error:
            raise DeclarationError(f"--budget: {error}") from None
    for path in (asked.offers, asked.channels, asked.stages, asked.calendar):
        if path is not None:
            require_sections(path, SECTIONS)
    offers, channels = read_offers(asked.offers or asked.terms), read_channels(asked.channels or asked.terms)
    return (
        terms,
        {name: offers[name] for name in terms.chosen("offers", offers)},
        {name: channels[name] for name in terms.chosen("channels", channels)},
    )


def _economics(
    gathered: Gathered,
    terms: Terms,
    offers: dict[str, Offer],
    channels: dict[str, Channel],
    control_share: Mapping[str, float] | float | None,
) -> Economics:
    """Return the campaign's options with their lifts."""
    base, customers = gathered.base, gathered.customers
    if terms.rule is not None:
        terms.rule.check(customers.columns)
    measured = None
    if base.contacts is not None:
        measured = measured_effects(
            base.contacts, sales=base.sales, window_days=terms.response_days, control_share=control_share
        )
    lifts = lifts_of(list(offers.values()), customers, measured=measured)
    used = [one for name, one in channels.items() if gathered.may.ok[name].any()]
    return Economics(customers, terms, offers=list(offers.values()), channels=used, lifts=lifts)


def _costs(economics: Economics, currency: str) -> list[str]:
    """Return what is assumed of the costs of the channels that can be used."""
    return check_channels({one.name: one for one in economics.channels}, currency=currency)


def _paying(offers: dict[str, Offer], gathered: Gathered, terms: Terms) -> tuple[dict[str, Offer], list[str]]:
    """Return the offers that can pay in this shop; DeclarationError if one of the shop's own, or asked for, cannot.

    Each is judged by the usual basket of those who may get it.
    """
    customers = gathered.customers
    kept: dict[str, Offer] = {}
    said: list[str] = []
    errors: list[str] = []
    for name, offer in offers.items():
        same: dict[str, Any] = {
            "margin": float(customers.margin[0]),
            "basket": _usual_basket(offer, gathered),
            "currency": gathered.base.currency,
            "columns": customers.columns,
        }
        try:
            check_offers({name: offer}, **same)
            kept[name] = offer
        except OfferError as error:
            why_not = [] if terms.offers else _ours_left_out(name, offer, same)
            said += why_not
            errors += [] if why_not else [str(error)]
    if errors:
        raise DeclarationError("\n".join(errors))
    return kept, said


def _ours_left_out(name: str, offer: Offer, shop: dict[str, Any]) -> list[str]:
    """Return why an offer of our own catalogue does not fit; nothing if it is the shop's own."""
    try:
        return fitting_offers({name: offer}, **shop)[1]
    except OfferError:
        return []


def _usual_basket(offer: Offer, gathered: Gathered) -> float:
    """Return the median basket of those who may get an offer by its rule and least basket, else of all."""
    customers = gathered.customers
    mine = np.ones(len(customers), dtype=np.bool_)
    if offer.rule is None or offer.rule.columns <= customers.columns.keys():
        mine = eligible({offer.name: offer}, customers.columns, basket=customers.basket)[offer.name]
    return max(float(np.median(customers.basket[mine] if mine.any() else customers.basket)), _LEAST_BASKET)


def _require_currency(terms: Terms, currency: str, ranked: str) -> None:
    if currency != ranked:
        raise DataError(f"the orders are in {currency}, the ranking in {ranked}. Rank these orders first.")
    if terms.currency is not None and terms.currency != currency:
        raise DeclarationError(
            f"campaign {terms.name}: its money is in {terms.currency}, the shop's in {currency}. Write the budget in "
            f"{currency}, or set `currency` in the mapping of the orders."
        )


def _table(made: Plan, gathered: Gathered) -> pa.Table:
    base = gathered.base
    times = SendTimes.of(
        moments_of(base), len(base.sales), made.economics.channels, closed=gathered.days.closed
    )
    products = None
    if "product_id" in base.sales.optional:
        picks = next_products(
            base.sales, k=PRODUCTS, lifecycle=pa.array(gathered.customers.labels["lifecycle"], pa.string())
        )
        products = _lists(picks.customer, picks.ids.take(pa.array(picks.product)), len(base.sales))
    return plan_table(made, times, as_of=base.as_of, products=products)


def _lists(customer: Any, names: pa.Array, size: int) -> pa.ListArray:
    """Return the names of each customer as a list; rows are by customer."""
    ends = np.cumsum(np.bincount(customer, minlength=size))
    offsets = pa.array(np.concatenate(([0], ends)).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, names.cast(pa.string()))
