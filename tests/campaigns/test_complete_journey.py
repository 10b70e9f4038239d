"""The Complete Journey (a sample of lines), joined with campaigns, coupons, demographics and products: every command.

The joins stand here as a data scientist would write them; each figure is computed a second time with pandas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.campaigns.test_orders_alone import Said, rows_of, say

DATA = Path(__file__).parents[3] / "shared/data/completejourney_partial"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not DATA.exists(), reason="The Complete Journey is not at hand"),
]
AS_OF = pd.Timestamp("2017-12-31")
MOST_PIECES = 50  # above that a quantity is a measure: fuel is counted in thousandths of a gallon

SHOP = """currency = "USD"
timezone = "America/New_York"

[columns]
customer_id = "household_id"
order_id = "basket_id"
ordered_at = "transaction_timestamp"
amount = "sales_value"
quantity = "quantity"
product_id = "product_id"
discount = "discount"
coupon = "coupon"
channel = "store_id"
"""
SEGMENTS = """[segments.middle_aged]
label = "35 to 54"
says = "Between 35 and 54 years old."
when = "35 <= age < 55"

[segments.home_store]
label = "Home store {value}"
says = "The store in which the household buys most; known of those who gave their data."
when = "orders >= 1"
each = "region"
most = 3
least = 10

[segments.best_with_coupons]
label = "Best, with coupons"
says = "Has used a coupon, and is in the fifth with the highest expected value."
when = "coupon_day_share > 0 and top(expected_value_90d, 0.2)"
"""
PLANS = """[plans.january]
label = "January"
weeks = 2
budget = 300
margin = 0.25
unknown_reach = "allow"
channels = ["post", "email"]
"""


# ---------------------------------------------------------------- the joins
def read(name: str) -> pd.DataFrame:
    return pd.read_parquet(DATA / f"{name}.parquet")


def lines() -> pd.DataFrame:
    """Return the order lines with times in UTC, discounts added up, and coupons named."""
    found = read("transactions_sample")
    discounts = found[["retail_disc", "coupon_disc", "coupon_match_disc"]].sum(axis=1)
    return found.assign(
        transaction_timestamp=found["transaction_timestamp"].dt.tz_localize("UTC"),
        quantity=found["quantity"].where(found["quantity"] <= MOST_PIECES, 1.0),
        discount=discounts,
        coupon=(found["coupon_disc"] > 0).map({True: "coupon", False: None}),
    )


def contacts() -> pd.DataFrame:
    """Return who was sent which campaign, when it began, and when the first of its coupons was redeemed."""
    keys = ["campaign_id", "household_id"]
    redeemed = read("coupon_redemptions").groupby(keys, as_index=False)["redemption_date"].min()
    joined = read("campaigns").merge(read("campaign_descriptions"), on="campaign_id")
    joined = joined.merge(redeemed, on=keys, how="left").assign(channel="post")
    names = {"start_date": "sent_at", "campaign_type": "offer", "redemption_date": "converted_at"}
    return joined.rename(columns=names)[[*keys, "sent_at", "offer", "channel", "converted_at"]]


def customers() -> pd.DataFrame:
    """Return the demographics, and as region the store in which the household has most lines."""
    stores = read("transactions_sample").groupby("household_id")["store_id"].agg(lambda one: one.mode()[0])
    joined = read("demographics").merge(stores.rename("region"), on="household_id", how="left")
    return joined[["household_id", "age", "region"]]


def kept() -> pd.DataFrame:
    """Return the sale lines that cleaning keeps, with the local day."""
    found = lines()
    found = found[found["quantity"] > 0]
    local = found["transaction_timestamp"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    return found.assign(day=local.dt.normalize())


def order_days() -> pd.DataFrame:
    """Return one row per household and order day, in order."""
    days = kept()[["household_id", "day"]].drop_duplicates().sort_values(["household_id", "day"])
    return days.reset_index(drop=True)


@dataclass(frozen=True)
class Journey:
    """The folder of all files, and what each command said."""

    folder: Path
    said: dict[str, Said]

    def rows(self, name: str) -> list[dict[str, str]]:
        return rows_of(self.folder / name)


def write_tables(folder: Path) -> None:
    lines().to_parquet(folder / "orders.parquet")
    contacts().to_csv(folder / "contacts.csv", index=False)
    customers().to_csv(folder / "customers.csv", index=False)
    ages = customers().rename(columns={"household_id": "customer_id"})
    ages[["customer_id", "age"]].to_csv(folder / "ages.csv", index=False)
    products = read("products").rename(columns={"product_category": "category"})
    products[["product_id", "category", "department"]].to_csv(folder / "products.csv", index=False)
    events = read("coupon_redemptions").assign(kind="coupon_redeemed")
    events[["household_id", "redemption_date", "kind", "campaign_id"]].to_csv(
        folder / "events.csv", index=False
    )
    recipe = 'model = "bgnbd"\ncutoffs = 4\n'
    files = {"shop": SHOP, "segments": SEGMENTS, "plan": PLANS, "recipe": recipe}
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Run all commands, one after the other, on the joined tables."""
    folder = tmp_path_factory.mktemp("journey")
    write_tables(folder)
    orders = ("orders.parquet", "--map", "shop.toml")
    three = ("--customers", "customers.csv", "--products", "products.csv", "--events", "events.csv")
    every = (*orders, *three, "--contacts", "contacts.csv")
    scored = ("--ranking", "ranking")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        said = {
            "check": say("check", *every),
            "train": say("train", *every, "--recipe", "recipe.toml", "--shop", "cj", "--out", "model"),
            "rank": say("rank", *every, "--model", "model", "--out", "ranking"),
            "diagnose": say("diagnose", *orders, *three[2:4], "--out", "diagnosis"),
            "screen": say("screen", *every, *scored, "--out", "screened"),
            "segments": say(
                "segments", *orders, *three, *scored, "--segments", "segments.toml", "--out", "segments"
            ),
            "results": say("results", "contacts.csv", "--out", "results"),
            "results of orders": say(
                "results", "contacts.csv", "--orders", *orders, "--groups", "ages.csv", "--out", "sales",
            ),
            "plan": say(
                "plan", *every, *scored, "--plan", "plan.toml", "--campaign", "january", "--out", "plan"
            ),
            "products": say("products", *orders, *three[2:4], *scored, "--out", "products"),
            "triggers": say("triggers", *every, *scored, "--out", "due.csv"),
        }  # fmt: skip
    yield Journey(folder, said)


