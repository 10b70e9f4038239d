"""What a diagnosis cannot say, or only with care, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.shares import LEAST
from campaigns.diagnosis.words import day, money, percent, plural

_YOUNG = 180  # days of orders below which a year's figures are no year's
_ADDS = {
    "country": "the rate by country",
    "channel": "the rate by channel",
    "category": "the rate by category (also from a products table: --products)",
    "product_id": "the rate by first product",
}


def notes_of(found: Diagnosis) -> tuple[str, ...]:
    """Return the sentences; none is about what is simply so."""
    return (*_of_extent(found), *_of_rate(found), *_of_returns(found), *_of_absent(found))


def _of_extent(found: Diagnosis) -> Iterator[str]:
    extent = found.extent
    if extent.of_customers is not None:
        yield (
            f"These are {extent.customers:,} of {extent.of_customers:,} customers, drawn by hashed id. Shares hold for "
            "all; counts and amounts are those of the sample."
        )
    if extent.customers < LEAST:
        yield f"There are only {plural(extent.customers, 'customer')}; no share of so few is more than an anecdote."
    length = found.as_of - extent.first_day + 1
    if length < _YOUNG:
        yield (
            f"The orders span {plural(length, 'day')}. Retention over longer times, seasons and a comparison with the "
            "year before cannot be told yet."
        )
    else:
        yield (
            f"The orders begin on {day(extent.first_day)}. Whoever was a customer before that looks new in the first "
            "months, so the first cohorts come back more often than truly new customers would."
        )
    silent = found.as_of - extent.last_day
    if silent > 7:
        yield (
            f"The last order is {silent:,} days older than {day(found.as_of)}; the days without orders count as days "
            "in which nobody ordered."
        )


def _of_rate(found: Diagnosis) -> Iterator[str]:
    new = found.rates.new
    if new.moved:
        yield (
            f"Fewer than {LEAST} customers were new in the last 12 months that are watched for {new.within} days. The "
            f"90-day repurchase rate is that of the first orders from {day(new.begin)} to {day(new.end)}."
        )
    if not found.returning:
        yield (
            f"Retention from one period of {found.period} days to the next needs {2 * found.period} days of orders; "
            f"there are {found.as_of - found.extent.first_day + 1:,}. A shorter --period-days needs fewer."
        )


def _of_returns(found: Diagnosis) -> Iterator[str]:
    extent = found.extent
    if extent.returned < 0 < extent.revenue:
        returns = money(-extent.returned, found.currency)
        yield (
            f"Sales that were cancelled as a whole do not count anywhere. Other returns ({returns}, "
            f"{percent(-extent.returned / extent.revenue)} of all sales) are not taken off the amounts."
        )


def _of_absent(found: Diagnosis) -> Iterator[str]:
    if found.absent:
        adds = "; ".join(f"{name}: {_ADDS[name]}" for name in found.absent)
        yield f"The orders do not say {', '.join(found.absent)}. This would add {adds}."
