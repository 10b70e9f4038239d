"""Counts of one reading that add up over partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the rows of one partition, or of all. Customers stand in one partition, so they add up, too.

    rows: by outcome: kept, made (lines without a row of their own), later, and each reason and merge.
    customers: read, kept, and by reason; lost: customers without a kept line, by reason.
    seen: orders, order_days and what else there is to say; days: the days with an order.
    """

    rows: Counter[str] = field(default_factory=Counter)
    customers: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    days: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @staticmethod
    def total(accounts: Iterable[Account]) -> Account:
        """Add accounts up."""
        rows, customers, lost, seen = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        days = [np.empty(0, dtype=np.int64)]
        for one in accounts:
            rows.update(one.rows)
            customers.update(one.customers)
            lost.update(one.lost)
            seen.update(one.seen)
            days.append(one.days)
        return Account(
            rows=rows, customers=customers, lost=lost, seen=seen, days=np.unique(np.concatenate(days))
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "rows": self.rows, "customers": self.customers, "lost": self.lost, "seen": self.seen,
            "days": self.days.tolist(),
        }  # fmt: skip

    @staticmethod
    def of_dict(values: Mapping[str, Any]) -> Account:
        """Return what `to_dict` wrote."""
        counters = {name: Counter(values[name]) for name in ("rows", "customers", "lost", "seen")}
        return Account(**counters, days=np.array(values["days"], dtype=np.int64))
