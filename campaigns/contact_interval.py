"""How many days to leave between two messages: what was sent, and how responses change with the days since the last.

Those who are written to often may be the keener ones. So each customer's messages after a short gap are compared with
the same customer's messages after longer gaps: the ratio of Mantel and Haenszel over customers, with the variance of
Greenland and Robins (1985, Biometrics 41, 55-68). Intervals of unsubscribed shares are Wilson's (1927).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from campaigns.messages import Messages
from contracts.intervals import wilson
from features.kernel.running import Bools, Ints

# The first day of each class of gaps.
GAP_DAYS = (0, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90)
RESPONSE_DAYS = 7  # a message that is younger than this has not had its time yet
LEAST_MESSAGES = 200  # classes with fewer are joined with the next shorter one
LEAST_RESPONSES = 100  # of a segment, to be judged at all
TOLERANCE = 0.2  # a response that is shown to fall by less than this share does not fall
UNSUBSCRIBE_LIMIT = 0.005  # share of messages
Z = 1.2816  # one-sided 90 %


@dataclass(frozen=True)
class GapClass:
    """Messages that came `first` to `last` days (None: or more) after the customer's message before.

    ratio, lower, upper: response over that of the same customers after longer gaps, with its 80 % interval; NaN for
    the longest class. verdict: 'longest', 'holds' (no fall above the tolerance), 'falls' or 'unclear'.
    """

    first: int
    last: int | None
    messages: int
    opens: int
    clicks: int
    unsubscribes: int
    ratio: float
    lower: float
    upper: float
    verdict: str


@dataclass(frozen=True)
class ContactInterval:
    """The recommended days between messages to a segment; None is unknown. measure: 'clicks', 'opens' or ''."""

    segment: str
    days: int | None
    measure: str
    messages: int
    classes: tuple[GapClass, ...]
    reason: str


def contact_intervals(
    messages: Messages,
    segment: NDArray[np.str_] | NDArray[np.object_],
    *,
    as_of: int,
    limit: float = UNSUBSCRIBE_LIMIT,
    tolerance: float = TOLERANCE,
) -> tuple[ContactInterval, ...]:
    """Return the contact interval of each segment, by name, with its evidence.

    segment: (n,) one name per customer. The interval is the first day of the shortest class whose response does not
    fall and whose unsubscribed share is at most `limit`, both shown with 90 %, with no class in between that falls.
    """
    names, of_customer = np.unique(segment.astype(np.str_), return_inverse=True)
    same = np.diff(messages.customer) == 0
    gap = np.diff(messages.day)
    done = messages.day[1:] <= as_of - RESPONSE_DAYS
    at = np.flatnonzero(same & done) + 1
    of_message = of_customer[messages.customer[at]]
    gaps = np.searchsorted(GAP_DAYS, gap[at - 1], side="right") - 1
    found = []
    for number, name in enumerate(names.tolist()):
        rows = of_message == number
        seen = _Seen.of(messages, at[rows], gaps[rows])
        found.append(_interval(name, seen, limit=limit, tolerance=tolerance))
    return tuple(found)


@dataclass(frozen=True)
class _Seen:
    """The judged messages of a segment. stratum: (m,) 0, 1, 2 … by customer; gaps: (m,) places in GAP_DAYS."""

    stratum: Ints
    gaps: Ints
    opened: Bools
    clicked: Bools
    unsubscribed: Bools
    unsubscribes_are_recorded: bool

    @staticmethod
    def of(messages: Messages, at: Ints, gaps: Ints) -> _Seen:
        customer = messages.customer[at]
        stratum = np.cumsum(np.append(False, np.diff(customer) != 0)[: len(at)])
        answers = (messages.opened[at], messages.clicked[at], messages.unsubscribed[at])
        return _Seen(stratum, gaps, *answers, bool(messages.unsubscribed.any()))

    @property
    def measure(self) -> str:
        """Clicks if there are enough of them, else opens, else nothing."""
        if self.clicked.sum() >= LEAST_RESPONSES:
            return "clicks"
        return "opens" if self.opened.sum() >= LEAST_RESPONSES else ""

    def classes(self) -> list[tuple[int, int]]:
        """Return the classes with messages enough, longest first, as first and last places in GAP_DAYS."""
        counts = np.bincount(self.gaps, minlength=len(GAP_DAYS))
        found, last, total = [], len(GAP_DAYS) - 1, 0
        for place in range(len(GAP_DAYS) - 1, -1, -1):
            total += int(counts[place])
            if total >= LEAST_MESSAGES:
                found.append((place, last))
                last, total = place - 1, 0
        return found


def _interval(name: str, seen: _Seen, *, limit: float, tolerance: float) -> ContactInterval:
    """Judge a segment's classes from the longest gap to the shortest."""
    count, measure = len(seen.gaps), seen.measure
    places = seen.classes()
    if not measure:
        most = max(int(seen.clicked.sum()), int(seen.opened.sum()))
        reason = f"unknown: {most} responses to {count:,} repeated messages; {LEAST_RESPONSES} are needed"
        return ContactInterval(name, None, "", count, (), reason)
    if len(places) < 2:
        reason = (
            f"unknown: nearly all of {count:,} repeated messages came after alike gaps, so nothing can be compared; "
            "let the gap differ at random for some customers"
        )
        return ContactInterval(name, None, measure, count, (), reason)
    answered = seen.clicked if measure == "clicks" else seen.opened
    classes = tuple(
        _class(seen, answered, place, longest=place == places[0], limit=limit, tolerance=tolerance)
        for place in places
    )
    days, reason = _choice(classes, measure, limit=limit, tolerance=tolerance)
    if not seen.unsubscribes_are_recorded:
        reason += "; unsubscriptions are not recorded and were not looked at"
    return ContactInterval(name, days, measure, count, classes, reason)


