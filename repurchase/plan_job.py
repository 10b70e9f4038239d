"""A campaign's plan: the customer base, its ranking and the catalogues in, a folder with the plan out."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from campaigns.channels import Channel, check_channels, read_channels
from campaigns.lifecycle import read_stages
from campaigns.offers import Offer, assumptions, check_offers, fitting_offers, read_offers
from campaigns.plan.economics import Economics
from campaigns.plan.gather import Gathered, gather
from campaigns.plan.holdout import Holdout, holdout_of
from campaigns.plan.lifts import Lift, lifts_of
from campaigns.plan.page import plan_page
from campaigns.plan.planning import PROFIT, Plan, make_plan
from campaigns.plan.policies import POLICIES
from campaigns.plan.summary import Summary, summary_of
from campaigns.plan.table import CONTACT, SendTimes, plan_table
from campaigns.plan.terms import Terms, read_terms
from campaigns.plan.what_if import WhatIf, what_if
from campaigns.products.next_products import next_products
from campaigns.results.priors import measured_effects
from campaigns.sheets import write_csv
from campaigns.timing import moments_of
from contracts.days import parse_day, to_date
from contracts.errors import DataError, DeclarationError, nearest
from repurchase.base_job import open_base
from repurchase.orders_job import OrdersJob
from repurchase.rankings import read_ranking
from repurchase.replacing import replace_folder, require_replaceable

POLICY_NAMES = (PROFIT, *POLICIES)
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
    budget: float | None = None
    policy: str = PROFIT
    what_if: bool = True


@dataclass(frozen=True)
class Planned:
    """What a plan brought. notes: what is assumed or missing."""

    plan: Plan
    table: pa.Table
    summary: Summary
    others: list[WhatIf]
    holdout: Holdout
    notes: tuple[str, ...]
    as_of: int


def plan(job: OrdersJob, asked: Asked, *, out: Path) -> Planned:
    """Plan a campaign and write it to the folder `out`: plan.parquet, plan.csv, plan.json and plan.html.

    The orders are read as of the ranking's day. Raises DataError, DeclarationError, ArtifactError before anything is
    written; an older plan in `out` stays then.
    """
    require_replaceable(out, what="campaign plan", is_ours=_is_plan)
    terms, offers, channels = _declared(asked)
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
    terms_of_value = manifest["clv"]
    gathered = gather(
        base,
        scores,
        terms=terms,
        offers=offers,
        channels=channels,
        stages=read_stages(asked.stages),
        model_margin=_margin(terms_of_value),
    )
    gathered.may.require(terms.channels or None)
    offers, refused = _paying(offers, gathered, terms)
    economics, said = _economics(gathered, terms, offers, channels)
    holdout = holdout_of(economics, currency=base.currency)
    made = make_plan(economics, currency=base.currency, control=holdout.control, policy=asked.policy)
    notes = (*gathered.notes, *said, *_assumed(made), *refused, *_missing(gathered))
    table = _table(made, gathered)
    summary = summary_of(made)
    others = what_if(made) if asked.what_if and asked.policy == PROFIT else []
    planned = Planned(made, table, summary, others, holdout, notes, as_of)
    _write(planned, manifest, out)
    return planned


def _declared(asked: Asked) -> tuple[Terms, dict[str, Offer], dict[str, Channel]]:
    if asked.policy not in POLICY_NAMES:
        hint = nearest(asked.policy, POLICY_NAMES) or "."
        raise DeclarationError(f"--policy '{asked.policy}'{hint} Known: {', '.join(POLICY_NAMES)}.")
    terms = read_terms(asked.terms, asked.campaign)
    if asked.budget is not None:
        terms = replace(terms, budget=asked.budget)
    offers, channels = read_offers(asked.offers), read_channels(asked.channels)
    return (
        terms,
        {name: offers[name] for name in terms.chosen("offers", offers)},
        {name: channels[name] for name in terms.chosen("channels", channels)},
    )


def _economics(
    gathered: Gathered, terms: Terms, offers: dict[str, Offer], channels: dict[str, Channel]
) -> tuple[Economics, list[str]]:
    """Return the campaign's options with their lifts, and what is assumed of them."""
    base, customers = gathered.base, gathered.customers
    measured = None
    if base.contacts is not None:
        measured = measured_effects(base.contacts, sales=base.sales, window_days=terms.response_days)
    lifts = lifts_of(list(offers.values()), customers, measured=measured)
    used = [one for name, one in channels.items() if gathered.may.ok[name].any()]
    for one in offers.values():
        if one.rule is not None:
            one.rule.check(customers.columns)
    if terms.rule is not None:
        terms.rule.check(customers.columns)
    economics = Economics(customers, terms, offers=list(offers.values()), channels=used, lifts=lifts)
    costs = check_channels({one.name: one for one in used}, currency=base.currency)
    return economics, [*_measured_words(offers, lifts), *costs, *_closed(gathered, channels)]


