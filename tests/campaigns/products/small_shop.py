"""Small shops with products, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaigns.sales import Sales
from tests.features.shops import OPTIONAL, Row, history_of, line

END = 900


def sales_of(rows: Sequence[Row], *, as_of: int = END, optional: Sequence[str] = OPTIONAL) -> Sales:
    """Return the sales of rows."""
    return Sales.of(history_of(rows, optional), as_of)


def basket(customer: str, order: str, day: int, *products: str, category: str | None = None) -> list[Row]:
    """Return one order with a line of 10 for each product."""
    return [
        line(customer, order, day, 10.0, line=number, product_id=product, category=category)
        for number, product in enumerate(products, start=1)
    ]


def regulars(count: int, *, every: int, product: str, until: int = END) -> Iterator[Row]:
    """Yield orders of customers who buy one product again and again, each starting a day later."""
    for number in range(count):
        for day in range(until - 300 + number, until, every):
            yield line(f"{product}{number:03d}", f"{product}-{number}-{day}", day, 10.0, product_id=product)
