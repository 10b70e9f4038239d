"""The features. One function is one feature; a family is one file.

btyd         the summary that BG/NBD works on
orders       how many, how large, in which windows
rhythm       gaps between order days, and whether the next order is overdue
money        amounts, spreads, trends, margin
products     what is bought: new, mixed, popular, due again
discounts    discounts and coupons
returns      what came back
engagement   e-mails, visits, carts, messages
channel      channels and countries
attributes   the first and the last basket; the person
calendar     days of the week, hours, months
season       the coming season one year before
references   numbers about the population that features read
document     writes docs/features.md

Counts, sums and gaps are over what was known at the cutoff; money is in the shop's currency. A value that is not
defined is NaN, never infinite.
"""

from __future__ import annotations

from features.catalog import (
    attributes,
    btyd,
    calendar,
    channel,
    discounts,
    engagement,
    money,
    orders,
    products,
    returns,
    rhythm,
    season,
)
from features.catalog.btyd import BTYD_SUMMARY
from features.catalog.orders import WINDOWS
from features.catalog.references import REFERENCES
from features.kernel.declaration import Catalog

__all__ = ["BTYD_SUMMARY", "CATALOG", "FAMILIES", "REFERENCES", "WINDOWS"]

FAMILIES: dict[str, Catalog] = {
    "btyd": btyd.FEATURES,
    "orders": orders.FEATURES,
    "rhythm": rhythm.FEATURES,
    "money": money.FEATURES,
    "products": products.FEATURES,
    "discounts": discounts.FEATURES,
    "returns": returns.FEATURES,
    "engagement": engagement.FEATURES,
    "channel": channel.FEATURES,
    "attributes": attributes.FEATURES,
    "calendar": calendar.FEATURES,
    "season": season.FEATURES,
}
CATALOG = Catalog(one for family in FAMILIES.values() for one in family)
