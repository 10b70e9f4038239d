"""The account as a whole: what it shows, what it refuses to show, and what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from campaigns.results import Account, Known, Money, account_of
from campaigns.sales import Sales
from contracts.days import to_day
from contracts.errors import DataError
from tests.campaigns.results.contact_rows import SENT, contacts, order_lines, people

TEST = [*people("treated", 1000, 150), *people("control", 1000, 100)]


def effect(account: Account, outcome: str, *, by: str = "all", group: str | None = None) -> dict[str, Any]:
    rows = account.effects.to_pylist()
    (row,) = [row for row in rows if (row["outcome"], row["by"], row["group"]) == (outcome, by, group)]
    return row


def refused(account: Account) -> dict[str, str]:
    assert account.effects.num_rows == 0
    return {row["check"]: row["told"] for row in account.checks.to_pylist() if row["verdict"] == "refused"}


def known(day: int | None, *, n: int = 1000, **columns: Any) -> Known:
    ids = [f"{arm}{i:05d}" for arm in "tc" for i in range(n)]
    return Known("the scores", pa.table({"customer_id": ids, **columns}), day, groups=tuple(columns))


def test_the_effect_counts_every_customer_of_both_arms() -> None:
    row = effect(account_of(contacts(TEST)), "conversion")
    assert (row["treated"], row["control"], row["difference"]) == (1000, 1000, pytest.approx(0.05))
    assert row["total"] == pytest.approx(50) and row["lift"] == pytest.approx(0.5)
    assert effect(account_of(contacts(TEST)), "revenue")["difference"] == pytest.approx(0.5)


def test_profit_is_margin_less_contacts_and_offers() -> None:
    table = contacts([*people("treated", 500, 100, offer="gift", cost=0.1), *people("control", 500, 50)])
    row = effect(account_of(table, money=Money(margin=0.5, offer_costs={"gift": 2.0})), "profit")
    golden = (0.5 * 1000 - 500 * 0.1 - 100 * 2.0) / 500 - 0.5 * 500 / 500
    assert row["difference"] == pytest.approx(golden)
    assert row["total_lower"] < 500 * golden < row["total_upper"]


def test_contacts_without_control_have_a_response_and_no_effect() -> None:
    account = account_of(contacts(people("treated", 50, 5)))
    assert account.effects.num_rows == 0 and account.response is not None
    assert any("c had no control: what the messages caused cannot be measured" in one for one in account.told)


def test_arms_of_other_sizes_than_planned_are_refused_and_the_response_stands() -> None:
    table = contacts([*people("treated", 900, 90), *people("control", 100, 5)])
    account = account_of(table)
    assert "--control-share" in refused(account)["sample ratio"]
    assert account.response is not None and account.response.num_rows > 0
    assert account_of(table, control_share=0.1).effects.num_rows > 0


def test_a_control_that_opened_messages_is_refused() -> None:
    control = people("control", 1000, 100)
    opened = [{**row, "opened_at": SENT + timedelta(hours=1)} for row in control[:50]]
    told = refused(account_of(contacts([*people("treated", 1000, 150), *opened, *control[50:]])))
    assert told["control left alone"].startswith("50 customers of the control opened")


def test_a_few_slips_are_doubts() -> None:
    control = people("control", 1000, 100)
    slip = {**control[0], "opened_at": SENT + timedelta(hours=1)}
    account = account_of(contacts([*people("treated", 1000, 150), slip, *control[1:]]), crossed={"c": 2})
    verdicts = {row["check"]: row["verdict"] for row in account.checks.to_pylist()}
    assert verdicts == {"sample ratio": "ok", "control left alone": "doubt", "one arm each": "doubt"}
    assert account.effects.num_rows > 0


def test_a_control_of_which_the_sender_knows_nothing_is_no_zero() -> None:
    told = refused(account_of(contacts([*people("treated", 500, 50), *people("control", 500, 0)])))
    assert "the orders know all" in told["control has outcomes"]


def test_conversions_before_the_sending_refuse_the_effect() -> None:
    early = [{**row, "converted_at": SENT - timedelta(hours=3)} for row in TEST[:20]]
    assert (
        "20 conversions lie before"
        in refused(account_of(contacts([*early, *TEST[20:]])))["outcome after sending"]
    )


def test_scores_of_the_day_of_the_sending_are_not_used() -> None:
    tiers = ["focus", "reduce"] * 1000
    late = account_of(contacts(TEST), known=[known(to_day(SENT), tier=tiers)])
    assert {row["by"] for row in late.effects.to_pylist()} == {"all"}
    assert any(one.startswith("the scores: made on the day of the sending or later") for one in late.told)
    early = account_of(contacts(TEST), known=[known(to_day(SENT) - 1, tier=tiers)])
    assert {row["by"] for row in early.effects.to_pylist()} == {"all", "tier"}


def test_offers_of_one_control_are_compared_with_holms_correction() -> None:
    treated = [*people("treated", 500, 80, offer="a"), *people("treated", 500, 60, offer="b")]
    account = account_of(contacts([*treated, *people("control", 500, 50)]))
    a, b = (effect(account, "conversion", by="offer", group=name) for name in "ab")
    assert a["p_holm"] == pytest.approx(2 * a["p_value"]) and b["p_holm"] == pytest.approx(b["p_value"])


def test_offers_chosen_for_customers_have_no_effect_of_their_own() -> None:
    treated = [*people("treated", 500, 80, offer="a"), *people("treated", 500, 60, offer="b")]
    rows = [*treated, *people("control", 500, 50)]
    spend = [9.0 * ("a" in row["customer_id"]) + 4.5 * row["customer_id"].startswith("c") for row in rows]
    table = pa.table(
        {"customer_id": [row["customer_id"] for row in rows], "spend": spend + np.arange(1500) % 7}
    )
    account = account_of(contacts(rows), known=[Known("scores", table, None, ("spend",))])
    assert {row["by"] for row in account.effects.to_pylist()} == {"all"}
    assert any(
        "Offers that are chosen for customers need the control's rows to name the offer" in t
        for t in account.told
    )


def test_a_control_with_offers_of_its_own_is_compared_offer_by_offer() -> None:
    cells = [("treated", "a", 80), ("treated", "b", 60), ("control", "a", 40), ("control", "b", 60)]
    rows = [row for arm, offer, hits in cells for row in people(arm, 500, hits, offer=offer)]
    account = account_of(contacts(rows))
    found = [effect(account, "conversion", by="offer", group=name)["difference"] for name in "ab"]
    assert found == pytest.approx([0.08, 0.0])


def test_with_orders_both_arms_are_counted_alike_and_the_past_balances_them() -> None:
    rng = np.random.default_rng(1)
    rows = [{"customer_id": f"{i:04d}", "arm": "treated" if i % 2 else "control"} for i in range(800)]
    past = [
        (f"{i:04d}", SENT - timedelta(days=int(d)), 20.0) for i, d in enumerate(rng.integers(1, 300, 800))
    ]
    later = [
        (f"{i:04d}", SENT + timedelta(days=3), 50.0)
        for i in range(800)
        if rng.random() < (0.3 if i % 2 else 0.2)
    ]
    sales = Sales.of_lines(order_lines([*past, *later]), to_day(SENT) + 40)
    account = account_of(contacts(rows), sales=sales)
    buyers = [sum(int(who) % 2 == arm for who, _, _ in later) / 400 for arm in (1, 0)]
    assert effect(account, "conversion")["difference"] == pytest.approx(buyers[0] - buyers[1])
    assert {row["check"] for row in account.checks.to_pylist()} == {"sample ratio", "balance"}


def test_two_groupings_are_compared_by_level_where_there_is_no_control() -> None:
    rows = people("treated", 2000, 1000)
    table = pa.table({"customer_id": [row["customer_id"] for row in rows], "good": ["y"] * 1000 + ["n"] * 1000,
                      "odd": ["y", "n"] * 1000})  # fmt: skip
    account = account_of(
        contacts(rows), known=[Known("g", table, None, (), ("good", "odd"))], comparing=("good", "odd")
    )
    (row,) = account.compared.to_pylist()
    assert (row["what"], row["better"]) == ("level", "good")


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="there is no campaign 'd'"):
        account_of(contacts(TEST), control_share={"d": 0.1})
    with pytest.raises(DataError, match="no column 'tierr' to compare by, did you mean 'tier'"):
        account_of(contacts(TEST), known=[known(None, tier=["a"] * 2000)], comparing=("tierr", "tier"))


def test_without_revenue_there_is_an_effect_on_conversion_alone() -> None:
    rows = [{name: value for name, value in row.items() if name != "revenue"} for row in TEST]
    account = account_of(contacts(rows), money=Money(margin=0.5))
    assert {row["outcome"] for row in account.effects.to_pylist()} == {"conversion"}
    assert (
        account.response is not None and account.response["revenue"].null_count == account.response.num_rows
    )
    assert any(one.startswith("There is no revenue") for one in account.told)


def test_the_order_of_rows_changes_nothing() -> None:
    table = contacts(TEST)
    turned = table.take(np.random.default_rng(1).permutation(len(table)))
    assert account_of(turned).effects.equals(account_of(table).effects)