# ---------------------------------------------------------------- all of it works
def test_every_command_ends_well(journey: Journey) -> None:
    failed = {name: one.text for name, one in journey.said.items() if one.code}
    assert failed == {}


def test_each_row_of_the_source_is_accounted_for(journey: Journey) -> None:
    assert (len(lines()), len(kept()), len(lines()) - len(kept())) == (75_000, 74_584, 416)
    for words in (
        "74,584",
        "refused: zero_quantity",
        "6,589 rows read, 6,589 kept",
        "801 rows read, 801 kept",
    ):
        assert words in journey.said["check"].text


def test_every_customer_is_ranked_once_with_tier_stage_and_group(journey: Journey) -> None:
    scores = pq.read_table(next(journey.folder.glob("ranking/**/scores.parquet"))).to_pandas()
    assert sorted(scores["customer_id"]) == sorted(kept()["household_id"].unique())
    assert scores[["tier", "lifecycle", "segment"]].notna().all(axis=None)
    assert set(scores["tier"]) == {"focus", "cultivate", "reduce"}


# ---------------------------------------------------------------- figures, a second time
def test_the_repurchase_rate_is_that_of_pandas(journey: Journey) -> None:
    days = order_days().groupby("household_id")["day"]
    first = days.nth(0).set_axis(list(days.groups))
    second = order_days()[days.cumcount() == 1].set_index("household_id")["day"].reindex(first.index)
    watched = first + pd.Timedelta(days=90) <= AS_OF
    again = int(((second - first).dt.days[watched] <= 90).sum())
    told = json.loads((journey.folder / "diagnosis/diagnosis.json").read_text())
    rate = told["rates"]["repurchase_rate_90d"]
    assert (rate["count"], rate["of"]) == (again, int(watched.sum()))


def test_a_segment_by_age_is_that_of_the_demographics(journey: Journey) -> None:
    sizes = {row["label"]: row["customers"] for row in journey.rows("segments/sizes.csv")}
    age = customers()["age"].value_counts()
    assert sizes["35 to 54"] == str(age["35-44"] + age["45-54"]) == "482"


def test_the_segments_by_region_are_the_three_largest_stores(journey: Journey) -> None:
    labels = {row["label"]: int(row["customers"]) for row in journey.rows("segments/sizes.csv")}
    found = {label: count for label, count in labels.items() if label.startswith("Home store ")}
    rest = {label for label in found if "…" in label}
    stores = customers()["region"].value_counts()
    assert len(rest) == 1
    assert {label: stores[label.split()[-1]] for label in found.keys() - rest} == {
        label: found[label] for label in found.keys() - rest
    }
    assert sorted(found[label] for label in found.keys() - rest) == sorted(stores.iloc[:3])


