"""What is redeemed, and what an order of a customer is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from campaigns.offers import Offer
from experiments.known_campaigns.law import OFFERS
from experiments.known_campaigns.organic import Floats, Ints
from experiments.known_campaigns.sending import Sending
from experiments.worlds_customers import CATEGORIES, Customers, Orders
from experiments.worlds_lines import COUPONS, PRODUCTS_EACH, Goods, Lines

CLUB, CLUB_SHARE = "CLUB5", 0.05  # a coupon that is always around
CODES = (*COUPONS, CLUB, *(name.upper() for name in OFFERS))
PRICE_KINDS = ("discount", "special_price", "coupon", "value_pack")  # those that lower what is paid
_CLUB_USE, _MOST_CLUB_USE = 0.08, 0.6  # of the orders of a customer of mean 1; of any customer
_LIKED = 0.6  # share of lines from the customer's own category


def first_in_window(sending: Sending, orders: Orders) -> Ints:
    """Return each of the m customers' first order in the response days, -1 where there is none; (m,)."""
    inside = np.flatnonzero((orders.at >= sending.at) & (orders.at < sending.end))[::-1]
    found = np.full(int(max(sending.customer.max(initial=0), orders.customer.max(initial=0))) + 1, -1)
    found[orders.customer[inside]] = inside
    return found[sending.customer]


def redeemed(
    orders: Orders,
    sent: Sequence[Sending],
    deals: Floats,
    offers: Mapping[str, Offer],
    chance: np.random.Generator,
) -> tuple[Floats, Ints]:
    """Return what share of each order is given away beyond the shop's usual discounts, and the coupon; (orders,) each.

    Everyone who orders in the response days redeems, with the first order. deals: (n,) see Natures. Coupons are places
    in CODES, -1 for none.
    """
    uses = np.minimum(_CLUB_USE * deals[orders.customer], _MOST_CLUB_USE)
    club = chance.random(len(orders.at)) < uses
    share = np.where(club, CLUB_SHARE, 0.0)
    coupon = np.where(club, CODES.index(CLUB), -1)
    for sending in sent:
        first = first_in_window(sending, orders)
        bought = (first >= 0) & (sending.offer >= 0)
        for place in np.unique(sending.offer[bought]):
            offer = offers[OFFERS[place]]
            mine = first[bought & (sending.offer == place)]
            if offer.kind in PRICE_KINDS:
                share[mine] = offer.share
                coupon[mine] = CODES.index(OFFERS[place].upper()) if offer.kind == "coupon" else -1
    return share, coupon


def with_redemptions(lines: Lines, share: Floats, coupon: Ints) -> Lines:
    """Return sale lines with shares of the orders given away; what is paid stays at least 0."""
    amount = np.round(lines.amount * (1.0 - share[lines.order]), 2)
    code = coupon[lines.order]
    return replace(
        lines,
        amount=amount,
        discount=np.round(lines.discount + lines.amount - amount, 2),
        coupon=np.where(code >= 0, code, lines.coupon).astype(np.int8),
    )


def baskets(customers: Customers, goods: Goods, lines: Lines) -> Floats:
    """Return what an order of each customer is worth on average before redemptions, currency; (n,).

    By the customer's number of lines and category, at the prices and quantities that are drawn from; the level is that
    of the orders before redemptions.
    """
    ranks = np.bincount(goods.product_ranks, minlength=PRODUCTS_EACH) / len(goods.product_ranks)
    price = goods.price.reshape(CATEGORIES, PRODUCTS_EACH) @ ranks * goods.quantities.mean()
    usual = float(
        price @ (np.bincount(goods.category_ranks, minlength=CATEGORIES) / len(goods.category_ranks))
    )
    expected = (1.0 + customers.more_lines) * (_LIKED * price[customers.category] + (1 - _LIKED) * usual)
    orders = np.bincount(
        lines.customer[np.flatnonzero(np.diff(lines.order, prepend=-1))], minlength=len(expected)
    )
    return expected * float(lines.amount.sum() / (expected @ orders))
