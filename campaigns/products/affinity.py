"""What is bought together: pairs within orders, and neighbours within the histories of customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from campaigns.products.goods import Goods, Purchases
from contracts.errors import ContractError
from features.kernel.buffers import as_arrow
from features.kernel.running import Floats, Ints

WINDOW_DAYS = 365
LEAST_SUPPORT = 10  # orders that hold both
MOST_IN_ORDER = 100  # products; larger orders are stock, not a basket
_Z95 = 1.959963984540054
_BLOCK = 512  # products at once
_FORGOTTEN = 2.0**-6  # weight below which a purchase is left out


@dataclass(frozen=True)
class Pairs:
    """table: one row per pair, the surest lift first. orders: how many were looked at; left_out: too large ones.

    found: pairs with enough support, of which `table` holds the first.
    """

    table: pa.Table
    orders: int
    left_out: int
    found: int


def bought_together(
    goods: Goods, *, least_support: int = LEAST_SUPPORT, most: int = 5_000, window_days: int = WINDOW_DAYS
) -> Pairs:
    """Find the products that stand in one order more often than by chance, in the last `window_days`.

    lift = P(both) / (P(a) P(b)); its 95 % interval by the delta method on log lift under a multinomial of orders.
    confidence_ab: the share of the orders with a that hold b. Ordered by the lower bound of the lift. The pairs
    were looked for among all: a bound near 1 proves nothing.
    """
    basket, orders, left_out = _baskets(goods, window_days)
    singles = np.asarray(basket.sum(axis=0)).ravel()
    blocks = [
        _block_of_pairs(basket, low, singles, orders, least_support) for low in range(0, len(goods), _BLOCK)
    ]
    a, b, both, lower = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    best = np.lexsort((b, a, -lower))[:most]
    table = _pairs_table(goods, a[best], b[best], both[best], singles, orders)
    return Pairs(table, orders, left_out, len(a))


def lift_of(both: Floats, a: Floats, b: Floats, orders: int) -> tuple[Floats, Floats, Floats]:
    """Return the lift and its 95 % interval. both, a, b: (n,) orders that hold both, the one, the other.

    var(log lift) = (sum p g^2 - 1) / orders, g the derivative of log lift by each cell of the 2 x 2 table; the sum of
    p g is -1 always.
    """
    p, pa_, pb = both / orders, a / orders, b / orders
    lift = p / (pa_ * pb)
    spread = p * (1 / p - 1 / pa_ - 1 / pb) ** 2 + (pa_ - p) / pa_**2 + (pb - p) / pb**2
    error = np.sqrt(np.maximum(spread - 1.0, 0.0) / orders)
    return lift, lift * np.exp(-_Z95 * error), lift * np.exp(_Z95 * error)


def _baskets(goods: Goods, window_days: int) -> tuple[sparse.csr_array, int, int]:
    """Return the (orders, products) matrix of ones of the last days, how many orders, and how many are too large."""
    order, product = goods.in_orders
    late = goods.sales.orders.day[order] > goods.as_of - window_days
    rows, order = np.unique(order[late], return_inverse=True)
    small = np.bincount(order, minlength=len(rows)) <= MOST_IN_ORDER
    kept = small[order]
    shape = (len(rows), len(goods))
    ones = np.ones(int(kept.sum()))
    basket = sparse.coo_array((ones, (order[kept], product[late][kept])), shape=shape).tocsr()
    return basket, int(small.sum()), int((~small).sum())


def _block_of_pairs(
    basket: sparse.csr_array, low: int, singles: Floats, orders: int, least_support: int
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return the pairs (a, b), a < b, with a in one block of products: a, b, orders with both, lower bound."""
    high = min(low + _BLOCK, basket.shape[1])
    both = (basket[:, low:high].T @ basket).tocoo()
    kept = (both.data >= least_support) & (both.row + low < both.col)
    a, b = both.row[kept].astype(np.int64) + low, both.col[kept].astype(np.int64)
    count = both.data[kept]
    return a, b, count, lift_of(count, singles[a], singles[b], max(orders, 1))[1]


def _pairs_table(goods: Goods, a: Ints, b: Ints, both: Floats, singles: Floats, orders: int) -> pa.Table:
    lift, lower, upper = lift_of(both, singles[a], singles[b], max(orders, 1))
    ids = [goods.ids.take(as_arrow(one.astype(np.int64), pa.int64())) for one in (a, b)]
    whole = {"orders_both": both, "orders_a": singles[a], "orders_b": singles[b]}
    shares = {
        "support": both / max(orders, 1),
        "confidence_ab": both / singles[a],
        "confidence_ba": both / singles[b],
        "lift": lift,
        "lift_lower": lower,
        "lift_upper": upper,
    }
    return pa.table(
        {
            "product_a": ids[0],
            "product_b": ids[1],
            **{name: as_arrow(values.astype(np.int64), pa.int64()) for name, values in whole.items()},
            **{name: as_arrow(values, pa.float64()) for name, values in shares.items()},
        }
    )


# ---------------------------------------------------------------- neighbours
def recent_weights(
    bought: Purchases, *, half_life_days: float, customers: slice | None = None
) -> sparse.csr_array:
    """Return how lately each customer bought each product: the sum of halving weights, at most 1.

    (customers, products); customers: some that stand one after the other (default: all). Forgotten ones are left out.
    """
    low, high = (0, bought.customers) if customers is None else (customers.start, customers.stop)
    begin, end = np.searchsorted(bought.customer, (low, high))
    weight = 0.5 ** (bought.age[begin:end] / half_life_days)
    kept = weight >= _FORGOTTEN
    at = (bought.customer[begin:end][kept] - low, bought.product[begin:end][kept])
    made = sparse.coo_array((weight[kept], at), shape=(high - low, bought.products)).tocsr()
    made.data = np.minimum(made.data, 1.0)
    return made


def neighbours(
    bought: Purchases, targets: Ints, *, half_life_days: float, shrink: float, keep: int
) -> sparse.csr_array:
    """Return how near each product is to each target, for the `keep` nearest of each; (products, targets).

    The cosine of the customers' weights, shrunk: sum(w_a w_b) / (sqrt(sum w_a^2 sum w_b^2) + shrink), so that pairs
    that few customers share count little.
    """
    if keep < 1:
        raise ContractError(f"{keep} neighbours were asked for; at least 1")
    weights = recent_weights(bought, half_life_days=half_life_days)
    size = np.asarray(weights.multiply(weights).sum(axis=0)).ravel()
    by_product = weights.T.tocsr()
    parts = [
        _nearest(by_product, weights, targets[low : low + _BLOCK], size, shrink, keep)
        for low in range(0, len(targets), _BLOCK)
    ]
    if not parts:
        return sparse.csr_array((bought.products, 0))
    near = sparse.hstack(parts, format="csr")
    near.sort_indices()
    return near


def _nearest(
    by_product: sparse.csr_array,
    weights: sparse.csr_array,
    targets: Ints,
    size: Floats,
    shrink: float,
    keep: int,
) -> sparse.coo_array:
    """Return the nearest products of some targets; a product is no neighbour of itself."""
    shared = (by_product @ weights[:, targets]).tocoo()
    row, column = shared.row, shared.col
    near = shared.data / (np.sqrt(size[row] * size[targets[column]]) + shrink)
    near[row == targets[column]] = 0.0
    order = np.lexsort((row, -near, column))
    order = order[near[order] > 0]
    starts = np.searchsorted(column[order], column[order], side="left")
    order = order[np.arange(len(order)) - starts < keep]
    return sparse.coo_array((near[order], (row[order], column[order])), shape=shared.shape)
