"""A customer's value of a feature as words: "ordered 3 times in the last 90 days", "last order 12 days ago".

Made of the feature's description, unit and value, so that a data scientist's own features are worded as well; a few
features have words of their own, where the description is a formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from features.kernel.declaration import Feature
from features.reading.presets import NO_CURRENCY

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Words in descriptions that count something, with their singular.
_SINGULAR = {"categories": "category", "days": "day", "pairs": "pair"}
_NO_RHYTHM = "too few orders to know the time between them"
_KEPT_CAPITALS = ("E-mail", "Monday", "BTYD")


def sentence(one: Feature, value: float, *, currency: str = NO_CURRENCY) -> str:
    """Return a customer's value of a feature in words, without a full stop. NaN: nothing is known."""
    text = _plain(one.description)
    if math.isnan(value):
        earlier = re.match(r"Days from the (.+) day to the cutoff$", text)
        if earlier:
            return f"no {earlier[1]}"
        return _NO_RHYTHM if one.family == "rhythm" else f"nothing known of {_lower(text)}"
    if one.name in _OWN_WORDS:
        return _OWN_WORDS[one.name](value, currency)
    for pattern, words in _PATTERNS:
        found = pattern.match(text)
        if found:
            told = words(found, one.unit, value, currency)
            if told is not None:
                return told
    return f"{_lower(text)}: {amount_of(value, one.unit, currency)}"


def is_plain(one: Feature) -> bool:
    """Return whether a marketer can read the feature's value: no logarithms, entropies or deviations from a fit."""
    return not one.unit.startswith("log") and one.unit != "nats" and one.name not in _NOT_PLAIN


def amount_of(value: float, unit: str, currency: str = NO_CURRENCY) -> str:
    """Return a value with its unit."""
    if unit == "currency":
        return money(value, currency)
    if unit == "ratio":
        return percent(value)
    if unit == "0 or 1":
        return "yes" if value else "no"
    if unit == "hour":
        return f"{int(value):02d}:{round(value % 1 * 60) % 60:02d}"
    if unit == "rank":
        return _ordinal(round(value))
    return number(value) if unit == "day" or unit.startswith("log") else counted(value, unit)


def money(value: float, currency: str) -> str:
    """Return an amount: 53.20 GBP, 1,234 SEK; as a bare number where the currency is not known."""
    size = f"{abs(value):,.2f}" if abs(value) < 1000 else f"{abs(value):,.0f}"
    sign = "−" if value < 0 and size.strip("0.,") else ""
    return f"{sign}{size}" if currency == NO_CURRENCY else f"{sign}{size} {currency}"


def percent(value: float) -> str:
    """Return a share as per cent; from 2 on as so many times."""
    if value >= 2:
        return f"{number(value)} times"
    size = abs(100.0 * value)
    shown = f"{size:.0f}" if size >= 9.95 or size == 0 else f"{size:.1f}"
    return f"{'−' if value < 0 and float(shown) else ''}{shown} %"


def number(value: float) -> str:
    """Return a number without needless digits: 3, 2.4, 0.35, 1,200."""
    size = abs(value)
    digits = 0 if size >= 100 or size == round(size) else 1 if size >= 1 else 2
    shown = f"{size:,.{digits}f}"
    return f"{'−' if value < 0 and shown.strip('0.,') else ''}{shown}"


def counted(value: float, noun: str) -> str:
    """Return a number with its noun, in the singular for one: 1 day, 3 days."""
    shown = number(value)
    return f"{shown} {_one_of(noun) if shown == '1' else noun}"


# ---------------------------------------------------------------- patterns over descriptions, the first that fits
Words = Callable[[re.Match[str], str, float, str], str | None]


