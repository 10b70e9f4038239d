"""Files of no known system whose columns have common names; line-level and order-level."""

from __future__ import annotations

from features.reading.presets.preset import Preset

GENERIC = Preset(
    name="generic",
    parts={
        "customer_id": (
            "customer_id", "customer", "customer_no", "customer_number", "customer_key", "cust_id",
            "client_id", "client", "user_id", "user", "member_id", "buyer_id", "shopper_id", "account_id",
            "household_id",
        ),
        "email": (
            "email", "e_mail", "email_address", "customer_email", "customer_email_address", "user_email",
            "client_email", "buyer_email", "billing_email", "contact_email",
        ),
        "phone": (
            "phone", "phone_number", "telephone", "mobile", "mobile_phone", "customer_phone", "billing_phone",
        ),
        "order_id": (
            "order_id", "order", "order_no", "order_number", "invoice", "invoice_no", "invoice_id",
            "invoice_number", "basket_id", "transaction_id", "receipt_id", "receipt_no",
        ),
        "line_id": ("line_id", "order_line_id", "order_item_id", "line_item_id", "line_number", "line_no"),
        "ordered_at": (
            "ordered_at", "order_date", "order_datetime", "order_timestamp", "order_time", "created_at",
            "purchased_at", "purchase_date", "invoice_date", "transaction_date", "transaction_timestamp",
            "transaction_time", "timestamp", "datetime", "date", "day",
        ),
        "ordered_time": (
            "order_time", "ordered_time", "time_of_order", "purchase_time", "transaction_time", "invoice_time",
            "trans_time", "time", "time_of_day",
        ),
        "amount": (
            "amount", "net_amount", "order_amount", "total_amount", "amount_paid", "total", "total_price",
            "order_total", "line_total", "order_value", "sales_value", "revenue", "sales", "spend",
            "dollar_value", "value",
        ),
        "quantity": ("quantity", "qty", "units", "item_count", "items", "number_of_items", "number_of_cds"),
        "unit_price": ("unit_price", "price", "item_price", "price_per_unit"),
        "discount": ("discount", "discount_amount"),
        "cost": ("cost", "cogs", "cost_of_goods"),
        "currency": ("currency", "currency_code", "order_currency", "order_currency_code"),
        "product_id": (
            "product_id", "product", "sku", "item_id", "item", "stock_code", "article_id", "article",
        ),
        "category": ("category", "product_category", "department"),
        "coupon": ("coupon", "coupon_code", "promo_code", "promotion_code", "voucher", "voucher_code"),
        "channel": ("channel", "sales_channel", "order_channel"),
        "country": ("country", "country_code", "ship_country", "shipping_country"),
        "returned": ("returned", "is_return", "is_returned", "refunded", "is_refund"),
        "status": ("order_status", "status", "financial_status", "payment_status"),
        "cancelled_at": (
            "cancelled_at", "canceled_at", "cancellation_date", "cancelled_date", "canceled_date", "cancel_date",
        ),
    },
    required=("ordered_at",),
)  # fmt: skip
