"""Real tables, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.days import parse_day
from features.tables.contacts import read_contacts
from features.tables.customers import read_customers
from features.tables.events import read_events
from features.tables.mapping import TableMapping
from features.tables.products import read_products

DATA = Path(__file__).parents[4] / "shared/data"
JOURNEY, HILLSTROM = DATA / "completejourney_partial", DATA / "hillstrom_email"
UNTIL = parse_day("2018-01-01")
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data sets are not at hand")


def test_households_have_an_age_of_a_band() -> None:
    reading = read_customers(JOURNEY / "demographics.parquet", until=UNTIL, timezone="UTC")
    assert reading.report.kept == 801 and reading.report.emptied == {}
    assert set(reading.customers["age"].to_pylist()) == {21.5, 29.5, 39.5, 49.5, 59.5, 70.0}


def test_products_have_a_category() -> None:
    reading = read_products(JOURNEY / "products.parquet", until=UNTIL, timezone="UTC")
    assert (reading.report.kept, reading.report.refused) == (92_331, 0)


def test_campaigns_are_contacts_with_a_day_that_is_told() -> None:
    columns = {"campaign_id": "campaign_id", "customer_id": "household_id"}
    mapping = TableMapping(name="x", columns=columns, constants={"sent_at": "2017-03-03"})
    reading = read_contacts(JOURNEY / "campaigns.parquet", mapping=mapping, until=UNTIL, timezone="UTC")
    assert reading.report.kept == 6_589


def test_redeemed_coupons_are_events() -> None:
    columns = {"customer_id": "household_id", "occurred_at": "redemption_date", "campaign_id": "campaign_id"}
    mapping = TableMapping(
        name="x", columns=columns | {"product_id": "coupon_upc"}, constants={"kind": "redeemed"}
    )
    reading = read_events(
        JOURNEY / "coupon_redemptions.parquet", mapping=mapping, until=UNTIL, timezone="UTC"
    )
    assert reading.report.kept + reading.report.merged.get("same_event", 0) == 2_102


def test_hillstroms_test_has_its_three_arms() -> None:
    mapping = TableMapping(
        name="hillstrom",
        columns={"arm": "segment", "offer": "segment", "revenue": "spend"},
        constants={"campaign_id": "1", "sent_at": "2008-03-01"},
        words={"Mens E-Mail": "treated", "Womens E-Mail": "treated"},
        number_rows=True,
    )
    rows = read_contacts(HILLSTROM / "customers.parquet", mapping=mapping, until=UNTIL, timezone="UTC").rows
    assert rows["arm"].to_pylist().count("control") == 21_306
