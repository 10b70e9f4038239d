"""In which weeks of a campaign customers may be contacted: events, days without sending, and the policy of stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.calendar import Occasion, country_code, events_between, holidays_between
from campaigns.lifecycle import Stage
from campaigns.messages import Messages
from campaigns.plan.terms import Terms
from contracts.days import parse_day, to_date
from contracts.errors import DeclarationError
from features.kernel.running import Bools, Ints

PLATFORM = "platform"
LIMITED_DAYS = 30  # stages with contact = "limited" get one contact in so many days
# Why no week of the campaign is open to a customer; the first: one is.
WAITS = (
    "",
    "in a stage that is not contacted",
    "in a stage that is contacted on platform events only, and none falls into the campaign",
    f"in a stage that is contacted once in {LIMITED_DAYS} days, and they were",
)
_OPEN, _NEVER, _NO_EVENT, _RECENT = range(len(WAITS))


@dataclass(frozen=True)
class Days:
    """The days of a campaign. first: its first day; weeks: how many.

    closed: (c,) days on which nothing is sent. events: platform events and the like; holidays: public ones.
    notes: what is assumed of them, in words.
    """

    first: int
    weeks: int
    closed: Ints
    events: tuple[Occasion, ...]
    holidays: tuple[Occasion, ...]
    notes: tuple[str, ...]

    @property
    def festive(self) -> Bools:
        """Which weeks hold a day of a platform event; (weeks,)."""
        begins = self.first + 7 * np.arange(self.weeks)
        found = np.zeros(self.weeks, dtype=np.bool_)
        for one in self.events:
            if one.kind == PLATFORM:
                found |= (begins <= one.last) & (begins + 6 >= one.first)
        return found

    @property
    def sending(self) -> Bools:
        """Which weeks have a day on which is sent; (weeks,)."""
        days = self.first + np.arange(7 * self.weeks).reshape(self.weeks, 7)
        return np.asarray(~np.isin(days, self.closed).all(axis=1))


def days_of(terms: Terms, *, as_of: int, calendar: Path | None = None) -> Days:
    """Return the days of a campaign that is planned on a day. calendar: the shop's own events.

    Without a country only events that hold everywhere count, and no public holidays. Raises DeclarationError, also
    where no day is left; ArtifactError if public holidays are asked for and their package is not installed.
    """
    first = terms.first_day(as_of)
    last = first + 7 * terms.weeks - 1
    holidays: tuple[Occasion, ...] = ()
    country = None
    if terms.country is not None:
        holidays = holidays_between(first, last, country=terms.country)
        country = country_code(terms.country)
    events = events_between(first, last, country=country, path=calendar)
    if country is None:
        events = tuple(one for one in events if not one.regions)
    named = [day for text in terms.no_send if first <= (day := parse_day(text)) <= last]
    closed = np.unique(np.array([*named, *(one.first for one in holidays)], dtype=np.int64))
    found = Days(first, terms.weeks, closed, events, holidays, tuple(_notes(terms, first, last, events)))
    if not found.sending.any():
        raise DeclarationError(
            f"campaign {terms.name}: no_send and public holidays leave no day from {to_date(first)} to "
            f"{to_date(last)}. Take days out of no_send, or plan more weeks."
        )
    return found


def _notes(terms: Terms, first: int, last: int, events: tuple[Occasion, ...]) -> list[str]:
    if terms.country is not None:
        return []
    away = [one for one in events_between(first, last) if one.regions and one not in events]
    names = ", ".join(dict.fromkeys(one.label for one in away if one.kind == PLATFORM))
    also = f" (left out: {names})" if names else ""
    return [
        f"No country is given: no public holidays are kept free, and only events that hold everywhere count{also}. "
        "Write `country` into the campaign's file."
    ]


@dataclass(frozen=True)
class Weeks:
    """open: (n, weeks) when each customer may be contacted; why: (n,) places in WAITS, 0 where some week is open."""

    open: Bools
    why: NDArray[np.int8]


def weeks_of(
    days: Days, lifecycle: NDArray[Any], *, stages: Mapping[str, Stage], last_contact: NDArray[np.float64]
) -> Weeks:
    """Return when customers may be contacted. lifecycle: (n,); last_contact: (n,) day of the last one, NaN for none.

    A stage with contact `events` only in weeks that hold a platform event, `limited` only 30 days after the last
    contact, `none` never; customers without a stage as regular ones.
    """
    found = np.repeat(days.sending[None, :], len(lifecycle), axis=0)
    why = np.zeros(len(lifecycle), dtype=np.int8)
    begins = days.first + 7 * np.arange(days.weeks)
    for name, stage in stages.items():
        here = np.flatnonzero(lifecycle == name)
        if stage.contact == "none":
            found[here] = False
            why[here] = _NEVER
        elif stage.contact == "events":
            found[here] &= days.festive
            why[here] = _NO_EVENT
        elif stage.contact == "limited":
            since = begins - last_contact[here][:, None]
            found[here] &= ~(since < LIMITED_DAYS)
            why[here] = _RECENT
    why[found.any(axis=1)] = _OPEN
    return Weeks(found, why)


def last_contacts(messages: Messages, customers: int) -> NDArray[np.float64]:
    """Return the day of each customer's last message, NaN for none; (n,)."""
    found = np.full(customers, np.nan)
    found[messages.customer] = messages.day  # by customer and time: the last one stays
    return found
