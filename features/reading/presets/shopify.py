"""Shopify: the orders export (Orders, Export, plain CSV): a row per line item, or an order where those are cut out."""

from __future__ import annotations

from features.reading.presets.preset import Preset

_ORDER = {
    "customer_id": ("customer_id",),
    "email": ("email",),
    "phone": ("phone", "billing_phone", "shipping_phone"),
    "order_id": ("name",),
    "ordered_at": ("created_at",),
    "currency": ("currency",),
    "coupon": ("discount_code",),
    "channel": ("source",),
    "country": ("shipping_country", "billing_country"),
    "status": ("financial_status",),
    "cancelled_at": ("cancelled_at",),
}
# `authorized` (the money is reserved) and `partially_paid` count as paid.
_UNPAID = ("pending", "voided", "expired", "unpaid")
_CANCELLED = ("refunded",)
_REFUNDS = (
    "Refunds have no date here: a fully refunded order is left out, a partly refunded one counts whole."
)

SHOPIFY = Preset(
    name="shopify",
    parts={
        **_ORDER,
        "quantity": ("lineitem_quantity",),
        "unit_price": ("lineitem_price",),
        "discount": ("lineitem_discount",),
        "product_id": ("lineitem_sku", "lineitem_name"),
    },
    required=("order_id", "ordered_at", "quantity", "unit_price"),
    order_parts=(
        "customer_id", "email", "phone", "ordered_at", "currency", "coupon", "channel", "country", "status",
        "cancelled_at",
    ),
    discount_included=False,
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=(
        "The amount is Lineitem price x Lineitem quantity less Lineitem discount, before shipping.",
        "Discount Amount is of the whole order, shipping included; it is not taken off the lines.",
        "Where prices include tax, the amount does as well.",
        _REFUNDS,
    ),
)  # fmt: skip

SHOPIFY_ORDERS = Preset(
    name="shopify_orders",
    parts={**_ORDER, "amount": ("subtotal",), "discount": ("discount_amount",)},
    required=("order_id", "ordered_at", "amount", "status"),
    signature=("financial_status", "fulfillment_status"),
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=("The amount is Subtotal: after discounts, before shipping and added taxes.", _REFUNDS),
)