def _class(
    seen: _Seen, answered: Bools, place: tuple[int, int], *, longest: bool, limit: float, tolerance: float
) -> GapClass:
    """Judge one class against all longer ones."""
    first, last = place
    short = (seen.gaps >= first) & (seen.gaps <= last)
    ratio, lower, upper = (
        (np.nan,) * 3 if longest else _ratio(seen.stratum, short, seen.gaps > last, answered)
    )
    messages, gone = int(short.sum()), int(seen.unsubscribed[short].sum())
    gone_lower, gone_upper = (
        float(end) for end in wilson(np.array(gone / messages), np.array(messages), z=Z)
    )
    few_leave = gone_upper <= limit or not seen.unsubscribes_are_recorded
    alike = longest or lower >= 1.0 - tolerance
    if gone_lower > limit or (upper < 1.0 and not alike):
        verdict = "falls"
    elif alike and few_leave:
        verdict = "longest" if longest else "holds"
    else:
        verdict = "unclear"
    end = None if last == len(GAP_DAYS) - 1 else GAP_DAYS[last + 1] - 1
    counts = (messages, int(seen.opened[short].sum()), int(seen.clicked[short].sum()), gone)
    return GapClass(GAP_DAYS[first], end, *counts, ratio, lower, upper, verdict)


def _choice(
    classes: Sequence[GapClass], measure: str, *, limit: float, tolerance: float
) -> tuple[int | None, str]:
    """Return the days and the reason; the classes go from long to short."""
    falling = next((k for k, one in enumerate(classes) if one.verdict == "falls"), None)
    holding = [one for one in classes[:falling] if one.verdict == "holds"]
    if falling == 0:
        return (
            None,
            f"unknown: more than {limit:.1%} unsubscribe even {classes[0].first} days or more after a message",
        )
    if holding:
        days = holding[-1].first
        rest = (
            "" if falling is None else f"; after {_gap_words(classes[falling])} they do, or more unsubscribe"
        )
        when = f"after {days} days or more" if days else "even twice on one day"
        return days, (
            f"{when}, {measure} do not fall by more than {tolerance:.0%} and at most {limit:.1%} "
            f"unsubscribe ({sum(one.messages for one in classes):,} messages){rest}"
        )
    if falling is None:
        return None, f"unknown: the {measure} are too few to tell one gap from another"
    worse = f"after {_gap_words(classes[falling])} {measure} fall, or more than {limit:.1%} unsubscribe"
    if falling == 1 and classes[0].verdict == "longest":
        return classes[0].first, worse
    return None, f"unknown: {worse}; the {measure} after longer gaps are too few to tell them apart"


def _gap_words(one: GapClass) -> str:
    return f"{one.first} days" if one.last in (one.first, None) else f"{one.first} to {one.last} days"


def _ratio(stratum: Ints, short: Bools, long: Bools, answered: Bools) -> tuple[float, float, float]:
    """Return the Mantel-Haenszel ratio of responses, short over long, within strata, with its 80 % interval.

    Greenland and Robins (1985), equations 4 and 13. NaN where a side has no response.
    """
    size = int(stratum.max(initial=-1)) + 1
    n1, n0 = np.bincount(stratum, short, size), np.bincount(stratum, long, size)
    a, c = np.bincount(stratum, short & answered, size), np.bincount(stratum, long & answered, size)
    both = (n1 > 0) & (n0 > 0)
    n1, n0, a, c = n1[both], n0[both], a[both], c[both]
    total = n1 + n0
    of_short, of_long = float(np.sum(a * n0 / total)), float(np.sum(c * n1 / total))
    if not of_short or not of_long:
        return np.nan, np.nan, np.nan
    spread = float(np.sum((n1 * n0 * (a + c) - a * c * total) / total**2))
    half = Z * np.sqrt(max(spread, 0.0) / (of_short * of_long))
    ratio = of_short / of_long
    return ratio, float(ratio * np.exp(-half)), float(ratio * np.exp(half))
