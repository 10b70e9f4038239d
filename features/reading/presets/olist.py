"""Olist (Brazilian marketplace data): its tables joined by features.reading.exports."""

from __future__ import annotations

from features.reading.presets.preset import Preset

OLIST = Preset(
    name="olist",
    parts={
        # Its customer_id is made anew for every order; customer_unique_id is the person.
        "customer_id": ("customer_unique_id",),
        "order_id": ("order_id",),
        "line_id": ("order_item_id",),
        "ordered_at": ("order_purchase_timestamp",),
        "amount": ("price",),
        "product_id": ("product_id",),
        "category": ("product_category_name_english", "product_category_name"),
        "status": ("order_status",),
    },
    required=("customer_id", "order_id", "line_id", "ordered_at", "amount", "status"),
    currency="BRL",
    timezone="America/Sao_Paulo",
    unpaid_statuses=("created", "unavailable"),
    cancelled_statuses=("canceled",),
    notes=(
        "The amount is the price of the item, without freight; a row is one piece.",
        "An order without items has no amount and is refused as unreadable_amount.",
    ),
)
