"""What is known of every customer besides the scores, written into a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.base import Base
from campaigns.calendar import Occasion, country_code, read_calendar
from campaigns.channels import Channel, read_channels
from campaigns.declarations import require_sections
from campaigns.offers import Offer, read_offers
from campaigns.plan.terms import SECTIONS
from campaigns.preferences.account import KIND, to_dict
from campaigns.preferences.by_time import NEXT_ORDER
from campaigns.preferences.days import calendar_table, days_ahead
from campaigns.preferences.intervals import interval_table
from campaigns.preferences.missing import missing_of
from campaigns.preferences.preferences import Preferences, preferences_of
from campaigns.preferences.table import preference_parts
from campaigns.sheets import write_csv
from contracts.days import parse_day, to_date
from contracts.errors import DataError, DeclarationError
from features.kernel.buffers import as_numpy, in_one
from repurchase.base_job import base_of, consent_of
from repurchase.orders_job import OrdersJob
from repurchase.rankings import margin_of, places_in, read_ranking, require_currency
from repurchase.replacing import is_of_kind, require_replaceable, written_whole

FILES = (
    "preferences.parquet",
    "preferences.csv",
    "contact_intervals.csv",
    "calendar.csv",
    "preferences.json",
)
COLUMNS = ("customer_id", "segment", "recency_days", "curve", *NEXT_ORDER)  # of a ranking
MOST_DAYS = 730
MOST_OTHER = 0.5  # share of customers who may have ordered otherwise than the ranking says
_CSV_ROWS = 500_000  # with more customers, Parquet only


@dataclass(frozen=True)
class PreferencesJob:
    """What to look at and where to write it.

    ranking: a published ranking; the orders are then read as of its day. offers, channels, calendar: entries of the
    shop's own. country: whose holidays count; days: how far ahead. unknown_consent: 'ask' or 'allow'.
    """

    orders: OrdersJob
    out: Path
    ranking: Path | None = None
    offers: Path | None = None
    channels: Path | None = None
    calendar: Path | None = None
    country: str | None = None
    days: int = 90
    unknown_consent: str = "ask"


@dataclass(frozen=True)
class Found:
    """What was found. account: the same as plain values; files: what was written; sample: the first rows."""

    preferences: Preferences
    occasions: tuple[Occasion, ...]
    account: dict[str, Any]
    files: tuple[str, ...] = ()
    sample: pa.Table | None = None


@dataclass(frozen=True)
class _Declared:
    offers: dict[str, Offer]
    channels: dict[str, Channel]


def run(job: PreferencesJob) -> Found:
    """Find and write everything; DataError, DeclarationError or ArtifactError before anything is written."""
    require_replaceable(job.out, what="folder of preferences", is_ours=_is_ours)
    declared = _declared(job)
    scores, manifest = (None, {}) if job.ranking is None else read_ranking(job.ranking, columns=COLUMNS)
    base = base_of(_on_the_day(job, manifest))
    told = [] if scores is None else require_fitting(base, scores, manifest)
    found = preferences_of(
        base,
        offers=declared.offers,
        channels=declared.channels,
        scores=scores,
        unknown_consent=job.unknown_consent,
        model_margin=margin_of(manifest),
    )
    occasions = days_ahead(base.as_of, days=job.days, country=job.country, path=job.calendar)
    missing = (*told, *missing_of(found, country=job.country))
    return _write(Found(found, occasions, to_dict(found, occasions, missing, _about(job, manifest))), job.out)


def _declared(job: PreferencesJob) -> _Declared:
    """Read what the shop declares, and refuse what cannot be meant, before the orders are opened."""
    consent_of(job.unknown_consent)
    if not 1 <= job.days <= MOST_DAYS:
        raise DeclarationError(f"--days is {job.days}. Write 1 to {MOST_DAYS}.")
    for path in (job.offers, job.channels, job.calendar):
        if path is not None:
            require_sections(path, SECTIONS)
    if job.country is not None:
        country_code(job.country)
    read_calendar(job.calendar)
    return _Declared(read_offers(job.offers), read_channels(job.channels))


def _on_the_day(job: PreferencesJob, manifest: dict[str, Any]) -> OrdersJob:
    """Return the orders as of the ranking's day; DeclarationError if another one is asked for."""
    if not manifest:
        return job.orders
    day = parse_day(manifest["as_of"])
    if job.orders.as_of not in (None, day):
        raise DeclarationError(
            f"the ranking is as of {manifest['as_of']}, --as-of says {to_date(job.orders.as_of or 0)}. Rank anew, or "
            "leave it out."
        )
    return replace(job.orders, as_of=day)


def require_fitting(base: Base, scores: pa.Table, manifest: dict[str, Any]) -> list[str]:
    """Return what is to be said of the ranking; DataError if it is in another currency or of other orders."""
    require_currency(manifest, base)
    place = places_in(scores, base)
    ranked = place >= 0
    silent = base.as_of - base.sales.last_day[ranked]
    other = int(np.count_nonzero(as_numpy(in_one(scores["recency_days"]))[place[ranked]] != silent))
    if other > MOST_OTHER * int(ranked.sum()):
        raise DataError(
            f"the ranking was made from other orders: {other:,} of {int(ranked.sum()):,} customers have ordered last "
            "on another day than it says. Rank these orders first."
        )
    unranked = len(ranked) - int(ranked.sum())
    told = [f"{unranked:,} customers of these orders are not in the ranking."] if unranked else []
    return told + (
        [f"{other:,} customers have ordered on other days than the ranking says."] if other else []
    )


def _about(job: PreferencesJob, manifest: dict[str, Any]) -> dict[str, Any]:
    ranking = {name: manifest[name] for name in ("as_of", "model_version") if name in manifest}
    return {
        "ranking": ranking or None,
        "country": job.country,
        "days": job.days,
        "unknown_consent": job.unknown_consent,
    }


# ---------------------------------------------------------------- files
def _write(found: Found, out: Path) -> Found:
    """Write the folder aside and put it in place at once; return what was written."""
    preferences, account = found.preferences, found.account
    with written_whole(out) as fresh:
        sample = _write_rows(preferences, fresh / FILES[0])
        if len(preferences) <= _CSV_ROWS:
            write_csv(fresh / "preferences.csv", pq.read_table(fresh / FILES[0]))
        else:
            account["missing"].append(f"preferences has {len(preferences):,} rows: as Parquet only.")
        write_csv(fresh / "contact_intervals.csv", interval_table(preferences.intervals))
        write_csv(fresh / "calendar.csv", calendar_table(found.occasions, as_of=preferences.base.as_of))
        text = json.dumps(account, indent=1, ensure_ascii=False, allow_nan=False)
        (fresh / "preferences.json").write_text(text + "\n", encoding="utf-8")
        files = tuple(name for name in FILES if (fresh / name).is_file())
    return replace(found, files=files, sample=sample)


def _write_rows(preferences: Preferences, path: Path) -> pa.Table:
    """Write the rows, some customers at a time; return the first ones."""
    parts = preference_parts(preferences)
    first = next(parts)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as file:
        file.write_table(first)
        for part in parts:
            file.write_table(part)
    return first.slice(0, 3)


def _is_ours(folder: Path) -> bool:
    return is_of_kind(folder, "preferences.json", KIND)
