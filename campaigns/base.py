"""The customer base: all that campaigns know of the customers at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from campaigns.sales import Sales

TABLES = ("events", "customers", "personal", "products", "contacts")


@dataclass(frozen=True)
class Base:
    """What is known at the end of `sales.as_of`; a table that the shop has not is None.

    events (contracts.tables.EVENTS): by customer and time, people merged. customers (CUSTOMERS), personal (PERSONAL):
    one row per customer, the last description known. products (PRODUCTS), contacts (CONTACTS): as read. Events,
    customers, personal and contacts hold people who never ordered, too.
    """

    sales: Sales
    currency: str
    timezone: str
    events: pa.Table | None = None
    customers: pa.Table | None = None
    personal: pa.Table | None = None
    products: pa.Table | None = None
    contacts: pa.Table | None = None

    @property
    def as_of(self) -> int:
        """The day."""
        return self.sales.as_of

    @property
    def absent(self) -> tuple[str, ...]:
        """The tables that are not there, and the optional columns of the orders."""
        tables = [name for name in TABLES if getattr(self, name) is None]
        columns = [f"orders.{name}" for name in _COLUMNS if name not in self.sales.optional]
        return (*tables, *columns)


_COLUMNS = ("product_id", "category", "discount", "coupon", "cost", "channel", "country")
