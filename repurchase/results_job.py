"""The account of campaigns: contacts and what is known of their customers, or one table of a test; files of results."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.results.account import Account, account_of, account_of_trial
from campaigns.results.campaign import Money
from campaigns.results.trial_file import load_trial_file
from campaigns.sales import Sales
from campaigns.sheets import write_csv
from contracts.days import to_date, to_day
from contracts.errors import DeclarationError, nearest
from features.reading.mapping import load_mapping
from features.reading.presets import NO_CURRENCY
from features.shop.files import OtherFiles
from features.tables.contacts import SHAPE as CONTACTS_SHAPE
from features.tables.contacts import read_contacts
from features.tables.customers import SHAPE as CUSTOMERS_SHAPE
from features.tables.customers import read_customers
from features.tables.mapping import Shape, TableMapping, load_table_mapping
from repurchase.base_job import open_base
from repurchase.orders_job import OrdersJob
from repurchase.replacing import require_replaceable, written_whole
from repurchase.results_tables import known_tables


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the account is made of. orders: empty if outcomes are those of the contacts. by: columns to report by.

    scores: a Parquet file or a published ranking; groups: a CSV or Parquet file with customer_id. margin: None to take
    it from the orders' cost; control_share: of all or by campaign.
    """

    contacts: tuple[str, ...]
    orders: tuple[str, ...] = ()
    mapping: Path | None = None
    as_of: int | None = None
    other: OtherFiles = field(default_factory=OtherFiles)
    window_days: int = 30
    scores: Path | None = None
    groups: Path | None = None
    by: tuple[str, ...] = ()
    comparing: tuple[str, str] | None = None
    margin: float | None = None
    offer_costs: Mapping[str, float] = field(default_factory=dict)
    control_share: Mapping[str, float] | float | None = None


@dataclass(frozen=True)
class Accounted:
    """account: the tables. about: what they are of, in plain values; told: the account of the reading."""

    account: Account
    about: dict[str, Any]
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Opened:
    """What was read: contacts, customers' attributes, sales; crossed: refused contacts by campaign."""

    contacts: pa.Table
    customers: pa.Table | None
    sales: Sales | None
    as_of: int
    currency: str
    crossed: Mapping[str, int]
    told: tuple[str, ...]


def results(asked: Asked, *, now: datetime) -> Accounted:
    """Return the account of contacts as known at the end of the as-of day; DataError, DeclarationError."""
    opened = _with_orders(asked, now) if asked.orders else _alone(asked, now)
    known = known_tables(
        scores=asked.scores,
        groups=asked.groups,
        customers=opened.customers,
        by=(*asked.by, *(asked.comparing or ())),
        window_days=asked.window_days,
        currency=opened.currency,
    )
    margin, by_cost = asked.margin, False
    if margin is None and opened.sales is not None:
        margin = _margin_of(opened.sales)
        by_cost = margin is not None
    account = account_of(
        opened.contacts,
        sales=opened.sales,
        window_days=asked.window_days,
        known=known,
        comparing=asked.comparing,
        money=Money(margin=margin, offer_costs=_offer_costs(asked, opened.contacts)),
        control_share=asked.control_share,
        crossed=opened.crossed,
    )
    told = list(opened.told)
    if by_cost:
        told.append(f"The margin is {margin:.1%} of the amount, from the cost in the orders.")
    about = {
        "as_of": to_date(opened.as_of).isoformat(),
        "currency": opened.currency,
        "outcomes": "orders" if opened.sales is not None else "contacts",
        "window_days": asked.window_days if opened.sales is not None else None,
        "margin": margin,
        "level": 0.95,
    }
    return Accounted(account, about, tuple(told))


def results_of_test(table: Path, test: Path, *, comparing: tuple[str, str] | None = None) -> Accounted:
    """Return the account of a test in one table, described by a TOML file; DataError, DeclarationError."""
    described = load_trial_file(test)
    if comparing is not None:
        described = replace(described, groups=tuple(dict.fromkeys((*described.groups, *comparing))))
    trial = described.read(table)
    account = account_of_trial(trial, comparing=comparing, shares_given=bool(described.shares))
    about = {"test": trial.name, "arms": list(trial.arms), "margin": described.margin, "level": 0.95}
    return Accounted(account, about, (f"{table}: {len(trial):,} customers in {len(trial.arms)} arms.",))