def _times(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    when = _when(found["when"])
    if unit != "orders":
        return None
    if value != round(value):
        return f"{number(value)} orders {when}"
    times = {0: "no order", 1: "ordered once", 2: "ordered twice"}.get(
        round(value), f"ordered {number(value)} times"
    )
    return f"{times} {when}"


def _ago(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    what = re.sub(r" day$", "", found["what"])
    if value == 0:
        return f"{what} today"
    return f"{what} {counted(value, 'days')} ago"


def _since(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    return f"{counted(value, 'days')} since {found['what']}" if unit == "days" else None


def _mean(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    what = found["what"]
    if what.startswith("of "):
        return None
    if unit == "days" and what.startswith("days "):
        return f"{counted(value, 'days')} {what.removeprefix('days ')} on average"
    if unit == "currency" and what.startswith("amount "):
        return f"average of {money(value, currency)} {what.removeprefix('amount ')}"
    return f"{what}: {amount_of(value, unit, currency)} on average"


def _share(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    what = re.sub(r" that (was|were|fell|is) ", r" \1 ", found["what"], count=1)
    return f"{percent(value)} of {what}"


def _over(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    if unit != "ratio":
        return None
    return f"{_lower(found['what'])}: {_part_of(value)} {found['base']}"


def _spent(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    when = _when(found["when"]).replace("of tenure", "as a customer")
    if value < 0:
        return f"returns exceed orders by {money(-value, currency)} {when}"
    return f"spent {money(value, currency)} {when}"


def _per(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    base = found["base"].replace("of tenure", "as a customer")
    if unit == "currency":
        return f"{money(value, currency)} per {base}" if found["what"] == "Amount" else None
    return f"{counted(value, _lower(found['what']))} per {base}"


def _against(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    if unit == "ratio":
        return None
    what, now, then = _lower(found["what"]), found["now"], found["then"]
    if unit == "currency":
        what = what.replace("amount", "spend")
        if value == 0:
            return f"as much {what} {now} as {then}"
        return f"{money(abs(value), currency)} {'more' if value > 0 else 'less'} {what} {now} than {then}"
    if value == 0:
        return f"as many {what} {now} as {then}"
    size = number(abs(value))
    noun = _one_of(what) if size == "1" else what
    return f"{size} {'more' if value > 0 else 'fewer'} {noun} {now} than {then}"


def _of_the_last(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    return f"{number(value)} of {found['what']}"


def _place(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    place = round(value)
    most = "the commonest" if place == 1 else f"the {_ordinal(place)} commonest"
    return f"{_lower(found['what'])}: {most} of the shop"


def _weekday(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    return f"{found['what']} on a {_WEEKDAYS[round(value) % 7]}"


def _yes_or_no(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    return f"{_lower(found['what'])}: {'yes' if value else 'no'}" if unit == "0 or 1" else None


def _count(found: re.Match[str], unit: str, value: float, currency: str) -> str | None:
    """A description that begins with what is counted: 3 items on the first order day."""
    if unit in _NOT_COUNTED or unit.startswith("log"):
        return None
    head, _, rest = _lower(found["what"]).partition(" ")
    if head in ("distinct", "order"):
        noun, _, rest = rest.partition(" ")
        head = f"{head} {noun}"
    if not head.rstrip(",").endswith("s"):
        return None
    noun = head.rstrip(",")
    end = "," if head.endswith(",") else ""
    return f"{counted(value, noun) if value else f'no {noun}'}{end} {rest}".strip()


_NOT_COUNTED = ("currency", "ratio", "0 or 1", "rank", "hour", "day", "nats", "years")
_PATTERNS: tuple[tuple[re.Pattern[str], Words], ...] = (
    (re.compile(r"(?P<what>.+), as its place by number of customers$"), _place),
    (re.compile(r"Day of the week of the (?P<what>.+)$"), _weekday),
    (re.compile(r"(?P<what>.+)$"), _yes_or_no),
    (re.compile(r"(?P<what>\w+) (?P<now>in .+) less (?:\w+) (?P<then>in .+)$"), _against),
    (re.compile(r"Orders(?P<when>(?:,| in| of| before| on| within| since| \d+ to) .+)$"), _times),
    (re.compile(r"Days from the (?P<what>.+) to the cutoff$"), _ago),
    (re.compile(r"Days since (?P<what>(?:(?! over ).)+)$"), _since),
    (re.compile(r"How many of (?P<what>.+)$"), _of_the_last),
    (re.compile(r"Share of (?P<what>.+)$"), _share),
    (re.compile(r"(?P<what>(?:(?! over | less ).)+?) over (?P<base>.+)$"), _over),
    (re.compile(r"Mean (?P<what>.+)$"), _mean),
    (re.compile(r"Amount less returns(?P<when>.+)$"), _spent),
    (re.compile(r"(?P<what>Amount|Orders|Order lines|Items|Visits) per (?P<base>.+)$"), _per),
    (re.compile(r"(?P<what>.+)$"), _count),
)  # fmt: skip


def _plain(description: str) -> str:
    """Return a description without full stop, brackets and explanations behind a colon; weeks as days ago."""
    text = re.sub(
        r" in week \d+ before the cutoff: (\d+) to (\d+) days earlier", r" \1 to \2 days ago", description
    )
    text = re.sub(r" \([^)]*\)", "", text.strip().rstrip("."))
    text = re.sub(r"^(?:Replenishment clock|Age band|Regularity|Active subscriber): ", "", text)
    return re.sub(r"[:;] .*$", "", text)


def _part_of(value: float) -> str:
    return f"{number(value)} times" if value > 1 else f"{percent(value)} of"


def _when(rest: str) -> str:
    when = rest.removeprefix(",").strip()
    return "in all" if when == "all time" else when


def _lower(text: str) -> str:
    return text if text.startswith(_KEPT_CAPITALS[1:]) else text[:1].lower() + text[1:]


def _one_of(noun: str) -> str:
    words = noun.split(" ")
    last = words[-1]
    words[-1] = _SINGULAR.get(last, last.removesuffix("s"))
    return " ".join(words)


def _ordinal(place: int) -> str:
    ending = "th" if 10 <= place % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


# ---------------------------------------------------------------- where the description is a formula
_OWN_WORDS: dict[str, Callable[[float, str], str]] = {
    "frequency": lambda v, _: f"ordered on {counted(v + 1, 'days')} in all",
    "recency": lambda v, _: f"{counted(v, 'days')} from the first to the last order",
    "orders_share_90d": lambda v, _: f"{percent(v)} of all orders fell in the last 90 days",
    "recency_share": lambda v, _: f"silent for the last {percent(v)} of the time as a customer",
    "overdue_ratio": lambda v, _: f"silent for {_part_of(v)} the usual time between orders",
    "overdue_longest": lambda v, _: f"silent for {_part_of(v)} the longest time between orders",
    "gap_recent_trend": lambda v, _: f"the last times between orders: {_part_of(v)} the usual one",
    "gap_trend": lambda v, _: f"the last time between two orders: {_part_of(v)} the usual one",
    "gap_deviation": lambda v, _: f"time between orders varies by {counted(v, 'days')}",
    "amount_deviation": lambda v, c: f"amount of an order day varies by {money(v, c)}",
    "signup_to_order_days": lambda v, _: (
        f"first order {counted(abs(v), 'days')} {'before' if v < 0 else 'after'} the sign-up"
    ),
    "refund_share": lambda v, _: f"returned {percent(v)} of spend",
    "refund_share_365d": lambda v, _: f"returned {percent(v)} of spend in the last 365 days",
    "category_clock_days": lambda v, _: (
        f"customers usually order the commonest category again after {counted(v, 'days')}"
    ),
    "age": lambda v, _: f"{number(v)} years old",
    "unsubscribed": lambda v, _: "unsubscribed from e-mails" if v else "never unsubscribed from e-mails",
}
# Features whose value says nothing by itself.
_NOT_PLAIN = ("overdue_deviations", "clumpiness", "recency", "age_band", "amount_variation", "gap_variation")
