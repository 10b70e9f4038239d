"""Which features tell the same idea: many are variants of one, as orders_30d, orders_90d and active_weeks.

A feature of a data scientist's own belongs to the idea of the shipped feature that differs in the number of days
alone (orders_45d goes with orders_90d); else it is an idea of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from features.catalog import CATALOG
from features.kernel.declaration import Feature

# Each idea with its features; <d> stands for any number of days (or weeks).
IDEAS: dict[str, tuple[str, ...]] = {
    "last order": ("recency_days", "recency_share"),
    "orders so far": ("frequency", "recency", "tenure", "orders", "lines", "order_rate"),
    "sign-up": ("days_since_signup", "signup_to_order_days"),
    "recent orders": (
        "orders_<d>d", "orders_week_<d>", "active_weeks", "active_months", "days_since_second_last",
        "days_since_third_last", "days_since_fifth_last",
    ),
    "trend of orders": (
        "orders_trend_<d>d", "orders_share_<d>d", "orders_half_year_trend", "orders_growth_<d>d", "gap_trend",
        "gap_recent_trend",
    ),
    "time between orders": (
        "gap_mean", "gap_log_mean", "gap_last", "gap_before_last", "gap_longest", "gap_first", "gap_recent_mean",
    ),
    "regularity": ("gap_deviation", "gap_variation", "regularity", "clumpiness"),
    "next order due": ("overdue_ratio", "overdue_longest", "overdue_deviations", "overdue_log"),
    "basket size": (
        "lines_per_order", "items_per_order", "orders_per_day", "items_first", "items_last", "lines_first",
        "lines_last",
    ),
    "spend so far": ("spend", "spend_rate"),
    "recent spend": ("spend_<d>d", "spend_week_<d>"),
    "trend of spend": ("spend_trend_<d>d", "spend_share_<d>d", "spend_growth_<d>d", "order_value_trend"),
    "order value": (
        "monetary_value", "order_value", "order_value_<d>d", "amount_log_mean", "amount_deviation", "amount_largest",
        "amount_last", "amount_first", "amount_last_share", "amount_before_last", "amount_variation",
        "cohort_spend_ratio",
    ),
    "price level": ("item_price", "item_price_first"),
    "margin": ("margin_share", "margin_per_order", "margin_<d>d"),
    "variety": (
        "products", "new_products_<d>d", "product_variety", "new_product_share_<d>d", "categories",
        "new_categories_<d>d", "category_entropy", "products_first", "categories_first", "product_mode_share",
        "category_mode_share", "category_last_is_mode",
    ),
    "category": ("category_mode_rank", "category_last_rank"),
    "popularity of products": (
        "product_popularity", "product_popularity_<d>d", "product_popularity_first", "product_popularity_last",
    ),
    "time to buy again": ("category_clock_days", "category_overdue", "days_since_category_mode"),
    "discounts": (
        "discount_share", "discount_share_<d>d", "discount_trend", "discounted_lines_share", "discount_day_share",
        "discount_last", "days_since_discount", "discount_share_first", "free_share",
    ),
    "coupons": (
        "coupon_share", "coupon_share_<d>d", "coupon_day_share", "days_since_coupon", "coupons", "coupon_first",
    ),
    "returns": (
        "refund_share", "return_rate", "returns_<d>d", "cancellations", "days_since_return", "refunds_<d>d",
        "refund_share_<d>d", "cancellation_rate",
    ),
    "e-mails": (
        "email_open_rate_<d>d", "email_click_rate_<d>d", "days_since_email_open", "days_since_email_click",
        "subscriber_active", "unsubscribed", "email_opens_<d>d", "email_clicks_<d>d",
    ),
    "visits": ("days_since_visit", "visits_trend_<d>d", "visits_per_order", "visits_<d>d"),
    "carts": ("cart_adds_<d>d", "days_since_cart_add", "cart_abandons_<d>d", "cart_abandon_share"),
    "messages": ("messages_read_<d>d",),
    "channel": (
        "channels", "channel_mode_share", "channel_switched", "channel_mode_rank", "channel_last_rank",
        "channel_first_rank",
    ),
    "country": ("country_rank",),
    "age": ("age", "age_band"),
    "gender": ("gender_rank",),
    "region": ("region_rank",),
    "device": ("device_rank",),
    "consent": ("consent_email", "consent_sms", "consent_push"),
    "days of the week": (
        "weekend_share", "weekday_last", "weekday_first", "weekday_mode_share", "monday_share", "tuesday_share",
        "wednesday_share", "thursday_share", "friday_share", "saturday_share", "sunday_share",
    ),
    "time of day": (
        "hour_mean", "hour_first", "hour_last", "evening_share", "night_share", "morning_share",
    ),
    "day of the month": ("month_day_mean",),
    "orders at Christmas": ("holiday_share", "holiday_first"),
    "this season last year": (
        "season_share_<d>d", "orders_year_ago_<d>d", "spend_year_ago_<d>d", "orders_season_<d>d",
        "spend_season_<d>d",
    ),
}  # fmt: skip
_BY_STEM = {stem: idea for idea, stems in IDEAS.items() for stem in stems}
_DAYS = re.compile(r"(?<=_)\d+(?=d$|$)")


def idea_of(one: Feature) -> str:
    """Return the idea that a feature tells."""
    stem = _DAYS.sub("<d>", one.name)
    own = stem.replace("<d>d", "").replace("<d>", "").strip("_").replace("_", " ")
    return _BY_STEM.get(one.name) or _BY_STEM.get(stem) or own or one.name


def ideas(features: Iterable[Feature] = CATALOG) -> dict[str, str]:
    """Return name -> idea of features."""
    return {one.name: idea_of(one) for one in features}
