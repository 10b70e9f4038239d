"""The exports that are recognised by their columns: the first preset that fits wins.

preset       what a preset is, the parts, and how columns are fitted to them
shopify, woocommerce, magento, olist    shop systems; samples: Online Retail and CDNOW
generic      any other file with common column names, line-level or order-level
"""

from __future__ import annotations

from features.reading.presets.generic import GENERIC
from features.reading.presets.magento import MAGENTO_GRID, MAGENTO_ITEMS, MAGENTO_ORDERS
from features.reading.presets.olist import OLIST
from features.reading.presets.preset import (
    CANCELLED,
    IDS,
    NEEDED,
    NO_CURRENCY,
    NUMBERS,
    PARTS,
    PERSONAL,
    TEXTS,
    TIMES,
    UNPAID,
    Preset,
    find_parts,
    fits,
    fold,
)
from features.reading.presets.samples import CDNOW, CDNOW_SAMPLE, CDNOW_SAMPLE_COLUMNS, ONLINE_RETAIL
from features.reading.presets.shopify import SHOPIFY, SHOPIFY_ORDERS
from features.reading.presets.woocommerce import WOOCOMMERCE_ANALYTICS, WOOCOMMERCE_ITEMS, WOOCOMMERCE_ORDERS

# Several entries of one name are layouts of one export. Lines come before orders: their columns say more.
PRESETS = (
    ONLINE_RETAIL, CDNOW, CDNOW_SAMPLE, OLIST, SHOPIFY, SHOPIFY_ORDERS, WOOCOMMERCE_ITEMS, *WOOCOMMERCE_ORDERS,
    WOOCOMMERCE_ANALYTICS, *MAGENTO_ITEMS, *MAGENTO_ORDERS, *MAGENTO_GRID, GENERIC,
)  # fmt: skip
PRESET_NAMES = tuple(dict.fromkeys(preset.name for preset in PRESETS))

__all__ = [
    "CANCELLED", "CDNOW_SAMPLE_COLUMNS", "GENERIC", "IDS", "NEEDED", "NO_CURRENCY", "NUMBERS", "PARTS", "PERSONAL",
    "PRESETS", "PRESET_NAMES", "TEXTS", "TIMES", "UNPAID", "Preset", "find_parts", "fits", "fold",
]  # fmt: skip
