"""The tables that pass between rooms: their keys, columns, types and units."""

from __future__ import annotations

import pyarrow as pa

# One kept row of an order history. Sorted by (customer_id, day, ordered_at, order_id, line).
# A sale line has quantity > 0. A line that takes something back has `returned` true, a quantity below
# zero and an amount of at most 0, and stands at its own time. Where it undoes one whole earlier sale line
# it is a cancellation: it has `reverses` true, and the sale line it undoes has `cancelled_day` set to the
# day of the cancellation, so that the sale is an order before that day and none from that day on.
ORDER_LINES = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("ordered_at", pa.timestamp("us"), nullable=False),  # the shop's local time
        pa.field("day", pa.int32(), nullable=False),  # the shop's local calendar day
        pa.field("amount", pa.float64(), nullable=False),  # currency; paid for goods after discount
        pa.field("quantity", pa.float64(), nullable=False),
        pa.field("returned", pa.bool_(), nullable=False),
        pa.field("reverses", pa.bool_(), nullable=False),
        pa.field("cancelled_day", pa.int32()),  # null: never cancelled
        # Optional columns: present in the table only where the source has them.
        pa.field("unit_price", pa.float64()),
        pa.field("product_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("discount", pa.float64()),  # currency, at least 0
        pa.field("coupon", pa.string()),
        pa.field("cost", pa.float64()),
        pa.field("channel", pa.string()),
        pa.field("country", pa.string()),
    ]
)
REQUIRED_LINE_COLUMNS = tuple(ORDER_LINES.names[:10])
OPTIONAL_LINE_COLUMNS = tuple(ORDER_LINES.names[10:])
# Lines of one order and time are numbered by their content: by these columns, then by quantity and amount.
NUMBERED_BY = (
    "product_id", "category", "coupon", "channel", "country", "unit_price", "discount", "cost",
)  # fmt: skip

# The other tables of a shop. Each is optional; each is read up to the as-of day like the orders.
EVENT_KINDS = (
    "email_sent", "email_open", "email_click", "unsubscribe", "visit", "cart_add", "cart_abandon",
    "message_read",
)  # fmt: skip
EVENTS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("occurred_at", pa.timestamp("us"), nullable=False),  # the shop's local time
        pa.field("day", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # one of EVENT_KINDS, or the shop's own word
        pa.field("channel", pa.string()),
        pa.field("campaign_id", pa.string()),
        pa.field("product_id", pa.string()),
    ]
)
# One row per customer. Attributes count from `known_day` on (null: always known).
CUSTOMERS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("known_day", pa.int32()),
        pa.field("birth_date", pa.date32()),
        pa.field("age", pa.float64()),  # years on `known_day`, where there is no birth date
        pa.field("gender", pa.string()),
        pa.field("region", pa.string()),
        pa.field("device", pa.string()),
        pa.field("signed_up_day", pa.int32()),
        pa.field("consent_email", pa.bool_()),
        pa.field("consent_sms", pa.bool_()),
        pa.field("consent_push", pa.bool_()),
    ]
)
# Personal data: a file of its own, opened only for exports and to find one person under several ids.
PERSONAL = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("known_day", pa.int32()),
        pa.field("email", pa.string()),
        pa.field("phone", pa.string()),  # E.164
    ]
)
PRODUCTS = pa.schema(
    [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("price", pa.float64()),
        pa.field("cost", pa.float64()),
    ]
)
CONTACTS = pa.schema(
    [
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("sent_at", pa.timestamp("us"), nullable=False),
        pa.field("day", pa.int32(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),  # treated or control
        pa.field("offer", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("cost", pa.float64()),
        pa.field("delivered", pa.bool_()),
        pa.field("opened_at", pa.timestamp("us")),
        pa.field("clicked_at", pa.timestamp("us")),
        pa.field("converted_at", pa.timestamp("us")),
        pa.field("revenue", pa.float64()),
        pa.field("unsubscribed_at", pa.timestamp("us")),
    ]
)

DEFAULT_HORIZONS = (30, 90, 180, 365)
# What is answered for each horizon (days); 8 of 10 values lie between value_lower and value_upper.
PER_HORIZON = ("p_repurchase", "expected_orders", "expected_value", "value_lower", "value_upper")
# Horizons at which every customer's curve h -> P(order within h days) is stored.
CURVE_KNOTS = (7, 14, 30, 60, 90, 120, 180, 270, 365)


def scores_schema(horizons: tuple[int, ...]) -> pa.Schema:
    """Return the columns of the scores table for these horizons (days)."""
    per_horizon = [
        pa.field(f"{name}_{h}d", pa.float64(), nullable=False) for name in PER_HORIZON for h in horizons
    ]
    return pa.schema(
        [
            pa.field("customer_id", pa.string(), nullable=False),
            pa.field("as_of", pa.date32(), nullable=False),
            pa.field("rank", pa.int64(), nullable=False),  # 1 is best; unique
            pa.field("percentile", pa.float64(), nullable=False),  # 100 is best; ties share
            pa.field("p_alive", pa.float64(), nullable=False),
            *per_horizon,
            pa.field("clv", pa.float64(), nullable=False),  # currency, over the span in the manifest
            pa.field("clv_lower", pa.float64(), nullable=False),  # 8 of 10 lie between these two
            pa.field("clv_upper", pa.float64(), nullable=False),
            pa.field("clv_variance", pa.float64(), nullable=False),  # around the level that all share
            pa.field("next_order_p10", pa.date32()),  # given an order within 365 days; null if under 5 %
            pa.field("next_order_p50", pa.date32()),
            pa.field("next_order_p90", pa.date32()),
            pa.field("tier", pa.string()),
            pa.field("lifecycle", pa.string()),
            pa.field("segment", pa.string()),
            pa.field("country", pa.string()),  # of the last order; null where the orders have none
            pa.field("confidence", pa.string(), nullable=False),  # high, medium, low
            pa.field("confidence_reason", pa.string(), nullable=False),
            pa.field("recency_days", pa.int32(), nullable=False),  # last order day to as_of
            pa.field("frequency", pa.int32(), nullable=False),  # order days - 1
            pa.field("monetary_value", pa.float64(), nullable=False),  # mean amount per order day
            pa.field("curve", pa.list_(pa.float64()), nullable=False),  # P at CURVE_KNOTS
            pa.field("model", pa.string(), nullable=False),
            pa.field("model_version", pa.string(), nullable=False),
            pa.field("currency", pa.string(), nullable=False),
            pa.field("scored_at", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("valid_until", pa.date32(), nullable=False),
        ]
    )
