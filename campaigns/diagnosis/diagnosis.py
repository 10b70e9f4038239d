"""The whole diagnosis: what kind of shop this is, as known at the end of a day."""

from __future__ import annotations

from campaigns.base import Base
from campaigns.diagnosis.advice import Texts, read_texts
from campaigns.diagnosis.findings import Diagnosis, Extent
from campaigns.diagnosis.first_orders import FirstOrders
from campaigns.diagnosis.gaps import gaps
from campaigns.diagnosis.mode import mode_of
from campaigns.diagnosis.repurchase_rate import rates, rates_by, trend
from campaigns.diagnosis.retention import (
    cohorts,
    returning,
    revenue_by_month,
)
from campaigns.diagnosis.revenue import concentration, point_of_retention, trees
from campaigns.diagnosis.second_order import second_orders
from campaigns.sales import Sales
from contracts.days import to_date
from contracts.errors import DataError, DeclarationError

PERIOD = 90


def diagnose(
    base: Base, *, period_days: int = PERIOD, texts: Texts | None = None, of_customers: int | None = None
) -> Diagnosis:
    """Diagnose a shop as known at the end of `base.as_of`.

    period_days: the length of the periods between which retention and the revenue tree are compared. of_customers:
    how many customers there are if the base is a sample. Raises DataError if nobody ordered.
    """
    if not 1 <= period_days <= 3650:
        raise DeclarationError(f"a period of {period_days} days was asked. Give 1 to 3650 days.")
    sales, texts = base.sales, texts or read_texts()
    if not len(sales):
        raise DataError(f"no customer has an order up to {to_date(base.as_of)}. Give a later --as-of.")
    firsts = FirstOrders.of(sales)
    back = returning(sales, length=period_days)
    found = rates(sales, firsts, back)
    return Diagnosis(
        as_of=base.as_of,
        currency=base.currency,
        period=period_days,
        extent=_extent(sales, of_customers),
        rates=found,
        mode=mode_of(found),
        trend=trend(firsts, within=found.new.within),
        groups=rates_by(sales, firsts, found.new),
        second=second_orders(firsts, found.new, texts.seasons),
        monthly=cohorts(sales, "month"),
        weekly=cohorts(sales, "week"),
        returning=back,
        months=revenue_by_month(sales),
        gaps=gaps(sales),
        trees=trees(sales, length=period_days),
        point=point_of_retention(back),
        concentration=concentration(sales),
        advice=texts.advice,
        absent=tuple(
            name for name in ("country", "channel", "category", "product_id") if name not in sales.optional
        ),
    )


def _extent(sales: Sales, of_customers: int | None) -> Extent:
    return Extent(
        first_day=int(sales.day.min()),
        last_day=int(sales.day.max()),
        customers=len(sales),
        orders=len(sales.orders.day),
        order_days=len(sales.days.day),
        revenue=float(sales.amount.sum()),
        returned=float(sales.returns.amount.sum()),
        of_customers=of_customers,
    )
