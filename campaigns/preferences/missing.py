"""What is not known of the customers' preferences, each with what would tell, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from campaigns.preferences.preferences import Preferences
from campaigns.screening.channels import APP, MESSENGER
from campaigns.screening.reachability import YES, has_values

_CONSENTS = {"consent_email": "e-mail", "consent_sms": "SMS", "consent_push": "the app"}
OWN = (APP, MESSENGER)  # of the shop's own channels, those that not every shop has
_SIGNS = {"opened": "opens", "clicked": "clicks", "unsubscribed": "unsubscriptions"}


def missing_of(found: Preferences, *, country: str | None) -> tuple[str, ...]:
    """Return the sentences; none is about what is known."""
    return (
        *_of_offers(found),
        *_of_channels(found),
        *_of_own_channels(found),
        *_of_messages(found),
        *_of_times(found),
        *_of_calendar(found, country),
    )


def _of_offers(found: Preferences) -> Iterator[str]:
    for note in found.sensitivity.notes:
        yield note[:1].upper() + note[1:]
    if "discount" not in found.base.sales.optional:
        yield "Orders without a column discount: deepest discount and price elasticity are unknown."
    elif not found.sensitivity.elasticity.evidence.any():
        yield "Nobody's own discounts vary enough over 4 orders: price elasticity is unknown."


def _of_channels(found: Preferences) -> Iterator[str]:
    base = found.base
    if base.customers is None:
        yield (
            "No customers (--customers): e-mail addresses, telephone numbers and consent would say who may be "
            "contacted by which channel; until then it is unknown, never yes."
        )
        return
    lacking = {column: words for column, words in _CONSENTS.items() if not has_values(base.customers, column)}
    if lacking:
        yield (
            f"Consent to {', '.join(lacking.values())} is not known (columns {', '.join(lacking)} of --customers); it "
            "does not count as given unless --unknown-consent allow."
        )
    for column, words in (("email", "e-mail"), ("phone", "SMS, telephone and messenger")):
        if not has_values(base.personal, column):
            yield f"No column {column} that can be read in --customers: whether {words} would arrive is unknown."


def _of_own_channels(found: Preferences) -> Iterator[str]:
    by = found.channels
    asked = [name for place, name in enumerate(by.names) if name in OWN and (by.ask == place).any()]
    unseen = [
        name
        for name in asked
        if not (by.state[name] == YES).any() and not by.scores.evidence[:, by.names.index(name)].any()
    ]
    if unseen:
        yield (
            f"Nothing shows that the shop uses {' and '.join(unseen)}. Where it does not, write "
            "`off = true` into --channels: active customers are then asked for another one."
        )


def _of_messages(found: Preferences) -> Iterator[str]:
    messages = found.messages
    if not len(messages):
        yield (
            "No sent messages are known (--contacts with sent_at, opened_at, clicked_at, converted_at and "
            "unsubscribed_at, or --events with email_sent, email_open, email_click and unsubscribe): they would tell "
            "the response per channel, how often is too often, and who had enough lately."
        )
        return
    silent = [words for name, words in _SIGNS.items() if not getattr(messages, name).any()]
    if silent:
        yield (
            f"Of {len(messages):,} messages no {', '.join(silent)} are recorded; they would tell how often is "
            "too often."
        )
    by = found.channels
    unknown = [name for place, name in enumerate(by.names) if np.isnan(by.scores.rate[:, place]).all()]
    if unknown:
        yield f"No answered messages are known by {', '.join(unknown)}: the response is unknown."


def _of_times(found: Preferences) -> Iterator[str]:
    if not found.ranked:
        yield (
            "No ranking (--ranking FOLDER, from `repurchase rank`): it would tell when the next order is likely and "
            "the best week to contact, and intervals by RFM group instead of by activity."
        )
    if found.times["best_hour"].null_count == len(found):
        yield "Neither orders nor events carry times of day: the best hour is unknown."
    if found.times["next_birthday"].null_count == len(found):
        yield "No birth dates (column birth_date of --customers): birthdays are unknown."


def _of_calendar(found: Preferences, country: str | None) -> Iterator[str]:
    if country is None:
        yield "No country (--country DE): it would add public holidays, and leave out events of other countries."
