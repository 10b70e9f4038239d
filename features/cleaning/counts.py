"""What became of the rows of one partition, counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.cleaning.account import Account
from features.cleaning.kept import Kept
from features.cleaning.rules import CODES
from features.cleaning.sorting import Bools, Ints
from features.kernel.buffers import as_arrow, as_numpy, is_valid
from features.rulebook import RULES

NAMES = {code: name for name, code in CODES.items()}
_FEE = CODES["not_a_product"]


def count(
    rows: pa.Table, *, reason: NDArray[np.int8], later: int, duplicates: int, kept: Kept, lines: pa.Table
) -> Account:
    """Count the rows by outcome, the customers, and what else there is to say about the lines."""
    by_reason = np.bincount(reason, minlength=len(RULES) + 1)
    made = int((kept.row < 0).sum())
    counted = {NAMES[code]: int(by_reason[code]) for code in np.flatnonzero(by_reason).tolist() if code}
    outcome = Counter({"kept": len(kept) - made, "made": made, "later": later, **counted})
    customers, lost = _customers(rows, reason, kept)
    live = ~kept["back"] & ~_cancelled_at_once(lines)
    seen = (
        {"duplicates": duplicates}
        | _orders(kept, live)
        | _cancellations(kept, lines)
        | _free(kept)
        | _rows(rows, reason)
    )
    return Account(
        rows=outcome, customers=customers, lost=lost, seen=Counter(seen), days=np.unique(kept.day[live])
    )


def _customers(rows: pa.Table, reason: NDArray[np.int8], kept: Kept) -> tuple[Counter[str], Counter[str]]:
    """Return the numbers of customers read, kept and by reason, and of those without a kept line by reason."""
    stay = kept.words["customer_id"].take(as_arrow(np.unique(kept["customer_id"]), pa.int64()))
    place = np.flatnonzero(reason > 0)
    names = rows["customer_id"].take(as_arrow(place, pa.int64())).combine_chunks().dictionary_encode()
    codes = np.where(is_valid(names.indices), as_numpy(names.indices), -1).astype(np.int64)
    is_lost = ~as_numpy(pc.is_in(names.dictionary, value_set=stay))
    found, lost = Counter[str](), Counter[str]()
    for code in np.unique(reason[place]):
        some = np.unique(codes[(reason[place] == code) & (codes >= 0)])
        found[NAMES[int(code)]] = len(some)
        lost[NAMES[int(code)]] = int(is_lost[some].sum())
    return Counter({"read": len(stay) + int(is_lost.sum()), "kept": len(stay), **found}), lost


def _cancelled_at_once(lines: pa.Table) -> Bools:
    return is_valid(lines["cancelled_day"]) & (as_numpy(lines["cancelled_day"]) <= as_numpy(lines["day"]))


def _orders(kept: Kept, live: Bools) -> dict[str, int]:
    customer, day = kept["customer_id"][live], kept.day[live]
    new_day = int(((np.diff(customer) != 0) | (np.diff(day) != 0)).sum()) + 1 if len(day) else 0
    orders = np.sort(_order_key(kept)[live])
    return {"orders": int((np.diff(orders) != 0).sum()) + 1 if len(orders) else 0, "order_days": new_day}


def _order_key(kept: Kept) -> Ints:
    return kept["customer_id"] * (len(kept.words["order_id"]) + 1) + kept["order_id"]


def _cancellations(kept: Kept, lines: pa.Table) -> dict[str, int]:
    cancelled = is_valid(lines["cancelled_day"])
    if not kept["back"].any():
        return {}
    on, day = as_numpy(lines["cancelled_day"])[cancelled], as_numpy(lines["day"])[cancelled]
    some = _of_customers_in(kept, cancelled)
    key, gone = _order_key(kept)[some], cancelled[some]
    orders = np.unique(key[gone])
    standing = np.unique(key[~gone & ~kept["back"][some]])
    partial, alone = _unmatched(kept, kept["back"] & ~as_numpy(lines["reverses"]))
    return {
        "cancelled": len(on),
        "cancelled_later": int((on > day).sum()),
        "cancelled_orders": len(np.setdiff1d(orders, standing)),
        "partial_returns": partial,
        "returns_alone": alone,
    }


def _of_customers_in(kept: Kept, rows: Bools) -> Ints:
    """Return the rows of all customers who have one of these rows."""
    concerned = np.zeros(len(kept.words["customer_id"]) + 1, dtype=bool)
    concerned[kept["customer_id"][rows]] = True
    return np.flatnonzero(concerned[kept["customer_id"]])


def _unmatched(kept: Kept, returns: Bools) -> tuple[int, int]:
    """Return how many unmatched returns come after a sale of the same product, and how many do not."""
    key = kept["customer_id"]
    if "product_id" in kept.columns:
        key = key * (len(kept.words["product_id"]) + 1) + kept["product_id"]
    some = _of_customers_in(kept, returns)
    sales = some[~kept["back"][some]]
    sold, first = np.unique(key[sales], return_index=True)  # rows stand in time order
    since = kept["ordered_at"][sales][first]
    if not len(sold):
        return 0, int(returns.sum())
    place = np.minimum(np.searchsorted(sold, key[returns]), len(sold) - 1)
    after = (sold[place] == key[returns]) & (since[place] <= kept["ordered_at"][returns])
    return int(after.sum()), int((~after).sum())


def _free(kept: Kept) -> dict[str, int]:
    free = ~kept["back"] & (kept["amount"] == 0)
    if not free.any():
        return {}
    paid = ~kept["back"] & (kept["amount"] > 0)
    key, customer = _order_key(kept), kept["customer_id"]
    return {
        "free_lines": int(free.sum()),
        "free_orders": len(np.setdiff1d(key[free], key[paid])),
        "free_customers": len(np.setdiff1d(customer[free], customer[paid])),
    }


def _rows(rows: pa.Table, reason: NDArray[np.int8]) -> dict[str, int]:
    """Count rows without a customer, orders made of fees alone, and rows without an order number."""
    nameless = ~is_valid(rows["customer_id"]) & is_valid(rows["ordered_at"])
    unnumbered = ~is_valid(rows["order_id"]) & (reason == 0)
    return {
        "nameless": int(nameless.sum()),
        "nameless_merged": int((nameless & (reason == CODES["delivered_twice"])).sum()),
        "fee_orders": _fee_orders(rows, reason),
        "made_orders": int(unnumbered.sum()),
    }


def _fee_orders(rows: pa.Table, reason: NDArray[np.int8]) -> int:
    if not (reason == _FEE).any():
        return 0
    some = rows.select(["customer_id", "order_id"]).append_column("goods", as_arrow(reason == 0, pa.bool_()))
    sold = ~as_numpy(rows["back"]) & ((reason == 0) | (reason == _FEE))
    orders = some.filter(as_arrow(sold, pa.bool_())).group_by(["customer_id", "order_id"])
    return int((~as_numpy(orders.aggregate([("goods", "any")])["goods_any"])).sum())
