"""Offer sensitivity: what orders and contacts show of each kind of offer, and what stays unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from campaigns.base import Base
from campaigns.elasticity import elasticity_of
from campaigns.sales import Sales
from campaigns.sensitivity import (
    KINDS,
    LEVELS,
    Sensitivity,
    evidence_orders,
    offer_answers,
    sensitivity_of,
    used_by_kind,
)
from campaigns.shrinkage import shrunk_rates
from contracts.days import parse_day
from contracts.errors import ContractError
from contracts.tables import CONTACTS
from features.orders import read_orders
from features.reading.mapping import Mapping
from tests.features.shops import Row, history_of, line

JOURNEY = Path(__file__).parents[3] / "shared/data/completejourney_partial"
AS_OF = 400


def contact(customer: str, day: int, offer: str, **rest: Any) -> Row:
    sent = datetime(1970, 1, 1) + timedelta(days=day, hours=12)
    row = {
        "campaign_id": "c",
        "customer_id": customer,
        "sent_at": sent,
        "day": day,
        "arm": "treated",
        "offer": offer,
    }
    return {**row, **rest}


def base_of(rows: Sequence[Row], contacts: Sequence[Row] = (), optional: Sequence[str] | None = None) -> Base:
    history = history_of(rows) if optional is None else history_of(rows, optional)
    sent = pa.Table.from_pylist(list(contacts), schema=CONTACTS) if contacts else None
    return Base(Sales.of(history, AS_OF), "EUR", "UTC", contacts=sent)


def sale_rows() -> list[Row]:
    """Anna buys in weeks with discounts only, Bert never with one; Carl when there are none; 30 others at random."""
    chance = np.random.default_rng(2)
    rows = [line("anna", f"a{k}", 14 * k, 8.0, discount=2.0) for k in range(12)]
    rows += [line("bert", f"b{k}", 14 * k, 10.0, discount=0.0) for k in range(12)]
    rows += [line("carl", f"c{k}", 14 * k + 7, 10.0, discount=0.0) for k in range(12)]
    for other in range(30):
        often = chance.beta(2, 3)
        for k in range(12):
            taken = 2.0 * (chance.random() < often)
            rows.append(line(f"other{other}", f"o{other}_{k}", 14 * k, 10.0 - taken, discount=taken))
    return rows


def sale_world() -> Base:
    return base_of(sale_rows())


def of(found: Sensitivity, customer: str) -> int:
    return int(found.ids.to_pylist().index(customer))


def test_who_buys_with_discounts_only_is_high_and_who_ignores_them_is_low() -> None:
    found = sensitivity_of(sale_world())
    discount = found["discount"]
    assert discount.level[of(found, "anna")] == "high"
    assert discount.level[of(found, "bert")] == "low"
    assert discount.value[of(found, "anna")] > 1.5 > 0.5 > discount.value[of(found, "bert")]
    assert found.words(of(found, "anna")).startswith(
        "buys with a discount or coupon only; discount: high (12 of 12 orders made while it was around; all: "
    )


def test_orders_made_when_there_was_no_discount_tell_nothing() -> None:
    found = sensitivity_of(sale_world())
    carl = of(found, "carl")
    assert (found["discount"].level[carl], found["discount"].evidence[carl]) == ("unknown", 0)
    assert np.isnan(found["discount"].value[carl])
    assert found.words(carl).startswith("unknown: special_price, discount, gift")


def test_a_kind_without_its_column_is_unknown_and_the_notes_say_so() -> None:
    found = sensitivity_of(base_of([line("anna", str(k), 10 * k, 5.0) for k in range(5)], optional=()))
    assert all(one.level.tolist() == ["unknown"] for one in found.kinds.values())
    assert found.discount_only.tolist() == [-1]
    assert found.notes[0].startswith(
        f"nothing is known about: {', '.join(KINDS)}. Order columns discount, coupon"
    )


def test_each_kind_is_shown_by_its_own_orders() -> None:
    usual = [line("zoe", f"z{k}", 300 + k, 10.0, product_id="p") for k in range(9)]
    rows = [
        *usual,
        line("anna", "1", 310, 8.0, product_id="p"),
        line("anna", "2", 311, 24.0, product_id="p", quantity=3.0),
        line("anna", "3", 312, 10.0, product_id="p"),
        line("anna", "3", 312, 0.0, line=2, product_id="q"),
        line("anna", "4", 313, 0.0, product_id="q"),
        line("anna", "5", 314, 8.0, product_id="p", discount=2.0, coupon="SPRING"),
    ]
    used = used_by_kind(base_of(rows).sales)
    assert {kind: (np.flatnonzero(orders) + 1).tolist() for kind, orders in used.items()} == {
        "gift": [3], "discount": [5], "coupon": [5], "special_price": [1], "value_pack": [2],
    }  # fmt: skip


def test_a_week_counts_as_evidence_where_one_percent_of_its_orders_show_the_kind() -> None:
    rows = [line(f"c{k:03}", str(k), 0, 1.0) for k in range(101)] + [
        line("d", "d", 7, 1.0),
        line("e", "e", 8, 1.0),
    ]
    sales = base_of(rows).sales
    used = np.zeros(103, np.bool_)
    used[[0, 102]] = True
    assert evidence_orders(sales, used).tolist() == [False] * 101 + [True] * 2


def test_discount_only_needs_orders_enough_that_it_is_no_accident() -> None:
    rows = [line("always", str(k), 10 * k, 8.0, discount=2.0) for k in range(6)]
    rows += [line("twice", f"t{k}", 10 * k, 8.0, discount=2.0) for k in range(2)]
    rows += [line("mixed", f"m{k}", 10 * k, 8.0, discount=2.0 * (k % 4 == 0)) for k in range(40)]
    found = sensitivity_of(base_of(rows))
    assert dict(zip(found.ids.to_pylist(), found.discount_only.tolist(), strict=True)) == {
        "always": 1, "mixed": 0, "twice": -1,
    }  # fmt: skip


def test_the_deepest_discount_is_the_largest_share_taken_off_one_order() -> None:
    rows = [line("anna", "1", 10, 8.0, discount=2.0), line("anna", "2", 20, 5.0, discount=5.0)]
    rows += [line("bert", "3", 20, 5.0), line("carl", "4", 20, 0.0, discount=0.0)]
    assert sensitivity_of(base_of(rows)).deepest_discount.tolist() == [0.5, 0.0, 0.0]


# ---------------------------------------------------------------- contacts
def answered_world() -> Base:
    rows = [line(name, name, 5, 10.0) for name in ("anna", "bert", "carl", *(f"o{k}" for k in range(20)))]
    sent = [contact("anna", 10 * k, "GIFT-1", converted_at=datetime(1970, 12, 1)) for k in range(12)]
    sent += [contact("bert", 10 * k, "gift 1") for k in range(12)]
    sent += [
        contact(f"o{k}", 10 * j, "Gift 1", converted_at=datetime(1970, 12, 1) if (k + j) % 3 == 0 else None)
        for k in range(20)
        for j in range(9)
    ]
    return base_of(rows, [*sent, contact("carl", 20, "umbrella")], optional=())


def test_offers_that_were_sent_tell_where_orders_cannot() -> None:
    found = sensitivity_of(answered_world(), kinds={"gift_1": "free_shipping"})
    shipping = found["free_shipping"]
    assert [shipping.level[of(found, name)] for name in ("anna", "bert", "carl")] == [
        "high",
        "low",
        "unknown",
    ]
    assert (shipping.source[0], shipping.evidence[0], shipping.used[0]) == ("contacts", 12, 12)
    assert "such offers received" in found.words(0)


def test_an_offer_that_no_one_knows_is_named_and_not_used() -> None:
    found = sensitivity_of(answered_world(), kinds={"gift_1": "free_shipping"})
    assert "contacts: no offer of the catalogue is called umbrella; not used." in found.notes


def test_an_offer_without_time_to_be_answered_is_no_refusal() -> None:
    sent = [contact("anna", AS_OF - 13, "gift"), contact("anna", AS_OF - 14, "gift")]
    messages, _ = offer_answers(base_of([line("anna", "1", 5, 10.0)], sent))
    assert messages.day.tolist() == [AS_OF - 14]


def test_a_kind_that_fewer_than_ten_customers_responded_to_is_unknown_for_all() -> None:
    for users, known in ((9, False), (10, True)):
        rows = [line(f"c{k:02}", str(k), 7, 5.0, coupon="SPRING" if k < users else None) for k in range(30)]
        found = sensitivity_of(base_of(rows))
        assert bool((found["coupon"].level != "unknown").any()) == known


def test_without_conversions_an_order_within_14_days_after_sending_is_the_answer() -> None:
    rows = [line("anna", "1", 20, 1.0), line("anna", "2", 114, 1.0), line("bert", "3", 20, 1.0)]
    sent = [contact("anna", day, "gift") for day in (20, 99, 100)] + [contact("bert", 19, "gift")]
    messages, answered = offer_answers(base_of(rows, sent))
    assert list(zip(messages.day.tolist(), answered.tolist(), strict=True)) == [
        (20, False), (99, False), (100, True), (19, True),
    ]  # fmt: skip


@pytest.mark.skipif(not JOURNEY.exists(), reason="The Complete Journey is not at hand")
def test_coupon_response_by_type_of_campaign_follows_from_the_complete_journey() -> None:
    base, redeemed, sent_to = journey()
    messages, answered = offer_answers(base)
    found = {
        str(text): (int((messages.offer.codes == at).sum()), int(answered[messages.offer.codes == at].sum()))
        for at, text in enumerate(messages.offer.texts)
    }
    golden: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for household, campaign, kind in sent_to:
        golden[kind][0] += 1
        golden[kind][1] += (household, campaign) in redeemed
    assert found == {kind: tuple(counts) for kind, counts in golden.items()}
    shares = {kind: used / sent for kind, (sent, used) in found.items()}
    assert shares["Type A"] > 2 * max(shares["Type B"], shares["Type C"])
    coupon = sensitivity_of(base, kinds=dict.fromkeys(shares, "coupon"))["coupon"]
    assert {level: int((coupon.level == level).sum()) > 50 for level in LEVELS[1:]} == dict.fromkeys(
        LEVELS[1:], True
    )


def journey() -> tuple[Base, set[tuple[str, str]], list[tuple[str, str, str]]]:
    """The thin sample as orders and the campaigns as contacts; who redeemed what; what was sent to known customers."""
    columns = {
        "customer_id": "household_id", "order_id": "basket_id", "ordered_at": "transaction_timestamp",
        "amount": "sales_value", "quantity": "quantity", "product_id": "product_id", "discount": "retail_disc",
    }  # fmt: skip
    orders = read_orders(
        JOURNEY / "transactions_sample.parquet", mapping=Mapping(name="journey", columns=columns)
    )
    sales = Sales.of_lines(orders.lines, parse_day("2018-01-01"))
    rows = {name: pq.read_table(JOURNEY / f"{name}.parquet").to_pylist() for name in TABLES}
    campaigns = {row["campaign_id"]: row for row in rows["campaign_descriptions"]}
    first: dict[tuple[str, str], datetime] = {}
    for row in sorted(rows["coupon_redemptions"], key=lambda row: row["redemption_date"]):
        first.setdefault((row["household_id"], row["campaign_id"]), row["redemption_date"])
    known = set(sales.ids.to_pylist())
    late = sales.as_of - 14
    sent, contacts = [], []
    for row in rows["campaigns"]:
        campaign, household = campaigns[row["campaign_id"]], row["household_id"]
        start = campaign["start_date"]
        day = (start - datetime(1970, 1, 1)).days
        answer = first.get((household, row["campaign_id"]))
        made = contact(household, day, campaign["campaign_type"], sent_at=start, converted_at=answer)
        contacts.append({**made, "campaign_id": row["campaign_id"]})
        if household in known and day <= late:
            sent.append((household, row["campaign_id"], campaign["campaign_type"]))
    base = Base(sales, "USD", "UTC", contacts=pa.Table.from_pylist(contacts, schema=CONTACTS))
    return base, set(first), sent


TABLES = ("campaign_descriptions", "campaigns", "coupon_redemptions")


# ---------------------------------------------------------------- shrinking
def counts_of(seed: int, customers: int = 4000) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    evidence = chance.integers(0, 12, customers)
    return chance.binomial(evidence, chance.beta(2.0, 6.0, customers)), evidence


def test_the_rates_find_the_law_that_made_them() -> None:
    used, evidence = counts_of(1)
    found = shrunk_rates(used, evidence, np.zeros(len(used), np.int64))
    golden = (2.0 + used) / (8.0 + evidence)
    assert found.mean == pytest.approx(0.25, abs=0.01)
    assert np.abs(found.rate - golden).max() < 0.03


def test_the_rates_equal_kleinmans_by_plain_loops() -> None:
    used, evidence = counts_of(3, customers=60)
    n, x = evidence[evidence > 0].tolist(), used[evidence > 0].tolist()
    total, p = sum(n), sum(x) / sum(n)
    s = sum(ni * (xi / ni - p) ** 2 for ni, xi in zip(n, x, strict=True))
    a, b = sum(1 - ni / total for ni in n), sum(ni * (1 - ni / total) for ni in n)
    spread = (s - p * (1 - p) * a) / (p * (1 - p) * (b - a))
    strength, mean = (1 - spread) / spread, (sum(x) + 0.5) / (total + 1)
    share = (sum(x) + 20 * mean) / (total + 20)
    found = shrunk_rates(used, evidence, np.zeros(60, np.int64))
    for at in range(60):
        hits, misses = share * strength + used[at], (1 - share) * strength + evidence[at] - used[at]
        assert found.rate[at] == pytest.approx(hits / (hits + misses))
        assert found.above[at] == pytest.approx(beta.sf(mean, hits, misses))


def test_customers_without_evidence_stand_where_their_segment_stands() -> None:
    used, evidence = counts_of(4)
    group = (np.arange(len(used)) % 2).astype(np.int64)
    used = np.where(group == 1, np.minimum(used + 1, evidence), used)
    found = shrunk_rates(used, evidence, group)
    none = evidence == 0
    assert found.rate[none & (group == 1)].min() > found.rate[none & (group == 0)].max()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30))
def test_rates_are_shares_and_lie_between_the_own_share_and_the_segments(
    rows: list[tuple[int, int, int]],
) -> None:
    used, more, group = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    found = shrunk_rates(used, used + more, group)
    assert ((found.rate > 0) & (found.rate < 1) & (found.above >= 0) & (found.above <= 1)).all()
    segment = (found.rate - found.own * (used / np.maximum(used + more, 1))) / (1 - found.own)
    for name in np.unique(group):
        assert np.ptp(segment[group == name]) < 1e-6


# ---------------------------------------------------------------- elasticity
def elastic_world(noise: float) -> Sales:
    """Half of 200 customers buy as much at any price (0), half two percent more per percent cheaper (-2)."""
    chance = np.random.default_rng(6)
    rows = []
    for customer in range(200):
        slope = -2.0 * (customer % 2)
        for order in range(10):
            depth = (0.0, 0.1, 0.3)[order % 3]
            listed = 50.0 * np.exp(slope * np.log(1 - depth) + noise * chance.normal())
            rows.append(
                line(
                    f"{customer:03}",
                    f"{customer}_{order}",
                    order,
                    listed * (1 - depth),
                    discount=listed * depth,
                )
            )
    return Sales.of(history_of(rows), AS_OF)


def test_elasticities_are_found_and_drawn_together_by_noise() -> None:
    one = np.zeros(200, np.int64)
    clear, noisy = elasticity_of(elastic_world(0.01), one), elasticity_of(elastic_world(0.5), one)
    assert clear.value[0::2] == pytest.approx(0.0, abs=0.1)
    assert clear.value[1::2] == pytest.approx(-2.0, abs=0.1)
    assert noisy.mean == pytest.approx(-1.0, abs=0.25)
    assert 0.3 < np.median(noisy.value[0::2]) - np.median(noisy.value[1::2]) < 1.9
    assert clear.evidence.tolist() == [10] * 200


def test_without_own_discounts_that_differ_there_is_no_elasticity() -> None:
    rows = [line("anna", str(k), k, 9.0, discount=1.0) for k in range(9)]
    rows += [
        line(f"b{i}", f"{i}_{k}", k, 9.0, discount=1.0 + 4 * (k % 2)) for i in range(5) for k in range(6)
    ]
    found = elasticity_of(Sales.of(history_of(rows), AS_OF), np.zeros(6, np.int64))
    assert np.isnan(found.value[0]) and found.evidence[0] == 0
    assert not np.isnan(found.value[1:]).any()


# ---------------------------------------------------------------- the answer
def test_the_table_has_a_level_a_response_and_the_evidence_of_each_kind() -> None:
    found = sensitivity_of(sale_world())
    table = found.table()
    assert table.num_rows == 33
    assert table.column_names[:4] == [
        "customer_id",
        "special_price_sensitivity",
        "special_price_response",
        "special_price_evidence",
    ]
    assert table["discount_response"].null_count == 1
    assert set(found.columns["discount_sensitivity"].tolist()) <= set(LEVELS)


def test_another_kind_of_offer_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ContractError, match=r"no kind of offer 'cupon', did you mean 'coupon'\?"):
        _ = sensitivity_of(sale_world())["cupon"]


def test_what_comes_after_the_day_changes_nothing() -> None:
    base = sale_world()
    earlier = replace(base, sales=base.sales.on(80))
    cut = history_of([row for row in sale_rows() if row["day"] <= 80])
    alone = Base(Sales.of(cut, 80), "EUR", "UTC")
    assert sensitivity_of(earlier).table() == sensitivity_of(alone).table()
