"""What a preset is, which parts there are, and how a file's columns are fitted to them.

Source names are compared without case, spaces and punctuation, so `Customer ID`, `customer_id` and
`CustomerID` are one name, and `Item #` is `item`.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field

IDS = ("customer_id", "order_id", "product_id", "line_id")
TIMES = ("ordered_at", "ordered_time", "cancelled_at")
NUMBERS = ("amount", "quantity", "unit_price", "discount", "cost")
TEXTS = ("category", "coupon", "channel", "country", "returned", "status", "currency", "email", "phone")
PARTS = (
    "customer_id", "email", "phone", "order_id", "line_id", "ordered_at", "ordered_time", "amount", "quantity",
    "unit_price", "discount", "cost", "currency", "product_id", "category", "coupon", "channel", "country",
    "returned", "status", "cancelled_at",
)  # fmt: skip
# A file needs a column for one part of each group.
NEEDED = (("customer_id", "email"), ("ordered_at",), ("amount", "unit_price"))
PERSONAL = ("email", "phone")

# Words of the part `status`, compared by `fold`: the order was never paid; it was taken back, nobody says when.
UNPAID = (
    "pending", "pending payment", "awaiting payment", "unpaid", "on hold", "holded", "payment review", "failed",
    "voided", "expired", "draft", "checkout draft",
)  # fmt: skip
CANCELLED = ("cancelled", "canceled", "refunded")


NO_CURRENCY = "XXX"  # ISO 4217: no currency


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One known shape of file.

    parts: for each part the source names that may play it, the likeliest first; a column plays one part only.
    required: the parts, and signature the source names, without which it is another file.
    order_parts: the parts that the first row of each order may hold alone.
    notes: what its user should know.
    """

    name: str
    parts: Dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    signature: tuple[str, ...] = ()
    order_parts: tuple[str, ...] = ()
    currency: str = NO_CURRENCY
    timezone: str = "UTC"
    cancelled_order_prefix: str | None = None
    not_products: tuple[str, ...] = ()
    source_column: tuple[str, ...] = field(default=())
    discount_included: bool = True
    unpaid_statuses: tuple[str, ...] = UNPAID
    cancelled_statuses: tuple[str, ...] = CANCELLED
    notes: tuple[str, ...] = ()


def fold(name: str) -> str:
    """Return a column name, or a word of a status, without case, spaces and punctuation."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def find_parts(preset: Preset, columns: Sequence[str]) -> dict[str, str]:
    """Return part -> source column for each part of the preset that one of these columns can play."""
    by_folded: dict[str, str] = {}
    for column in columns:
        by_folded.setdefault(fold(column), column)
    found: dict[str, str] = {}
    for part, names in preset.parts.items():
        free = (by_folded[fold(name)] for name in names if fold(name) in by_folded)
        source = next((column for column in free if column not in found.values()), None)
        if source is not None and (part != "ordered_time" or _is_date_only(found.get("ordered_at", ""))):
            found[part] = source
    return found


def fits(preset: Preset, parts: Dict[str, str], columns: Sequence[str] = ()) -> bool:
    """Tell whether every required part, a customer, a date and some money have a column, and the signature is there."""
    there = {fold(column) for column in columns}
    return (
        all(part in parts for part in preset.required)
        and all(any(part in parts for part in group) for group in NEEDED)
        and all(fold(name) in there for name in preset.signature)
    )


def _is_date_only(column: str) -> bool:
    """Tell whether a column is called a date, so that a time may stand beside it."""
    return fold(column).endswith(("date", "day"))
