"""Who is due what on the night of a day: all tables opened, the list made and written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from campaigns.base import Base
from campaigns.declarations import require_sections
from campaigns.screening.reachability import reach_of
from campaigns.sheets import write_csv
from campaigns.triggers import loyalty, sending, trigger
from campaigns.triggers.columns import COLUMNS, OF_START, known_columns
from campaigns.triggers.due import Found, Night, due_on
from campaigns.triggers.listing import counts, due_table, held_table
from campaigns.triggers.loyalty import LoyaltyTier, read_tiers
from campaigns.triggers.sending import SendRules, closed_days, read_send_rules
from campaigns.triggers.starts import STARTS
from campaigns.triggers.trigger import Trigger, read_triggers
from contracts.days import parse_day, to_date
from contracts.errors import DeclarationError
from contracts.tables import DEFAULT_HORIZONS, scores_schema
from repurchase.base_job import base_of, consent_of
from repurchase.orders_job import OrdersJob, require_file_target
from repurchase.rankings import read_ranking, require_currency, require_not_later

SECTIONS = (trigger.SECTION, loyalty.SECTION, sending.SECTION)
# The longest time that nobody ran the list: beyond it, what was due is too old for every trigger of ours.
MOST_NIGHTS = 60
OLD_RANKING = 7  # days after which one is told


@dataclass(frozen=True)
class TriggersJob:
    """last_run: the day of the last list (None: the day before as_of). ranking: a published ranking; declared: the
    shop's own triggers, tiers and sending rules; country: whose public holidays count; out: the CSV file."""

    orders: OrdersJob
    last_run: int | None = None
    ranking: Path | None = None
    declared: Path | None = None
    country: str | None = None
    unknown_consent: str = "ask"
    out: Path | None = None

    @property
    def held_out(self) -> Path | None:
        """The file beside `out` for what was due and is not sent."""
        return None if self.out is None else self.out.with_name(f"{self.out.stem}-held{self.out.suffix}")


@dataclass(frozen=True)
class Listed:
    """The night's list. due, held, counts: campaigns.triggers.listing; told: sentences about what is missing."""

    due: pa.Table
    held: pa.Table
    counts: pa.Table
    triggers: tuple[Trigger, ...]
    as_of: int
    last_run: int
    customers: int
    told: tuple[str, ...]


@dataclass(frozen=True)
class _Declared:
    triggers: tuple[Trigger, ...]
    tiers: tuple[LoyaltyTier, ...]
    rules: SendRules


def triggers(job: TriggersJob) -> Listed:
    """Return and write who is due what; DataError, DeclarationError or ArtifactError before anything is written."""
    if job.out is not None:
        require_file_target(job.out)
    consent_of(job.unknown_consent)
    scores, manifest = (None, {}) if job.ranking is None else read_ranking(job.ranking)
    declared = _declared(job.declared, scores)
    if job.orders.as_of is not None:
        _last_run(job, job.orders.as_of)
        closed_days(declared.rules, job.orders.as_of, job.orders.as_of, country=job.country)
    base = base_of(job.orders)
    last_run = _last_run(job, base.as_of)
    if scores is not None:
        require_fitting(base, manifest)
    nights = closed_days(declared.rules, last_run - MOST_NIGHTS, base.as_of + 1, country=job.country)
    reach = reach_of(base, unknown_consent=job.unknown_consent).state
    night = Night(last_run, declared.rules, declared.tiers, nights, reach, scores)
    found = due_on(base, declared.triggers, night)
    listed = Listed(
        due_table(found),
        held_table(found),
        counts(found, declared.triggers),
        declared.triggers,
        base.as_of,
        last_run,
        len(base.sales),
        _told(found, base, manifest),
    )
    _write(job, listed)
    return listed


def columns_table() -> pa.Table:
    """Return what rules may ask for: name, meaning, what it needs."""
    rows = [(name, one.says, ", ".join(one.needs)) for name, one in COLUMNS.items()]
    rows += [(name, says, "") for name, says in OF_START.items()]
    scores = known_columns() & set(scores_schema(DEFAULT_HORIZONS).names)
    rows += [(name, "as in the scores", "a ranking") for name in sorted(scores)]
    names, says, needs = zip(*rows, strict=True)
    return pa.table({"column": list(names), "says": list(says), "needs": list(needs)})


def _declared(path: Path | None, scores: pa.Table | None) -> _Declared:
    if path is not None:
        require_sections(path, SECTIONS)
    found = read_triggers(path, starts=STARTS, columns=known_columns(scores))
    return _Declared(found, read_tiers(path), read_send_rules(path))


def _last_run(job: TriggersJob, as_of: int) -> int:
    """Return the day of the last list; DeclarationError where it cannot be."""
    if job.last_run is None:
        return as_of - 1
    if job.last_run >= as_of:
        raise DeclarationError(
            f"--last-run {to_date(job.last_run)} is not before {to_date(as_of)}. Give the --as-of of the last list."
        )
    if as_of - job.last_run > MOST_NIGHTS:
        raise DeclarationError(
            f"--last-run {to_date(job.last_run)} is {as_of - job.last_run} days before {to_date(as_of)}; what was due "
            f"that long ago is not sent any more. Leave it out to begin anew, or give a day within {MOST_NIGHTS} days."
        )
    return job.last_run


def require_fitting(base: Base, manifest: dict[str, Any]) -> None:
    """Raise DataError for a ranking of a later day or another currency."""
    require_not_later(parse_day(manifest["as_of"]), base, what="this list")
    require_currency(manifest, base)


def _told(found: Found, base: Base, manifest: dict[str, Any]) -> tuple[str, ...]:
    told = []
    if not found.caps:
        told.append(
            "Nothing is known of messages that were sent (--contacts, or sent messages in --events): nobody is held "
            "back for having had enough of them."
        )
    if base.customers is None:
        told.append(
            "Nobody's consent is known (--customers): check it before you send; 'reachable' says unknown."
        )
    old = base.as_of - parse_day(manifest["as_of"]) if manifest else 0
    if old > OLD_RANKING:
        told.append(f"The ranking is of {manifest['as_of']}, {old} days old.")
    return tuple(told)


def _write(job: TriggersJob, listed: Listed) -> None:
    if job.out is None or job.held_out is None:
        return
    write_csv(job.held_out, listed.held)
    write_csv(job.out, listed.due)
