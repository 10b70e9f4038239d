"""Two well-known sample data sets: UCI Online Retail (I and II) and CDNOW (master and sample)."""

from __future__ import annotations

from features.reading.presets.preset import Preset

# Lines of Online Retail that sell no goods: postage, carriage, Dotcom postage, manual entries, discounts,
# samples, bad debt, bank and Amazon fees, adjustments, a commission, test products and gift vouchers.
ONLINE_RETAIL_NOT_PRODUCTS = (
    "POST", "DOT", r"C[0-9]", "M", "D", "S", "B", "BANK CHARGES", r"ADJUST[0-9]*", "AMAZONFEE", "CRUK",
    r"TEST[0-9]+", "GIFT", r"gift_.*",
)  # fmt: skip

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
