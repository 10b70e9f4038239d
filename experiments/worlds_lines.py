"""The order lines of a generated shop: products, prices, discounts, coupons and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.worlds_customers import (
    CATEGORIES,
    CHANNELS,
    Clock,
    Customers,
    Floats,
    Ints,
    Orders,
    Small,
    zipf_ranks,
)
from features.kernel.buffers import as_arrow

PRODUCTS_EACH = 150  # of one category
RETURNED_SHARE = 0.041  # of lines; a few come back after the last day and are not seen
RETURNS_SEEN = 0.0385
COUPONS = ("SALE20", "SPRING10", "WELCOME10")
CATEGORY_NAMES = (
    "books", "clothing", "kitchen", "toys", "garden", "music", "shoes", "sports", "beauty", "tools",
    "games", "stationery", "baby", "pets", "lighting", "electronics", "films", "furniture", "jewellery", "food",
)  # fmt: skip
CHANNEL_NAMES = ("web", "app", "store", "marketplace")
COUNTRY_NAMES = ("DE", "AT", "CH", "FR", "NL", "GB", "IT", "ES", "PL", "BE", "DK", "SE")

TEXT = pa.dictionary(pa.int32(), pa.string())  # in the file it is plain text
LINES = pa.schema(
    [
        pa.field("customer_id", TEXT),
        pa.field("order_id", TEXT),
        pa.field("ordered_at", pa.timestamp("us")),
        pa.field("product_id", TEXT),
        pa.field("category", TEXT),
        pa.field("quantity", pa.float64()),
        pa.field("unit_price", pa.float64()),
        pa.field("amount", pa.float64()),
        pa.field("discount", pa.float64()),
        pa.field("coupon", TEXT),
        pa.field("cost", pa.float64()),
        pa.field("channel", TEXT),
        pa.field("country", TEXT),
    ]
)


@dataclass(frozen=True)
class Goods:
    """The products: their prices and costs per piece, and the tables to draw them from."""

    price: Floats
    cost: Floats
    category_ranks: Small
    product_ranks: Small
    quantities: Small
    ids: pa.Array

    @staticmethod
    def draw(seed: int) -> Goods:
        """Draw the products of a shop; those of a category share a price level."""
        chance = np.random.default_rng(np.random.SeedSequence([seed, 0]))
        n = CATEGORIES * PRODUCTS_EACH
        level = np.repeat(chance.normal(2.6, 0.6, CATEGORIES), PRODUCTS_EACH)
        price = np.round(np.exp(level + chance.normal(0.0, 0.5, n)) + 0.5, 2)
        return Goods(
            price=price,
            cost=np.round(price * chance.uniform(0.4, 0.7, n), 2),
            category_ranks=zipf_ranks(CATEGORIES, 0.8),
            product_ranks=zipf_ranks(PRODUCTS_EACH, 1.0),
            quantities=zipf_ranks(8, 2.2) + np.int32(1),
            ids=numbered_ids("p", np.arange(n), 5),
        )


@dataclass(frozen=True)
class Lines:
    """The lines of a block in the order of their time; every column is (lines,).

    order: the sale orders by number, then each return as an order of its own. coupon: -1 where none.
    """

    customer: Small
    order: Ints
    at: Ints
    product: Small
    quantity: Floats
    amount: Floats
    discount: Floats
    cost: Floats
    coupon: NDArray[np.int8]
    channel: NDArray[np.int8]

    def take(self, rows: NDArray[Any]) -> Lines:
        """Return some lines."""
        return Lines(**{name: values[rows] for name, values in vars(self).items()})

    def and_then(self, later: Lines) -> Lines:
        """Return both, merged by time."""
        both = Lines(**{name: np.concatenate((v, getattr(later, name))) for name, v in vars(self).items()})
        return both.take(np.argsort(both.at, kind="stable"))


def draw_sales(
    customers: Customers,
    orders: Orders,
    clock: Clock,
    goods: Goods,
    counts: Ints,
    chance: np.random.Generator,
) -> Lines:
    """Fill the orders with lines; counts: (orders,) how many each has."""
    draw, n = chance.random, int(counts.sum())
    sale = clock.sale[orders.at // 86_400 - clock.first_day]
    has_coupon = draw(len(counts)) < np.where(sale, 0.25, np.where(orders.first, 0.15, 0.03))
    coupon = np.where(has_coupon, np.where(sale, 0, np.where(orders.first, 2, 1)), -1).astype(np.int8)
    other = draw(len(counts)) < 0.15
    channel = np.where(other, chance.integers(0, CHANNELS, len(counts)), customers.channel[orders.customer])
    order = np.repeat(np.arange(len(counts)), counts)
    customer = orders.customer[order]
    liked = draw(n, dtype=np.float32) < 0.6
    any_category = goods.category_ranks[chance.integers(0, 65_536, n, dtype=np.uint16)]
    category = np.where(liked, customers.category[customer], any_category)
    product = category * np.int32(PRODUCTS_EACH)
    product += goods.product_ranks[chance.integers(0, 65_536, n, dtype=np.uint16)]
    _make_distinct(product, order, chance)
    quantity = goods.quantities[chance.integers(0, 65_536, n, dtype=np.uint16)].astype(np.float64)
    reduced = draw(n, dtype=np.float32) < np.where(sale, np.float32(0.6), np.float32(0.06))[order]
    share = np.where(reduced, np.where(sale, 0.2, 0.1)[order], 0.0) + np.where(has_coupon, 0.1, 0.0)[order]
    full = quantity * goods.price[product]
    discount = np.round(full * share, 2)
    return Lines(
        customer=customer,
        order=order,
        at=orders.at[order],
        product=product,
        quantity=quantity,
        amount=np.round(full - discount, 2),
        discount=discount,
        cost=quantity * goods.cost[product],
        coupon=coupon[order],
        channel=channel.astype(np.int8)[order],
    )


def _make_distinct(product: Small, order: Ints, chance: np.random.Generator) -> None:
    """Draw products anew, in place, of their categories, until no order holds one twice."""
    rows = np.arange(len(order))
    while True:
        key = order[rows] * (CATEGORIES * PRODUCTS_EACH) + product[rows]
        by_key = np.argsort(key, kind="stable")
        again = rows[by_key[1:][np.diff(key[by_key]) == 0]]
        if not len(again):
            return
        category = product[again] // PRODUCTS_EACH
        product[again] = category * PRODUCTS_EACH + chance.integers(0, PRODUCTS_EACH, len(again))
        concerned = np.zeros(int(order[-1]) + 1, dtype=np.bool_)
        concerned[order[again]] = True
        rows = rows[concerned[order[rows]]]


def draw_returns(sales: Lines, orders: int, clock: Clock, chance: np.random.Generator) -> Lines:
    """Let some lines come back some days later, whole or in part, each under an order id of its own."""
    back = np.flatnonzero(chance.random(len(sales.at), dtype=np.float32) < RETURNED_SHARE)
    day = sales.at[back] // 86_400 + 1 + chance.gamma(2.0, 6.0, len(back)).astype(np.int64)
    at = day * 86_400 + chance.integers(8 * 3600, 20 * 3600, len(back))
    seen = day < clock.first_day + clock.days
    by_time = np.argsort(at[seen], kind="stable")
    some, at = sales.take(back[seen][by_time]), at[seen][by_time]
    in_part = (chance.random(len(at)) < 0.5) & (some.quantity > 1)
    pieces = np.where(in_part, np.ceil(chance.random(len(at)) * (some.quantity - 1)), some.quantity)
    share = pieces / some.quantity
    return Lines(
        customer=some.customer,
        order=orders + np.arange(len(at)),
        at=at,
        product=some.product,
        quantity=-pieces,
        amount=-np.round(some.amount * share, 2),
        discount=np.zeros(len(at)),
        cost=-some.cost * share,
        coupon=np.full(len(at), -1, dtype=np.int8),
        channel=some.channel,
    )


def lines_table(
    lines: Lines, customers: Customers, goods: Goods, ids: pa.Array, orders: int, first: int
) -> pa.Table:
    """Return the lines as a table whose text is dictionary-encoded; order ids count from `first` on."""
    returns = int(lines.order.max(initial=-1)) + 1 - orders
    order_ids = pa.concat_arrays(
        [
            numbered_ids("o", first + np.arange(orders), 10),
            numbered_ids("r", first + np.arange(max(returns, 0)), 10),
        ]
    )
    columns = {
        "customer_id": coded(lines.customer, ids),
        "order_id": coded(lines.order.astype(np.int32), order_ids),
        "ordered_at": as_arrow(lines.at * 1_000_000, pa.timestamp("us")),
        "product_id": coded(lines.product, goods.ids),
        "category": coded(lines.product // np.int32(PRODUCTS_EACH), pa.array(CATEGORY_NAMES)),
        "quantity": as_arrow(lines.quantity, pa.float64()),
        "unit_price": as_arrow(goods.price[lines.product], pa.float64()),
        "amount": as_arrow(lines.amount, pa.float64()),
        "discount": as_arrow(lines.discount, pa.float64()),
        "coupon": coded(lines.coupon.astype(np.int32), pa.array(COUPONS)),
        "cost": as_arrow(lines.cost, pa.float64()),
        "channel": coded(lines.channel.astype(np.int32), pa.array(CHANNEL_NAMES)),
        "country": coded(customers.country[lines.customer], pa.array(COUNTRY_NAMES)),
    }
    return pa.table(list(columns.values()), schema=LINES)


def coded(codes: Small, names: pa.Array) -> pa.Array:
    """Return text as codes into `names`; a code of -1 is null."""
    valid = codes >= 0
    indices = as_arrow(codes, pa.int32(), valid=None if valid.all() else valid)
    return pa.DictionaryArray.from_arrays(indices, names, safe=False)


def numbered_ids(letter: str, numbers: NDArray[np.integer[Any]], digits: int) -> pa.Array:
    """Return ids such as c0012345: a letter and a number of so many digits."""
    width = digits + 1
    text = np.empty((len(numbers), width), dtype=np.uint8)
    text[:, 0] = ord(letter)
    rest = numbers.astype(np.int64)
    for place in range(digits, 0, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, place] = digit + ord("0")
    ends = np.arange(len(numbers) + 1, dtype=np.int32) * np.int32(width)
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(ends), pa.py_buffer(text)])
