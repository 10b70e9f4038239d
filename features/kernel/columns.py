"""The columns of order lines, summed into days: one small function each, run at first use.

Each returns (day rows,) values. `needs` names the optional order-line column without which there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.kernel.running import Floats

if TYPE_CHECKING:
    from features.kernel.known import Known

Make = Callable[["Known"], Floats]


@dataclass(frozen=True)
class Column:
    """How one column is made, and the optional order-line column that it needs."""

    make: Make
    needs: str | None = None


LINE_COLUMNS: dict[str, Column] = {}


def _lines(make: Make, *, needs: str | None = None, name: str = "") -> Make:
    LINE_COLUMNS[name or make.__name__] = Column(make, needs)
    return make


# ---------------------------------------------------------------- what every shop has
@_lines
def orders(known: Known) -> Floats:
    """Orders, on the day of their first line."""
    return known.total(at=known.order_heads)


@_lines
def lines(known: Known) -> Floats:
    """Sale lines."""
    return known.total(known.live)


@_lines
def items(known: Known) -> Floats:
    """Pieces sold."""
    return known.total(known.sold("quantity"))


@_lines
def sales(known: Known) -> Floats:
    """Amount sold."""
    return known.total(known.sold("amount"))


@_lines
def net(known: Known) -> Floats:
    """Amount sold less amount taken back, each on its own day."""
    return known.total(known.of_lines(known.lines.number("amount")))


@_lines
def refunds(known: Known) -> Floats:
    """Amount taken back, above 0."""
    back = known.returned
    return known.total(0.0 - known.lines.number("amount").take(known.origin(back)), at=back)


@_lines
def returns(known: Known) -> Floats:
    """Lines that take something back."""
    return known.total(at=known.returned)


@_lines
def cancellations(known: Known) -> Floats:
    """Lines that undo a whole sale line."""
    return known.total(known.of_lines(known.lines.flag("reverses")))


@_lines
def free_lines(known: Known) -> Floats:
    """Sale lines without amount."""
    return known.total(known.live & known.of_lines(known.lines.number("amount") == 0.0))


@_lines
def order_hours(known: Known) -> Floats:
    """Hour of the day of each order."""
    return known.total(known.order_hour, at=known.order_heads)


@_lines
def weekend_orders(known: Known) -> Floats:
    """Orders on Saturday or Sunday."""
    return known.values("orders") * (known.rows.weekday >= 5)


def _orders_from(first: int, until: int) -> Make:
    def make(known: Known) -> Floats:
        hour = known.order_hour
        return known.total((hour >= first) & (hour < until), at=known.order_heads)

    return make


def _orders_on(weekday: int) -> Make:
    def make(known: Known) -> Floats:
        return known.values("orders") * (known.rows.weekday == weekday)

    return make


for _name, _first, _until in (
    ("night", 0, 6),
    ("morning", 6, 12),
    ("afternoon", 12, 18),
    ("evening", 18, 24),
):
    _lines(_orders_from(_first, _until), name=f"{_name}_orders")
for _number, _name in enumerate(
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
):
    _lines(_orders_on(_number), name=f"{_name}_orders")


# ---------------------------------------------------------------- optional order-line columns
def _amount_of(column: str) -> Make:
    def make(known: Known) -> Floats:
        return known.total(known.sold(column))

    return make


def _lines_with(column: str) -> Make:
    def make(known: Known) -> Floats:
        return known.total(known.sold(column) > 0)

    return make


def _lines_with_text(column: str) -> Make:
    def make(known: Known) -> Floats:
        return known.total(at=known.valued(column))

    return make


def _new_values(column: str) -> Make:
    def make(known: Known) -> Floats:
        return known.total(at=known.valued(column)[known.seen(column).firsts])

    return make


_lines(_amount_of("discount"), name="discount", needs="discount")
_lines(_lines_with("discount"), name="discounted_lines", needs="discount")
_lines(_amount_of("cost"), name="cost", needs="cost")
for _text, _short, _plural in (
    ("product_id", "product", "products"),
    ("category", "category", "categories"),
    ("coupon", "coupon", "coupons"),
    ("channel", "channel", "channels"),
    ("country", "country", "countries"),
):
    _lines(_lines_with_text(_text), name=f"{_short}_lines", needs=_text)
    _lines(_new_values(_text), name=f"new_{_plural}", needs=_text)
