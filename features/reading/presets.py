"""The known shapes of order files: which source column plays which part.

Source names are compared without case, spaces and punctuation, so `Customer ID`, `customer_id` and
`CustomerID` are one name. A preset fits when every part in `required` finds a column; the first that fits
wins.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field

PARTS = (
    "customer_id", "order_id", "ordered_at", "amount", "quantity", "unit_price", "product_id", "category",
    "discount", "coupon", "cost", "channel", "country", "returned",
)  # fmt: skip

# Lines of Online Retail that sell no goods: postage, carriage, Dotcom postage, manual entries, discounts,
# samples, bad debt, bank and Amazon fees, adjustments, a commission, test products and gift vouchers.
ONLINE_RETAIL_NOT_PRODUCTS = (
    "POST", "DOT", r"C[0-9]", "M", "D", "S", "B", "BANK CHARGES", r"ADJUST[0-9]*", "AMAZONFEE", "CRUK",
    r"TEST[0-9]+", "GIFT", r"gift_.*",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One known shape: for each part the source names that may play it, the likeliest first."""

    name: str
    parts: Dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    currency: str = "XXX"
    cancelled_order_prefix: str | None = None
    not_products: tuple[str, ...] = ()
    source_column: tuple[str, ...] = field(default=())


ONLINE_RETAIL = Preset(
    name="online_retail",
    parts={
        "customer_id": ("customer_id",),
        "order_id": ("invoice", "invoice_no"),
        "ordered_at": ("invoice_date",),
        "quantity": ("quantity",),
        "unit_price": ("price", "unit_price"),
        "product_id": ("stock_code",),
        "country": ("country",),
    },
    required=("customer_id", "order_id", "ordered_at", "quantity", "unit_price", "product_id"),
    currency="GBP",
    cancelled_order_prefix="C",
    not_products=ONLINE_RETAIL_NOT_PRODUCTS,
    source_column=("sheet",),
)

CDNOW = Preset(
    name="cdnow",
    parts={
        "customer_id": ("customer_id",),
        "ordered_at": ("date",),
        "quantity": ("number_of_cds",),
        "amount": ("dollar_value",),
    },
    required=("customer_id", "ordered_at", "quantity", "amount"),
    currency="USD",
)

# The sample has no header; features.reading.text_files gives it these names if its first line has the known shape.
CDNOW_SAMPLE_COLUMNS = ("master_id", "sample_id", "date", "cds", "amount")
CDNOW_SAMPLE = Preset(
    name="cdnow_sample",
    parts={
        "customer_id": ("master_id",),
        "ordered_at": ("date",),
        "quantity": ("cds",),
        "amount": ("amount",),
    },
    required=("customer_id", "ordered_at", "quantity", "amount"),
    currency="USD",
)

GENERIC = Preset(
    name="generic",
    parts={
        "customer_id": (
            "customer_id", "customer", "customer_no", "customer_number", "customer_key", "cust_id",
            "client_id", "client", "user_id", "user", "member_id", "buyer_id", "shopper_id", "account_id",
            "household_id",
        ),
        "order_id": (
            "order_id", "order", "order_no", "order_number", "invoice", "invoice_no", "invoice_id",
            "invoice_number", "basket_id", "transaction_id", "receipt_id", "receipt_no",
        ),
        "ordered_at": (
            "ordered_at", "order_date", "order_datetime", "order_timestamp", "order_time", "created_at",
            "purchased_at", "purchase_date", "invoice_date", "transaction_date", "transaction_timestamp",
            "transaction_time", "timestamp", "datetime", "date", "day",
        ),
        "amount": (
            "amount", "net_amount", "order_amount", "total_amount", "amount_paid", "total", "total_price",
            "order_total", "line_total", "order_value", "sales_value", "revenue", "sales", "spend",
            "dollar_value", "value",
        ),
        "quantity": ("quantity", "qty", "units", "item_count", "items", "number_of_items", "number_of_cds"),
        "unit_price": ("unit_price", "price", "item_price", "price_per_unit"),
        "product_id": (
            "product_id", "product", "sku", "item_id", "item", "stock_code", "article_id", "article",
        ),
        "category": ("category", "product_category", "department"),
        "discount": ("discount", "discount_amount"),
        "coupon": ("coupon", "coupon_code", "promo_code", "promotion_code", "voucher", "voucher_code"),
        "cost": ("cost", "cogs", "cost_of_goods"),
        "channel": ("channel", "sales_channel", "order_channel"),
        "country": ("country", "country_code", "ship_country", "shipping_country"),
        "returned": ("returned", "is_return", "is_returned", "refunded", "is_refund"),
    },
    required=("customer_id", "ordered_at"),
)  # fmt: skip

PRESETS = (ONLINE_RETAIL, CDNOW, CDNOW_SAMPLE, GENERIC)


def fold(name: str) -> str:
    """Return a column name without case, spaces and punctuation."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def find_parts(preset: Preset, columns: Sequence[str]) -> dict[str, str]:
    """Return part -> source column for each part of the preset that one of these columns can play."""
    by_folded: dict[str, str] = {}
    for column in columns:
        by_folded.setdefault(fold(column), column)
    found: dict[str, str] = {}
    for part, names in preset.parts.items():
        source = next((by_folded[fold(name)] for name in names if fold(name) in by_folded), None)
        if source is not None:
            found[part] = source
    return found


def fits(preset: Preset, parts: Dict[str, str]) -> bool:
    """Tell whether every required part, and some money, has a column."""
    return all(part in parts for part in preset.required) and ("amount" in parts or "unit_price" in parts)