def test_redeemed_coupons_do_not_pass_for_carts_or_visits(journey: Journey) -> None:
    assert (
        "The events hold no e-mails (email_sent), no visits (visit), no carts"
        in journey.said["segments"].text
    )


def test_the_screening_labels_the_age_of_those_who_gave_it(journey: Journey) -> None:
    labels = pq.read_table(journey.folder / "screened/labels.parquet").to_pandas()
    assert len(labels) == kept()["household_id"].nunique()
    assert (labels["age_band"] != "unknown").sum() == 801
    assert "email: 0 yes, 0 no, 2,373 unknown" in journey.said["screen"].text


def test_redeemed_coupons_are_the_conversions_of_the_campaigns(journey: Journey) -> None:
    redeemed = contacts().dropna(subset="converted_at").groupby("campaign_id").size()
    rows = [row for row in journey.rows("results/response.csv") if row["by"] == "all"]
    found = {row["campaign_id"]: int(row["converted"]) for row in rows if int(row["converted"])}
    assert found == redeemed.to_dict()
    assert (len(rows), sum(found.values())) == (27, 792)


def test_the_orders_after_a_campaign_are_counted_as_pandas_counts_them(journey: Journey) -> None:
    sent = contacts().query("campaign_id == '13'").merge(kept(), on="household_id")
    after = sent[(sent["day"] - sent["sent_at"]).dt.days.between(0, 29)]
    (row,) = (
        one for one in journey.rows("sales/response.csv") if (one["campaign_id"], one["by"]) == ("13", "all")
    )
    assert int(row["contacts"]) == 1077
    assert int(row["converted"]) == after["household_id"].nunique() == 887
    assert float(row["revenue"]) == pytest.approx(after["sales_value"].sum())


def test_the_answers_by_age_are_counted_as_pandas_counts_them(journey: Journey) -> None:
    sent = contacts().query("campaign_id == '13'").merge(customers(), on="household_id", how="left")
    ages = sent["age"].astype(object).fillna("").value_counts()
    rows = [row for row in journey.rows("sales/response.csv") if row["campaign_id"] == "13"]
    found = {row["group"]: int(row["contacts"]) for row in rows if row["by"] == "age"}
    assert found == ages.to_dict()


def test_without_a_control_no_effect_is_claimed(journey: Journey) -> None:
    assert "had no control: what the messages caused cannot be measured" in journey.said["results"].text
    assert not (journey.folder / "results/effects.csv").exists()
    assert "so all effects stay assumed" in journey.said["plan"].text


def test_the_plan_keeps_its_limits_and_leaves_the_control_alone(journey: Journey) -> None:
    plan = pq.read_table(journey.folder / "plan/plan.parquet").to_pandas()
    made = plan[plan["action"] == "contact"]
    assert sorted(plan["customer_id"]) == sorted(kept()["household_id"].unique())
    assert 0 < made["expected_cost"].sum() <= 300
    assert set(made["channel"]) <= {"post", "email"}
    assert set(made["arm"]) == {"treated"}
    assert (made["expected_profit"] >= 0).all()
    assert made["send_at"].between(AS_OF, AS_OF + pd.Timedelta(days=15)).all()


def test_bestsellers_are_those_with_most_buyers_in_30_days(journey: Journey) -> None:
    late = kept()[lambda one: one["day"] > AS_OF - pd.Timedelta(days=30)]
    buyers = late.groupby("product_id")["household_id"].nunique()
    best = [row for row in journey.rows("products/bestsellers.csv") if row["list"] == "whole shop"]
    found = {row["product_id"]: int(row["customers_30d"]) for row in best}
    assert found == buyers[list(found)].to_dict()
    assert int(best[0]["customers_30d"]) == buyers.max()


def test_each_product_sold_has_one_role(journey: Journey) -> None:
    roles = journey.rows("products/roles.csv")
    assert sorted(row["product_id"] for row in roles) == sorted(kept()["product_id"].unique())
    assert {row["role"] for row in roles} <= {"traffic", "hot", "steady", "long_tail", "gone"}
    assert "which products are profit items is unknown" in journey.said["products"].text


def test_an_anniversary_is_due_for_those_who_first_ordered_a_year_before_tomorrow(journey: Journey) -> None:
    first = order_days().groupby("household_id")["day"].min()
    due = [*journey.rows("due.csv"), *journey.rows("due-held.csv")]
    named = {row["customer_id"] for row in due if row["trigger"] == "anniversary"}
    assert named == set(first.index[first == "2017-01-01"])


def test_nobody_gets_two_messages_on_one_day(journey: Journey) -> None:
    ids = [row["customer_id"] for row in journey.rows("due.csv")]
    assert len(ids) == len(set(ids)) > 0
