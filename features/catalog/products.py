"""What the customer buys: how much of it is new, how mixed, how popular, and what is due again."""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats


@feature("Distinct products ordered.", unit="products", family="products", needs=("product_id",))
def products(past: Past) -> Floats:
    return past.sum("new_products")


@feature(
    "Products new to the customer in 90 days.", unit="products", family="products", needs=("product_id",)
)
def new_products_90d(past: Past) -> Floats:
    return past.sum("new_products", days=90)


@feature("Distinct products over order lines.", unit="ratio", family="products", needs=("product_id",))
def product_variety(past: Past) -> Floats:
    return past.sum("new_products") / past.sum("lines")


@feature(
    "Products new to the customer over order lines, last 90 days.",
    unit="ratio", family="products", needs=("product_id",),
)  # fmt: skip
def new_product_share_90d(past: Past) -> Floats:
    return ratio(past.sum("new_products", days=90), past.sum("lines", days=90))


@feature("Share of lines with the commonest product.", unit="ratio", family="products", needs=("product_id",))
def product_mode_share(past: Past) -> Floats:
    return past.mode_share("product_id")


@feature("Distinct categories ordered.", unit="categories", family="products", needs=("category",))
def categories(past: Past) -> Floats:
    return past.sum("new_categories")


@feature(
    "Categories new to the customer in 90 days.", unit="categories", family="products", needs=("category",)
)
def new_categories_90d(past: Past) -> Floats:
    return past.sum("new_categories", days=90)


@feature("Share of lines with the commonest category.", unit="ratio", family="products", needs=("category",))
def category_mode_share(past: Past) -> Floats:
    return past.mode_share("category")


@feature("Entropy of the categories of all lines.", unit="nats", family="products", needs=("category",))
def category_entropy(past: Past) -> Floats:
    return past.entropy("category")


@feature("The last category is the commonest one.", unit="0 or 1", family="products", needs=("category",))
def category_last_is_mode(past: Past) -> Floats:
    mode = past.mode("category")
    return np.where(mode >= 0, past.last_code("category") == mode, np.nan)


@feature(
    "Days since something of the commonest category was ordered.",
    unit="days", family="products", needs=("category",),
)  # fmt: skip
def days_since_category_mode(past: Past) -> Floats:
    return past.day - past.mode_day("category")


# ---------------------------------------------------------------- against the population
@feature(
    "Commonest category, as its place by number of customers.",
    unit="rank", family="products", needs=("category",), needs_reference=("category_rank",),
)  # fmt: skip
def category_mode_rank(past: Past) -> Floats:
    return past.reference("category_rank", "category", past.mode("category"))


@feature(
    "Last category, as its place by number of customers.",
    unit="rank", family="products", needs=("category",), needs_reference=("category_rank",),
)  # fmt: skip
def category_last_rank(past: Past) -> Floats:
    return past.reference("category_rank", "category", past.last_code("category"))


@feature(
    "Mean popularity of the products of all lines.",
    unit="ratio", family="products", needs=("product_id",), needs_reference=("item_popularity",),
)  # fmt: skip
def product_popularity(past: Past) -> Floats:
    return past.reference_mean("item_popularity", "product_id")


@feature(
    "Mean popularity of the products of the last 90 days.",
    unit="ratio", family="products", needs=("product_id",), needs_reference=("item_popularity",),
)  # fmt: skip
def product_popularity_90d(past: Past) -> Floats:
    return past.reference_mean("item_popularity", "product_id", days=90)


@feature(
    "Popularity of the first product.",
    unit="ratio", family="products", needs=("product_id",), needs_reference=("item_popularity",),
)  # fmt: skip
def product_popularity_first(past: Past) -> Floats:
    return past.reference("item_popularity", "product_id", past.first_code("product_id"))


@feature(
    "Popularity of the last product.",
    unit="ratio", family="products", needs=("product_id",), needs_reference=("item_popularity",),
)  # fmt: skip
def product_popularity_last(past: Past) -> Floats:
    return past.reference("item_popularity", "product_id", past.last_code("product_id"))


@feature(
    "Replenishment clock: days after which customers usually order the commonest category again.",
    unit="days", family="products", needs=("category",), needs_reference=("category_clock",),
)  # fmt: skip
def category_clock_days(past: Past) -> Floats:
    return past.reference("category_clock", "category", past.mode("category"))


@feature(
    "Days since the commonest category was ordered over its replenishment clock.",
    unit="ratio", family="products", needs=("category",), needs_reference=("category_clock",),
)  # fmt: skip
def category_overdue(past: Past) -> Floats:
    return ratio(days_since_category_mode.compute(past), category_clock_days.compute(past))


FEATURES = Catalog.of_module(sys.modules[__name__])
