"""What is not known of a base, in sentences, each with what it would add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.screening.reachability import has_values
from campaigns.screening.suspicious import Suspicion

_CONSENTS = {"consent_email": "e-mail", "consent_sms": "SMS", "consent_push": "app messages"}


def missing_of(base: Base, suspicion: Suspicion, skipped: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return what is missing and what it would add."""
    return (
        *_contact(base),
        *_events(base),
        *_attributes(base),
        *_checks(suspicion),
        *_screens(skipped),
        *_ids(base),
    )


def _contact(base: Base) -> Iterator[str]:
    known = {column: has_values(base.personal, column) for column in ("email", "phone")}
    if not any(known.values()):
        yield (
            "No e-mail addresses and telephone numbers (columns email, phone in --customers): whether customers can be "
            "reached is unknown, and accounts that share an address cannot be seen."
        )
        known = {}
    for column, channels in (("email", "e-mail"), ("phone", "telephone, SMS and messengers")):
        if not known.get(column, True):
            yield f"No {column} that can be read in --customers: whether {channels} would arrive is unknown."
    lacking = [words for column, words in _CONSENTS.items() if not has_values(base.customers, column)]
    if lacking:
        columns = ", ".join(column for column, words in _CONSENTS.items() if words in lacking)
        yield (
            f"No consent to {', '.join(lacking)} (columns {columns} in --customers): it is unknown, and does not count "
            "as given unless --unknown-consent allow."
        )
    yield (
        "No table holds consent to calls or messengers, or a postal address: telephone, messenger and post are never a "
        "known yes."
    )


def _events(base: Base) -> Iterator[str]:
    if base.events is None:
        yield (
            "No events (--events) and no contacts: activity goes by orders alone; unsubscriptions, complaints and "
            "bounces are not seen."
        )


def _attributes(base: Base) -> Iterator[str]:
    lacking = [
        name
        for name, columns in {
            "region": ("region",),
            "age": ("age", "birth_date"),
            "device": ("device",),
        }.items()
        if not any(has_values(base.customers, column) for column in columns)
    ]
    if "region" in lacking and "country" in base.sales.optional:
        lacking.remove("region")
    if lacking:
        yield f"Not known of any customer: {', '.join(lacking)} (columns of --customers). These labels are 'unknown'."
    if "category" not in base.sales.optional:
        yield "No categories (in the orders, or --products): no interests."


def _checks(suspicion: Suspicion) -> Iterator[str]:
    by_need: dict[str, list[str]] = {}
    for name, need in suspicion.missing.items():
        by_need.setdefault(need, []).append(name)
    for need, names in by_need.items():
        yield f"Not looked for: {', '.join(names)}. Needs {need}."


def _screens(skipped: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, columns in skipped.items():
        yield f"Screen {name} is left out: it asks for {', '.join(columns)}. Give a ranking (--ranking FOLDER)."


def _ids(base: Base) -> Iterator[str]:
    addresses = pc.sum(pc.match_substring(base.sales.ids.cast(pa.string()), "@")).as_py() or 0
    if addresses:
        yield (
            f"{addresses:,} customer ids hold an @, like e-mail addresses: ids are written as they are, so the files "
            "hold personal data. Use other ids."
        )