def require_target(out: Path) -> None:
    """Refuse, before any work, a folder that holds anything but results."""
    require_replaceable(out, what="results", is_ours=lambda folder: (folder / "results.json").is_file())


def write(found: Accounted, out: Path) -> list[str]:
    """Write one CSV file for each table and results.json into a folder, whole or not at all; return their names."""
    tables = found.account.tables
    with written_whole(out) as fresh:
        for name, table in tables.items():
            write_csv(fresh / f"{name}.csv", table)
        rows = {name: [_plain(row) for row in table.to_pylist()] for name, table in tables.items()}
        content = {**found.about, "told": [*found.told, *found.account.told], **rows}
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
        (fresh / "results.json").write_text(text, encoding="utf-8")
    return [*(f"{name}.csv" for name in tables), "results.json"]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def _with_orders(asked: Asked, now: datetime) -> _Opened:
    """Read everything as one shop: people under several ids are one."""
    other = replace(asked.other, contacts=asked.contacts)
    opened = open_base(OrdersJob(asked.orders, asked.mapping, asked.as_of, now, other))
    base, shop = opened.base, opened.shop
    assert base.contacts is not None
    return _Opened(
        base.contacts,
        base.customers,
        base.sales,
        base.as_of,
        base.currency,
        _crossed(shop.refused.get("contacts")),
        tuple(opened.report.notes),
    )


def _alone(asked: Asked, now: datetime) -> _Opened:
    """Read contacts without orders, up to the as-of day (today)."""
    OrdersJob((), None, asked.as_of, now).require_past()
    as_of = to_day(now) if asked.as_of is None else asked.as_of
    shop = load_mapping(asked.mapping) if asked.mapping else None
    timezone, currency = ("UTC", NO_CURRENCY) if shop is None else (shop.timezone, shop.currency)
    other = replace(asked.other, contacts=asked.contacts)
    reading = read_contacts(
        list(asked.contacts), mapping=_map(other, "contacts", CONTACTS_SHAPE), until=as_of, timezone=timezone
    )
    told, customers = reading.report.sentences(), None
    if other.customers:
        found = read_customers(
            list(other.customers),
            mapping=_map(other, "customers", CUSTOMERS_SHAPE),
            until=as_of,
            timezone=timezone,
        )
        customers, told = found.customers, [*told, *found.report.sentences()]
    return _Opened(reading.rows, customers, None, as_of, currency, _crossed(reading.quarantine), tuple(told))


def _map(other: OtherFiles, table: str, shape: Shape) -> TableMapping | None:
    path = other.maps.get(table)
    return None if path is None else load_table_mapping(path, shape)


def _crossed(quarantine: pa.Table | None) -> dict[str, int]:
    """Count by campaign the contacts that were refused since their customer was in the other arm."""
    if quarantine is None or "campaign_id" not in quarantine.column_names:
        return {}
    refused = quarantine.filter(pc.equal(quarantine["reason"], "other_arm"))
    counts = refused["campaign_id"].combine_chunks().value_counts()
    return {one["values"]: one["counts"] for one in counts.to_pylist() if one["values"] is not None}


def _margin_of(sales: Sales) -> float | None:
    """Return the share of the amount that is left after cost, where most of the amount has a cost; else None."""
    if "cost" not in sales.optional:
        return None
    cost = sales.number("cost")
    known = np.isfinite(cost)
    paid = float(sales.amount[known].sum())
    if paid <= 0 or paid < 0.5 * float(sales.amount.sum()):
        return None
    return max(0.0, 1 - float(cost[known].sum()) / paid)


def _offer_costs(asked: Asked, contacts: pa.Table) -> Mapping[str, float]:
    offers = [one for one in pc.unique(contacts["offer"]).to_pylist() if one is not None]
    for name in asked.offer_costs:
        if name not in offers:
            raise DeclarationError(
                f"--offer-cost {name}: the contacts have no such offer{nearest(name, offers) or '.'} "
                f"Offers: {', '.join(offers[:8]) or 'none'}."
            )
    return asked.offer_costs
