"""The known exports are recognised by the columns that they really have, and each says what its amount is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DataError
from features.reading.mapping import Mapping, preset_notes, recognise
from features.reading.presets import GENERIC, PARTS, PRESET_NAMES, PRESETS, Preset, fold

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,"
    "Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Phone,Receipt Number,Duties,Billing Province Name,"
    "Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,Payment References"
)
WOO_ANALYTICS = (
    "Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Product(s),Items sold,Coupon(s),Net Sales,"
    "Attribution"
)
WOO_EXPORT = (
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),Company (Billing),"
    "Address 1&2 (Billing),City (Billing),State Code (Billing),Postcode (Billing),Country Code (Billing),"
    "Email (Billing),Phone (Billing),First Name (Shipping),Last Name (Shipping),Address 1&2 (Shipping),"
    "City (Shipping),State Code (Shipping),Postcode (Shipping),Country Code (Shipping),Payment Method Title,"
    "Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,Order Shipping Amount,Order Refund Amount,"
    "Order Total Amount,Order Total Tax Amount"
)
WOO_ITEMS = WOO_EXPORT + ",SKU,Item #,Item Name,Quantity (- Refund),Item Cost,Coupon Code,Discount Amount"
WOO_IMPORT_EXPORT = (
    "order_id,order_number,order_date,paid_date,status,shipping_total,shipping_tax_total,fee_total,fee_tax_total,"
    "tax_total,cart_discount,order_discount,discount_total,order_total,order_subtotal,order_currency,payment_method,"
    "payment_method_title,transaction_id,customer_ip_address,customer_user_agent,shipping_method,customer_id,"
    "customer_user,customer_email,billing_first_name,billing_last_name,billing_company,billing_email,billing_phone,"
    "billing_country,shipping_country,customer_note,wt_import_key,coupon_items"
)
MAGENTO_GRID = (
    "ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),Grand Total (Purchased),Status,"
    "Billing Address,Shipping Address,Shipping Information,Customer Email,Customer Group,Subtotal,"
    "Shipping and Handling,Customer Name,Payment Method,Total Refunded,Allocated sources"
)
MAGENTO_ORDERS = (
    "entity_id,state,status,coupon_code,store_id,customer_id,base_discount_amount,base_grand_total,"
    "base_shipping_amount,base_subtotal,base_tax_amount,discount_amount,grand_total,subtotal,total_qty_ordered,"
    "customer_email,increment_id,base_currency_code,order_currency_code,created_at,updated_at"
)
MAGENTO_ITEMS = (
    "increment_id,created_at,status,customer_id,customer_email,item_id,parent_item_id,product_type,sku,name,"
    "qty_ordered,price,base_price,row_total,base_row_total,discount_amount,base_discount_amount,base_cost,"
    "base_currency_code"
)
OLIST = (
    "order_id,order_item_id,product_id,seller_id,price,freight_value,customer_id,order_status,"
    "order_purchase_timestamp,customer_unique_id,customer_state,product_category_name,product_category_name_english"
)


def of(header: str) -> Mapping:
    return recognise(header.split(","))


def used(header: str, *parts: str) -> list[str | None]:
    return [of(header).columns.get(part) for part in parts]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (SHOPIFY, "shopify"),
        (WOO_ANALYTICS, "woocommerce_analytics"),
        (WOO_EXPORT, "woocommerce_orders"),
        (WOO_ITEMS, "woocommerce_items"),
        (WOO_IMPORT_EXPORT, "woocommerce_orders"),
        (MAGENTO_GRID, "magento_grid"),
        (MAGENTO_ORDERS, "magento_orders"),
        (MAGENTO_ITEMS, "magento_items"),
        (OLIST, "olist"),
        ("customer_id,date,number_of_cds,dollar_value", "cdnow"),
        ("master_id,sample_id,date,cds,amount", "cdnow_sample"),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            "online_retail",
        ),
        ("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country", "online_retail"),
        ("Email,Date,Total", "generic"),
        ("customer_id,order_id,order_date,sku,quantity,unit_price", "generic"),
    ],
)
def test_an_export_is_recognised_by_its_real_header(header: str, name: str) -> None:
    assert of(header).name == name


def test_shopify_pays_for_lines_less_their_discount() -> None:
    mapping = of(SHOPIFY)
    assert used(SHOPIFY, "unit_price", "quantity", "discount", "amount") == [
        "Lineitem price", "Lineitem quantity", "Lineitem discount", None,
    ]  # fmt: skip
    assert not mapping.discount_included and mapping.columns["order_id"] == "Name"


def test_shopify_orders_are_filled_down_from_their_first_row() -> None:
    filled = set(of(SHOPIFY).order_columns)
    assert filled == {
        "Email", "Phone", "Created at", "Currency", "Discount Code", "Source", "Shipping Country", "Financial Status",
        "Cancelled at",
    }  # fmt: skip


def test_shopify_counts_what_is_authorized_and_not_what_is_pending_or_voided() -> None:
    mapping = of(SHOPIFY)
    assert {"pending", "voided", "expired"} <= set(mapping.unpaid_statuses)
    assert mapping.cancelled_statuses == ("refunded",) and "authorized" not in mapping.unpaid_statuses


def test_shopify_without_line_items_takes_the_subtotal_after_discounts() -> None:
    header = ",".join(name for name in SHOPIFY.split(",") if not name.startswith("Lineitem"))
    mapping = of(header)
    assert (mapping.name, mapping.columns["amount"]) == ("shopify_orders", "Subtotal")
    assert mapping.discount_included and not mapping.order_columns


def test_woocommerce_analytics_keeps_refunded_orders_since_refunds_are_rows_of_their_own() -> None:
    mapping = of(WOO_ANALYTICS)
    assert used(WOO_ANALYTICS, "amount", "order_id", "quantity") == ["Net Sales", "Order #", "Items sold"]
    assert "refunded" not in mapping.cancelled_statuses


def test_woocommerce_keys_customers_by_address_since_all_guests_share_a_number() -> None:
    assert used(WOO_IMPORT_EXPORT, "customer_id", "email") == [None, "billing_email"]
    assert used(WOO_ITEMS, "customer_id", "email") == [None, "Email (Billing)"]


@pytest.mark.parametrize(
    ("header", "amount", "discount"),
    [
        (WOO_EXPORT, "Order Subtotal Amount", "Cart Discount Amount"),
        (WOO_IMPORT_EXPORT, "order_subtotal", "discount_total"),
        (MAGENTO_ORDERS, "base_subtotal", "base_discount_amount"),
        (MAGENTO_ITEMS, "base_row_total", "base_discount_amount"),
    ],
)
def test_a_subtotal_before_the_discount_has_it_taken_off(header: str, amount: str, discount: str) -> None:
    assert used(header, "amount", "discount") == [amount, discount]
    assert not of(header).discount_included


def test_woocommerce_items_are_priced_after_their_discount_and_have_a_line_key() -> None:
    assert used(WOO_ITEMS, "unit_price", "quantity", "line_id", "product_id", "amount") == [
        "Item Cost", "Quantity (- Refund)", "Item #", "SKU", None,
    ]  # fmt: skip
    assert of(WOO_ITEMS).discount_included


def test_woocommerce_without_a_subtotal_takes_the_total_and_says_so() -> None:
    header = WOO_IMPORT_EXPORT.replace("order_subtotal,", "")
    assert used(header, "amount") == ["order_total"] and of(header).discount_included
    assert any("tax and shipping are in it" in note for note in preset_notes(header.split(",")))


def test_magento_money_and_currency_belong_together() -> None:
    assert used(MAGENTO_ORDERS, "amount", "currency") == ["base_subtotal", "base_currency_code"]
    ordered = MAGENTO_ORDERS.replace("base_subtotal,", "").replace("base_grand_total,", "")
    assert used(ordered, "amount", "currency") == ["subtotal", "order_currency_code"]


def test_the_magento_grid_takes_goods_only_and_knows_labels_as_well_as_codes() -> None:
    mapping = of(MAGENTO_GRID)
    assert used(MAGENTO_GRID, "amount", "email", "order_id") == ["Subtotal", "Customer Email", "ID"]
    assert {"pendingpayment", "onhold", "holded"} <= {fold(word) for word in mapping.unpaid_statuses}
    assert {"canceled", "closed"} <= set(mapping.cancelled_statuses)


def test_the_magento_grid_without_addresses_names_its_customers_and_says_so() -> None:
    header = MAGENTO_GRID.replace("Customer Email,", "")
    assert used(header, "customer_id") == ["Customer Name"]
    assert any("one name are one customer" in note for note in preset_notes(header.split(",")))


def test_olist_knows_the_person_the_item_and_the_freight() -> None:
    assert used(OLIST, "customer_id", "line_id", "amount", "category") == [
        "customer_unique_id", "order_item_id", "price", "product_category_name_english",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "part", "column"),
    [
        ("user,created_at,total,Email", "email", "Email"),
        ("customer_email,date,total", "email", "customer_email"),
        ("user,date,total,Phone", "phone", "Phone"),
        ("user,date,total,Order Status", "status", "Order Status"),
        ("user,date,total,canceled_at", "cancelled_at", "canceled_at"),
        ("user,date,total,Currency Code", "currency", "Currency Code"),
        ("user,order_date,order_time,total", "ordered_time", "order_time"),
        ("user,date,time,total", "ordered_time", "time"),
    ],
)
def test_generic_files_have_the_new_parts(header: str, part: str, column: str) -> None:
    assert of(header).columns[part] == column


def test_a_time_stands_beside_a_date_only() -> None:
    assert "ordered_time" not in of("user,order_time,total").columns
    assert "ordered_time" not in of("user,timestamp,time,total").columns


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_presets_name_only_known_parts(preset: Preset) -> None:
    assert set(preset.parts) | set(preset.required) | set(preset.order_parts) <= set(PARTS)


def test_generic_is_asked_last() -> None:
    assert PRESETS[-1] is GENERIC and PRESET_NAMES[-1] == "generic"


NAMES = sorted({name for preset in PRESETS for names in preset.parts.values() for name in names})


@given(st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), max_size=25))
@settings(max_examples=150, deadline=None)
def test_any_column_names_are_recognised_or_refused_as_data(columns: list[str]) -> None:
    try:
        mapping = recognise(columns)
    except DataError:
        return
    assert set(mapping.columns.values()) <= set(columns)
    assert len(set(mapping.columns.values())) == len(mapping.columns)
