"""Accounts that are no ordinary customers."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from campaigns.base import Base
from campaigns.screening.settings import Settings
from campaigns.screening.suspicious import VERDICTS, suspicious_of
from features.cleaning import flags
from tests.campaigns.screening.bases import AS_OF, base_of, orders
from tests.features.shops import Row, line


def reasons(base: Base, **given: Any) -> dict[str, str | None]:
    found = suspicious_of(base, **given)
    return dict(zip(found.ids.to_pylist(), found.reasons().to_pylist(), strict=True))


def verdicts(base: Base) -> dict[str, str]:
    found = suspicious_of(base)
    return dict(zip(found.ids.to_pylist(), (VERDICTS[code] for code in found.verdict), strict=True))


def test_limits_and_words_of_reseller_and_bot_are_those_of_cleaning() -> None:
    checks = Settings.ours().checks
    assert checks["reseller"].limits == {"items": flags.RESELLER_ITEMS, "days": flags.RESELLER_DAYS}
    assert checks["bot"].limits == {"orders": flags.BOT_ORDERS}


def test_two_thousand_items_within_thirty_days_are_a_resellers() -> None:
    near = orders("near", [AS_OF - 29, AS_OF], quantity=1000.0)
    far = orders("far", [AS_OF - 30, AS_OF], quantity=1000.0)
    assert reasons(base_of(near + far)) == {
        "far": None,
        "near": "reseller: buys like a reseller: 2,000 items within 30 days",
    }


def test_twenty_orders_on_one_day_are_a_bots() -> None:
    lines = [line("bot", f"b{k:02d}", 900, 1.0, minute=k * 60) for k in range(20)]
    lines += [line("busy", f"c{k:02d}", 900, 1.0, minute=k * 60) for k in range(19)]
    assert reasons(base_of(lines)) == {"bot": "bot: orders like a bot: 20 orders on one day", "busy": None}


def test_flags_of_cleaning_are_taken_as_known_on_the_day() -> None:
    known = {"customer_id": ["a", "b", "a"], "flag": ["reseller", "reseller", "outlier_basket"]}
    table = pa.table({**known, "known_day": [900, 1001, 900], "value": [2500.0, 9000.0, 1.0]})
    found = suspicious_of(base_of(orders("a", [900]) + orders("b", [900])), flags=table)
    assert found.counts["reseller"] == 1
    assert found.reasons().to_pylist()[0] == "reseller: buys like a reseller: 2,500 items within 30 days"


def test_five_orders_within_an_hour_are_doubtful() -> None:
    lines = [line("quick", f"q{k}", 900, 1.0, minute=600 + k) for k in range(5)]
    slow = [line("slow", f"s{k}", 900, 1.0, minute=600 + 61 * k) for k in range(5)]
    assert verdicts(base_of(lines + slow)) == {"quick": "doubtful", "slow": "no"}


def test_without_times_of_day_nobody_is_quick() -> None:
    lines = [line("a", f"a{k}", 900, 1.0, minute=0) for k in range(6)]
    found = suspicious_of(base_of(lines))
    assert found.missing["burst"] == "the time of day of the orders"
    assert found.verdict.tolist() == [0]


def test_orders_at_machine_like_intervals_are_doubtful_people_are_not() -> None:
    machine = orders("machine", range(900, 940, 2))
    person = orders("person", [900 + k * 2 + (k * k) % 3 for k in range(20)])
    monthly = orders("monthly", range(300, 1000, 30))
    assert verdicts(base_of(machine + person + monthly)) == {
        "machine": "doubtful", "monthly": "no", "person": "no",
    }  # fmt: skip


def test_only_buying_with_coupons_is_doubtful_where_the_shop_does_not() -> None:
    hunter = orders("hunter", range(900, 905), coupon="X")
    others = [one for name in "abcdef" for one in orders(name, [900, 910])]
    assert reasons(base_of(hunter + others))["hunter"] == "coupon_only: a coupon on 100% of the orders"
    assert verdicts(base_of(hunter)) == {"hunter": "no"}


def test_large_orders_of_many_products_are_doubtful() -> None:
    bulk = [line("bulk", "b", 900, 1.0, quantity=50.0, product_id=f"p{k:02d}", line=k) for k in range(20)]
    heavy = [line("heavy", "h", 900, 1.0, quantity=1000.0, product_id="p01")]
    small = [one for name in "abc" for one in orders(name, [900], product_id="p01")]
    assert verdicts(base_of(bulk + heavy + small)) == {
        "a": "no", "b": "no", "bulk": "doubtful", "c": "no", "heavy": "no",
    }  # fmt: skip


# ---------------------------------------------------------------- shared addresses
def people(count: int, **rest: Any) -> tuple[list[Row], list[Row]]:
    """Return accounts a0, a1 …: an order and a row of personal data each; {} in a text is the number."""
    lines = [one for k in range(count) for one in orders(f"a{k}", [900 + k], coupon=rest.get("coupon"))]
    filled = {name: value for name, value in rest.items() if name != "coupon"}
    rows = [{"customer_id": f"a{k}", **{n: v.format(k) for n, v in filled.items()}} for k in range(count)]
    return lines, rows


def test_four_accounts_with_one_number_are_doubtful_three_are_not() -> None:
    for count, expected in ((4, "doubtful"), (3, "no")):
        lines, rows = people(count, phone="+4915112345678")
        assert set(verdicts(base_of(lines, personal=rows)).values()) == {expected}


def test_spellings_of_one_address_are_one_address() -> None:
    lines, rows = people(4, email="an.na+{}@gmail.com")
    found = suspicious_of(base_of(lines, personal=rows))
    assert found.counts["shared_email"] == 4


def test_accounts_of_one_number_that_used_one_coupon_are_abuse() -> None:
    lines, rows = people(3, phone="+4915112345678", coupon="WELCOME")
    assert reasons(base_of(lines, personal=rows))["a0"] == (
        "coupon_abuse: one of 3 accounts of one address or number that used the same coupon"
    )


def test_one_coupon_of_many_strangers_is_no_abuse() -> None:
    lines, rows = people(5, phone="+491511234567{}", email="x{}y@web.de", coupon="WELCOME")
    assert set(verdicts(base_of(lines, personal=rows)).values()) == {"no"}


def test_new_accounts_with_a_running_number_are_doubtful() -> None:
    lines, rows = people(5, email="max{}@shop.de")
    assert suspicious_of(base_of(lines, personal=rows)).counts["numbered_emails"] == 5


def test_short_numbered_names_at_a_large_provider_are_strangers() -> None:
    lines, rows = people(5, email="max{}@gmail.com")
    assert suspicious_of(base_of(lines, personal=rows)).counts["numbered_emails"] == 0


def test_a_gap_in_the_numbers_or_years_between_them_are_no_row() -> None:
    lines, rows = people(5, email="max{}@shop.de")
    gap = [{**row, "email": row["email"].replace("max2", "max9")} for row in rows]
    assert suspicious_of(base_of(lines, personal=gap)).counts["numbered_emails"] == 0
    spread = [one for k in range(5) for one in orders(f"a{k}", [100 + 200 * k])]
    assert suspicious_of(base_of(spread, personal=rows)).counts["numbered_emails"] == 0


def test_without_personal_data_the_checks_say_what_they_need() -> None:
    missing = suspicious_of(base_of(orders("a", [900]))).missing
    assert missing["shared_phone"] == "telephone numbers (--customers)"
    assert "coupon_only" not in missing