def _assumed(made: Plan) -> list[str]:
    """Return the stated lifts of the offers that are used and were not measured."""
    economics = made.economics
    used = {economics.options[one].offer.name for one in np.unique(made.choice[made.contacted])}
    return assumptions(
        {
            one.name: one
            for one in economics.offers
            if one.name in used and not economics.lifts[one.name].measured
        }
    )


def _closed(gathered: Gathered, channels: dict[str, Channel]) -> list[str]:
    """Say which channels nobody can be contacted by."""
    empty = [one.label for name, one in channels.items() if not gathered.may.ok[name].any()]
    return (
        [f"Nobody can be contacted by: {', '.join(empty)} (not known to be reachable, or refused)."]
        if empty
        else []
    )


def _measured_words(offers: dict[str, Offer], lifts: dict[str, Lift]) -> list[str]:
    return [
        f"{offers[name].label}: measured by {one.treated:,} contacted and {one.control:,} control customers."
        for name, one in lifts.items()
        if one.measured
    ]


def _paying(
    offers: dict[str, Offer], gathered: Gathered, terms: Terms
) -> tuple[dict[str, Offer], list[str]]:
    """Return the offers that can pay in this shop; DeclarationError if one of the shop's own, or asked for, cannot."""
    customers = gathered.customers
    same: dict[str, Any] = {
        "margin": float(customers.margin[0]),
        "basket": max(float(np.median(customers.basket)), 1e-9),
        "currency": gathered.base.currency,
    }
    if terms.offers:
        check_offers(offers, **same)
    return fitting_offers(offers, **same)


def _margin(terms: dict[str, Any]) -> float:
    return float(terms["margins"]["shop"] if terms.get("margins") else terms["margin"])


def _require_currency(terms: Terms, currency: str, ranked: str) -> None:
    if currency != ranked:
        raise DataError(f"the orders are in {currency}, the ranking in {ranked}. Rank these orders first.")
    if terms.currency is not None and terms.currency != currency:
        raise DeclarationError(
            f"campaign {terms.name}: its money is in {terms.currency}, the shop's in {currency}. Write the budget in "
            f"{currency}, or set `currency` in the mapping of the orders."
        )


def _missing(gathered: Gathered) -> list[str]:
    """Say what is not there and what it would add."""
    adds = {
        "contacts": "--contacts (past campaigns with a control group) would replace assumed lifts by measured ones",
        "customers": "--customers (consent, birthdays, addresses) would open other channels and close refused ones",
        "events": "--events (opens, clicks, visits, carts) would tell who reads and when",
        "orders.product_id": "product ids in the orders would bring recommended products",
        "orders.cost": "the cost of products would replace the assumed margin",
        "orders.discount": "discounts in the orders would tell who buys because of them",
    }
    return [f"Missing: {words}." for name, words in adds.items() if name in gathered.base.absent]


def _table(made: Plan, gathered: Gathered) -> pa.Table:
    base = gathered.base
    times = SendTimes.of(moments_of(base), len(base.sales), made.economics.channels)
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


def _write(planned: Planned, manifest: dict[str, Any], out: Path) -> None:
    fresh, old = (out.with_name(f".{out.name}.{which}") for which in ("fresh", "old"))
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        pq.write_table(planned.table, fresh / "plan.parquet", compression="zstd")
        contacts = planned.table.filter(pc.equal(planned.table["action"], CONTACT))
        write_csv(fresh / "plan.csv", contacts)
        log = json.dumps(_log(planned, manifest), indent=2, allow_nan=False, ensure_ascii=False)
        (fresh / "plan.json").write_text(log + "\n", encoding="utf-8")
        (fresh / "plan.html").write_text(
            plan_page(
                planned.plan,
                planned.summary,
                planned.others,
                holdout=planned.holdout,
                notes=planned.notes,
                as_of=planned.as_of,
            ),
            encoding="utf-8",
        )
        replace_folder(fresh, out, old=old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _log(planned: Planned, manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what was planned and from what, as plain values."""
    terms, made = planned.plan.economics.terms, planned.plan
    return {
        "format": "repurchase-plan-1",
        "campaign": terms.name,
        "policy": made.policy,
        "as_of": to_date(planned.as_of).isoformat(),
        "currency": made.currency,
        "model_version": manifest["model_version"],
        "terms": {key: value for key, value in vars(terms).items() if key != "rule"},
        "control": {
            **planned.holdout.log,
            "share": planned.holdout.share,
            "power": list(planned.holdout.words),
        },
        "limits": [
            {
                "name": one.name,
                "unit": one.unit,
                "limit": one.limit,
                "used": one.used,
                "earns_per_unit_more": one.limit_price,
            }
            for one in made.uses
            if one.at_least == 0
        ],
        "summary": planned.summary.to_dict(),
        "what_if": [vars(one) for one in planned.others],
        "gap_to_bound": None if made.solution is None else made.solution.gap,
        "notes": list(planned.notes),
    }


def _is_plan(folder: Path) -> bool:
    names = {item.name for item in folder.iterdir()}
    return "plan.json" in names and names <= {"plan.parquet", "plan.csv", "plan.json", "plan.html"}
