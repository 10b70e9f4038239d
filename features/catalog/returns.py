"""What came back, returned or cancelled, each at its own time."""

from __future__ import annotations

import sys

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats


@feature("Amount returned or cancelled over the amount ordered.", unit="ratio", family="returns")
def refund_share(past: Past) -> Floats:
    refunds = past.sum("refunds")
    return ratio(refunds, past.sum("sales") + refunds)


@feature("Returned lines over order lines.", unit="ratio", family="returns")
def return_rate(past: Past) -> Floats:
    return past.sum("returns") / past.sum("lines")


@feature("Lines returned or cancelled in the last 90 days.", unit="lines", family="returns")
def returns_90d(past: Past) -> Floats:
    return past.sum("returns", days=90)


@feature("Order lines cancelled as a whole.", unit="lines", family="returns")
def cancellations(past: Past) -> Floats:
    return past.sum("cancellations")


@feature("Days since something was last returned or cancelled.", unit="days", family="returns")
def days_since_return(past: Past) -> Floats:
    return past.day - past.last_day_of("returns")


@feature("Amount returned or cancelled in the last 365 days.", unit="currency", family="returns")
def refunds_365d(past: Past) -> Floats:
    return past.sum("refunds", days=365)


@feature(
    "Amount returned or cancelled over the amount ordered, last 365 days.", unit="ratio", family="returns"
)
def refund_share_365d(past: Past) -> Floats:
    refunds = past.sum("refunds", days=365)
    return ratio(refunds, past.sum("sales", days=365) + refunds)


@feature("Share of all lines ever ordered that were cancelled.", unit="ratio", family="returns")
def cancellation_rate(past: Past) -> Floats:
    cancelled = past.sum("cancellations")
    return cancelled / (past.sum("lines") + cancelled)


FEATURES = Catalog.of_module(sys.modules[__name__])
