"""WooCommerce: the orders report of its analytics, and the layouts of the usual export plug-ins.

The e-mail address is the customer: the plug-ins give every guest the user number 0.
"""

from __future__ import annotations

from dataclasses import replace

from features.reading.presets.preset import Preset

_UNPAID = ("pending", "pending payment", "on-hold", "failed", "checkout-draft", "draft")
_CANCELLED = ("cancelled", "canceled", "refunded")
_PARTS = {
    "email": ("email_billing", "billing_email", "customer_email", "customer_user_email"),
    "phone": ("phone_billing", "billing_phone"),
    "order_id": ("order_number", "order_id"),
    "ordered_at": ("order_date", "date"),
    "currency": ("currency", "order_currency"),
    "coupon": ("coupon_code", "coupons", "coupon_items"),
    "country": ("country_code_shipping", "shipping_country", "country_code_billing", "billing_country"),
    "status": ("order_status", "status"),
}

# Its columns are named in get_export_columns (the file that is mailed) and in the table of the page itself.
WOOCOMMERCE_ANALYTICS = Preset(
    name="woocommerce_analytics",
    parts={
        "customer_id": ("customer",),
        "order_id": ("order_#",),
        "ordered_at": ("date",),
        "amount": ("net_sales", "n_revenue", "net_revenue"),
        "quantity": ("items_sold",),
        "coupon": ("coupons",),
        "channel": ("attribution",),
        "status": ("status",),
    },
    required=("customer_id", "order_id", "ordered_at", "amount", "status"),
    signature=("customer_type", "products", "items_sold"),
    unpaid_statuses=_UNPAID,
    cancelled_statuses=("cancelled", "canceled"),
    notes=(
        "This report has no e-mail address: customers of one name are one customer. Prefer a plug-in's export.",
        "Refunds are rows of their own with a date: an order that was refunded later counts until then.",
    ),
)

# Advanced Order Export (algolplus) and Customer/Order/Coupon Export (a row per item).
WOOCOMMERCE_ITEMS = Preset(
    name="woocommerce_items",
    parts={
        **_PARTS,
        "line_id": ("item_id", "item_#"),
        "amount": ("order_line_total", "order_line_w/o_tax", "item_total"),
        "unit_price": ("item_cost",),
        "quantity": ("quantity", "item_quantity", "quantity_(-_refund)"),
        "discount": ("item_discount_amount",),
        "product_id": ("sku", "item_sku", "product_id", "item_product_id", "item_name"),
        "category": ("category",),
    },
    required=("email", "order_id", "ordered_at", "quantity", "status", "product_id"),
    order_parts=("email", "phone", "ordered_at", "currency", "country", "status"),
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=(
        "The amount is after discounts, without tax and shipping.",
        "Refunds have no date in this export: a refunded order is left out as a whole.",
    ),
)

_ORDERS = Preset(
    name="woocommerce_orders",
    parts={**_PARTS, "amount": ("order_subtotal_-_cart_discount",), "discount": ("cart_discount_amount",)},
    required=("email", "order_id", "ordered_at", "amount", "status"),
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=("Refunds have no date in this export: a refunded order is left out as a whole.",),
)
# The first whose columns are there: discount taken off; subtotal and discount apart; the total with all in it.
WOOCOMMERCE_ORDERS = (
    _ORDERS,
    replace(
        _ORDERS,
        parts={
            **_PARTS,
            "amount": ("order_subtotal_amount", "order_subtotal"),
            "discount": ("cart_discount_amount", "discount_total", "cart_discount"),
        },
        required=(*_ORDERS.required, "discount"),
        discount_included=False,
    ),
    replace(
        _ORDERS,
        parts={
            **_PARTS,
            "amount": ("order_total_amount", "order_total"),
            "discount": ("cart_discount_amount", "discount_total", "cart_discount"),
        },
        signature=("order_total",),
        notes=(*_ORDERS.notes, "The amount is the order's total: tax and shipping are in it."),
    ),
)
