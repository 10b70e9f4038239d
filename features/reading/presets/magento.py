"""Magento 2 (Adobe Commerce): the orders grid, and exports of its order and order-item tables.

Money in the shop's own currency (`base_…`) is preferred to that of the order. An item's or an order's subtotal is
before the discount; tax and shipping stand apart.
"""

from __future__ import annotations

from dataclasses import replace

from features.reading.presets.preset import Preset

_UNPAID = ("pending_payment", "holded", "on hold", "payment_review", "fraud", "suspected fraud")
_CANCELLED = ("canceled", "cancelled", "closed")
_REFUNDS = "Credit memos have no date in this export: a closed (refunded) order is left out as a whole."

_GRID = Preset(
    name="magento_grid",
    parts={
        "email": ("customer_email",),
        "order_id": ("id",),
        "ordered_at": ("purchase_date",),
        "amount": ("subtotal", "grand_total_(base)"),
        "channel": ("purchase_point",),
        "status": ("status",),
    },
    required=("email", "order_id", "ordered_at", "amount", "status"),
    signature=("grand_total_(base)",),
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=(
        "The amount is Subtotal: before discounts (the grid has none), without tax and shipping; where it is "
        "missing, Grand Total (Base) with both.",
        _REFUNDS,
    ),
)
MAGENTO_GRID = (
    _GRID,
    replace(
        _GRID,
        parts={**_GRID.parts, "email": (), "customer_id": ("customer_name", "bill_to_name")},
        required=("customer_id", "order_id", "ordered_at", "amount", "status"),
        notes=(
            *_GRID.notes,
            "There is no Customer Email: customers of one name are one customer. Export it too.",
        ),
    ),
)

_ORDER = {
    "customer_id": ("customer_id",),
    "email": ("customer_email",),
    "phone": ("billing_telephone", "telephone"),
    "order_id": ("increment_id",),
    "ordered_at": ("created_at", "order_created_at"),
    "coupon": ("coupon_code",),
    "channel": ("store_name", "store_id"),
    "country": ("shipping_country_id", "billing_country_id"),
    "status": ("status", "order_status", "state"),
}
_BASE_CURRENCY = ("base_currency_code",)
_ORDER_CURRENCY = ("order_currency_code",)

_ORDERS = Preset(
    name="magento_orders",
    parts={
        **_ORDER,
        "amount": ("base_subtotal",),
        "discount": ("base_discount_amount",),
        "quantity": ("total_qty_ordered",),
        "currency": _BASE_CURRENCY,
    },
    required=("order_id", "ordered_at", "amount", "discount", "status"),
    discount_included=False,
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=("The amount is the subtotal less the discount, without tax and shipping.", _REFUNDS),
)
_IN_ORDER_CURRENCY = {**_ORDERS.parts, "currency": _ORDER_CURRENCY}
MAGENTO_ORDERS = (
    _ORDERS,
    replace(_ORDERS, parts={**_IN_ORDER_CURRENCY, "amount": ("subtotal",), "discount": ("discount_amount",)}),
    replace(
        _ORDERS,
        parts={**_ORDERS.parts, "amount": ("base_grand_total",), "discount": ()},
        required=("order_id", "ordered_at", "amount", "status"),
        notes=("The amount is the grand total: tax and shipping are in it.", _REFUNDS),
    ),
    replace(
        _ORDERS,
        parts={**_IN_ORDER_CURRENCY, "amount": ("grand_total",), "discount": ()},
        required=("order_id", "ordered_at", "amount", "status"),
        notes=("The amount is the grand total: tax and shipping are in it.", _REFUNDS),
    ),
)

_ITEMS = Preset(
    name="magento_items",
    parts={
        **_ORDER,
        "order_id": ("increment_id", "order_increment_id", "order_id"),
        "line_id": ("item_id", "item:item_id"),
        "amount": ("base_row_total", "item:base_row_total"),
        "discount": ("base_discount_amount", "item:base_discount_amount"),
        "quantity": ("qty_ordered", "item:qty_ordered"),
        "unit_price": ("base_price", "item:base_price"),
        "cost": ("base_cost", "item:base_cost"),
        "product_id": ("sku", "item:sku", "product_id"),
        "currency": _BASE_CURRENCY,
    },
    required=("order_id", "ordered_at", "amount", "quantity", "product_id"),
    order_parts=(
        "customer_id", "email", "phone", "ordered_at", "coupon", "channel", "country", "status", "currency",
    ),
    discount_included=False,
    unpaid_statuses=_UNPAID,
    cancelled_statuses=_CANCELLED,
    notes=(
        "The amount is the row total less its discount, without tax and shipping.",
        "A configurable product has a row of its own and one of its variant without money: both are lines.",
        _REFUNDS,
    ),
)  # fmt: skip
MAGENTO_ITEMS = (
    # Item columns with a prefix first: the same names without it are then the order's own.
    replace(
        _ITEMS,
        parts={
            **_ITEMS.parts,
            **{part: tuple(name for name in names if name.startswith("item:"))
               for part, names in _ITEMS.parts.items()
               if part in ("line_id", "amount", "discount", "quantity", "unit_price", "cost", "product_id")},
        },
    ),
    _ITEMS,
    replace(
        _ITEMS,
        parts={
            **_ITEMS.parts,
            "amount": ("row_total", "item:row_total"),
            "discount": ("discount_amount", "item:discount_amount"),
            "unit_price": ("price", "item:price"),
            "cost": (),
            "currency": _ORDER_CURRENCY,
        },
    ),
)  # fmt: skip
