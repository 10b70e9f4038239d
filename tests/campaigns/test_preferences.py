"""What is known of each customer besides the scores: offers, channels, times, intervals, days, and the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.channels import read_channels
from campaigns.offers import read_offers
from campaigns.preferences.account import to_dict
from campaigns.preferences.by_time import NEXT_ORDER
from campaigns.preferences.days import calendar_table, days_ahead
from campaigns.preferences.intervals import NO_MESSAGES, interval_table
from campaigns.preferences.missing import missing_of
from campaigns.preferences.preferences import Preferences, preferences_of
from campaigns.preferences.table import preference_parts, preference_table
from campaigns.sensitivity import KINDS, sensitivity_of
from campaigns.timing import timing_table
from contracts.days import parse_day
from contracts.errors import DeclarationError
from contracts.tables import CURVE_KNOTS
from tests.campaigns.screening.bases import AS_OF, base_of, buyers, contact, event, orders
from tests.features.shops import Row, line

OFFERS, CHANNELS = read_offers(), read_channels()
DATES = (date(1972, 9, 30), date(1972, 10, 10), date(1973, 1, 31))
SOON = [0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95]


def found_of(base: Base, **more: Any) -> Preferences:
    return preferences_of(base, offers=OFFERS, channels=CHANNELS, **more)


def rows_of(base: Base, **more: Any) -> dict[str, Row]:
    return {row["customer_id"]: row for row in preference_table(found_of(base, **more)).to_pylist()}


def scores_of(**segments: str) -> pa.Table:
    assert len(SOON) == len(CURVE_KNOTS)
    names = list(segments)
    dates = {name: [day] * len(names) for name, day in zip(NEXT_ORDER, DATES, strict=True)}
    return pa.table(
        {"customer_id": names, "segment": list(segments.values()), "curve": [SOON] * len(names), **dates}
    )


def person(customer: str, **known: Any) -> Row:
    return {"customer_id": customer, **known}


def reachable() -> Base:
    """Anna, active, takes e-mail and the app; Bert, silent, e-mail; Carl refused; of Dora nothing is known."""
    lines = [*orders("anna", range(910, 1000, 20)), *orders("bert", [100, 130, 160]), *buyers("carl", "dora")]
    agreed = person("anna", consent_email=True, consent_push=True, birth_date=date(1950, 10, 3))
    people = [agreed, person("bert", consent_email=True), person("carl", consent_email=False)]
    letters = [person(name, email=f"{name}@web.de") for name in ("anna", "bert", "carl")]
    return base_of(lines, customers=people, personal=letters)


# ---------------------------------------------------------------- channels
def test_each_channel_says_yes_no_or_unknown_and_why() -> None:
    rows = rows_of(reachable())
    assert {name: (row["email_allowed"], row["email_reason"]) for name, row in rows.items()} == {
        "anna": ("yes", "may be contacted"),
        "bert": ("yes", "may be contacted"),
        "carl": ("no", "consent was refused"),
        "dora": ("no", "no address is known"),
    }
    assert (rows["bert"]["app_allowed"], rows["bert"]["app_reason"]) == (
        "unknown", "whether the app is there is not known",
    )  # fmt: skip


def test_active_customers_are_met_on_the_shops_own_channel_and_others_by_a_direct_one() -> None:
    rows = rows_of(reachable())
    assert (rows["anna"]["activity"], rows["anna"]["recommended_channel"]) == ("active", "app")
    assert (rows["bert"]["activity"], rows["bert"]["recommended_channel"]) == ("silent", "email")
    assert rows["bert"]["recommended_channel_reason"] == "a direct channel, for one who is less active"
    assert rows["anna"]["ask_for_channel"] is None


def test_where_nothing_is_allowed_the_channel_to_ask_for_is_named_and_none_is_recommended() -> None:
    row = rows_of(base_of(buyers("anna")))["anna"]
    assert (row["recommended_channel"], row["recommended_channel_reason"]) == (None, "no channel is allowed")
    assert (row["ask_for_channel"], row["ask_for_reason"]) == (
        "email",
        "the tables hold no addresses or numbers",
    )
    assert "ask for e-mail (the tables hold no addresses or numbers)" in row["in_words"]


def test_unknown_consent_counts_as_yes_only_if_that_is_said() -> None:
    base = base_of(buyers("anna"), personal=[person("anna", email="anna@web.de")])
    asked, taken = rows_of(base)["anna"], rows_of(base, unknown_consent="allow")["anna"]
    assert (asked["email_allowed"], asked["email_reason"]) == ("unknown", "consent is not known")
    assert (taken["email_allowed"], taken["email_reason"]) == (
        "yes", "nobody asked for consent; allowed by --unknown-consent allow",
    )  # fmt: skip


def test_who_had_enough_messages_is_closed_for_now_and_response_comes_with_its_counts() -> None:
    base = reachable()
    sent = [contact("anna", AS_OF - day, clicked_at=datetime(1972, 9, 1)) for day in (0, 1, 60, 61)]
    sent += [contact("bert", AS_OF - 60)]
    rows = rows_of(Base(**{**vars(base), "contacts": base_of([], contacts=sent).contacts}))
    assert (rows["anna"]["email_allowed"], rows["anna"]["email_reason"]) == (
        "no", "contacted too often in the last 7 days",
    )  # fmt: skip
    assert (rows["anna"]["email_messages"], rows["anna"]["email_responses"]) == (2, 2)
    assert rows["anna"]["email_response_rate"] > rows["bert"]["email_response_rate"] > 0
    assert rows["anna"]["sms_response_rate"] is None


CONSENT = st.sampled_from([True, False, None])
PEOPLE = st.lists(
    st.tuples(CONSENT, CONSENT, CONSENT, st.booleans(), st.integers(0, 3)), min_size=1, max_size=12
)


@settings(max_examples=15, deadline=None)
@given(PEOPLE)
def test_a_recommended_channel_is_allowed_and_one_to_ask_for_is_open_to_asking(people: Sequence[Any]) -> None:
    names = [f"c{place:02}" for place in range(len(people))]
    rows = [
        person(name, consent_email=mail, consent_sms=sms, consent_push=push)
        for name, (mail, sms, push, _, _) in zip(names, people, strict=True)
    ]
    mails = [person(name, email=f"{name}@web.de") for name, one in zip(names, people, strict=True) if one[3]]
    sent = [contact(name, AS_OF - 2) for name, one in zip(names, people, strict=True) for _ in range(one[4])]
    for row in rows_of(base_of(buyers(*names), customers=rows, personal=mails, contacts=sent)).values():
        allowed = [name for name in CHANNELS if row[f"{name}_allowed"] == "yes"]
        assert (row["recommended_channel"] in allowed) if allowed else row["recommended_channel"] is None
        if row["ask_for_channel"] is not None:
            assert not allowed
            asked = (row[f"{row['ask_for_channel']}_allowed"], row["ask_for_reason"])
            assert asked[0] == "unknown" or asked == ("no", "no address is known")


def test_a_shop_without_any_channel_gets_a_message() -> None:
    with pytest.raises(DeclarationError, match="no channel at all"):
        preferences_of(base_of(buyers("anna")), offers=OFFERS, channels={})


# ---------------------------------------------------------------- offers
def discounts() -> Base:
    """Anna buys with a discount only, Bert never; 20 others half of the time."""
    rows = [line("anna", f"a{k}", 500 + 7 * k, 8.0, discount=2.0) for k in range(12)]
    rows += [line("bert", f"b{k}", 500 + 7 * k, 10.0, discount=0.0) for k in range(12)]
    rows += [
        line(f"o{other:02}", f"o{other}-{k}", 500 + 7 * k, 8.0, discount=2.0 * ((k + other) % 2))
        for other in range(20)
        for k in range(12)
    ]
    return base_of(rows)


def test_levels_counts_and_money_are_those_of_the_sensitivity_and_unknown_stays_unknown() -> None:
    base = discounts()
    table, golden = preference_table(found_of(base)), sensitivity_of(base)
    for kind in KINDS:
        assert table[f"{kind}_sensitivity"].to_pylist() == golden[kind].level.tolist()
        assert table[f"{kind}_evidence"].to_pylist() == golden[kind].evidence.tolist()
    assert table["deepest_discount"].to_pylist() == golden.deepest_discount.tolist()
    assert (
        set(table["gift_sensitivity"].to_pylist()) == {"unknown"} and table["gift_response"].null_count == 22
    )
    rows = rows_of(base)
    assert [rows[name]["discount_only"] for name in ("anna", "bert")] == [True, False]
    assert (rows["anna"]["discount_sensitivity"], rows["anna"]["discount_source"]) == ("high", "orders")


def test_offers_that_were_sent_count_by_the_names_of_the_catalogue() -> None:
    names = [f"c{k:02}" for k in range(12)]
    won = datetime(1971, 1, 1)
    sent = [
        contact(name, 300 + 9 * k, offer="Small gift", converted_at=won if k % 2 else None)
        for name in names
        for k in range(6)
    ]
    row = rows_of(base_of(buyers(*names), contacts=sent))["c00"]
    assert (row["gift_evidence"], row["gift_used"], row["gift_source"]) == (6, 3, "contacts")
    assert "takes gifts (3 of 6 offers) as often as others" in row["in_words"].lower()


# ---------------------------------------------------------------- times
def test_the_best_hour_is_one_at_which_the_channel_may_send() -> None:
    # Both order at 23:00, now and then at 12:00. E-mail is quiet from 22:00, post never is.
    late = [
        line(name, f"{name}{k}", 900 + k, 9.0, minute=1380 - 660 * (k % 5 == 0))
        for name in "ab"
        for k in range(20)
    ]
    base = base_of(
        late, customers=[person("a", consent_email=True)], personal=[person("a", email="a@web.de")]
    )
    mail, post = ({name: CHANNELS[name]} for name in ("email", "post"))
    hour = {
        name: preference_table(preferences_of(base, offers=OFFERS, channels=one))["best_hour"].to_pylist()[0]
        for name, one in (("email", mail), ("post", post))
    }
    assert hour == {"email": 12, "post": 23}


def test_dates_are_those_of_the_ranking_and_of_timing_and_only_a_ranking_brings_windows() -> None:
    base, scores = reachable(), scores_of(anna="champions", bert="dormant", carl="new")
    with_ranking, without = (preference_table(found_of(base, **more)) for more in ({"scores": scores}, {}))
    golden = timing_table(base, scores)
    for name in ("contact_from", "contact_to", "next_birthday", "next_anniversary"):
        assert with_ranking[name].to_pylist() == golden[name].to_pylist()
    assert [with_ranking[name].to_pylist() for name in NEXT_ORDER] == [[day] * 3 + [None] for day in DATES]
    assert without["next_order_p50"].null_count == without["contact_why"].null_count == 4
    assert without["next_birthday"].to_pylist() == [date(1972, 10, 3), None, None, None]
    assert with_ranking["segment"].to_pylist() == ["champions", "dormant", "new", "not ranked"]


# ---------------------------------------------------------------- intervals
def mailed(customers: int = 200) -> Base:
    """Each customer gets mails after 1 or 20 days, and clicks on one of ten or four of ten of them."""
    chance, sent = np.random.default_rng(3), []
    for one in range(customers):
        day = 200
        for number in range(20):
            gap = 1 if number % 2 else 20
            day += gap
            clicked = chance.random() < (0.4 if gap == 20 else 0.1)
            sent.append(contact(f"c{one:03}", day, clicked_at=datetime(1971, 6, 1) if clicked else None))
    return base_of(buyers(*(f"c{one:03}" for one in range(customers))), contacts=sent)


def test_the_interval_of_each_group_and_of_all_comes_with_the_evidence_of_each_gap() -> None:
    base = mailed()
    scores = scores_of(**{f"c{one:03}": "champions" if one < 195 else "tiny" for one in range(200)})
    found = found_of(base, scores=scores)
    rows = interval_table(found.intervals).to_pylist()
    days = {(row["grouped_by"], row["segment"]): row["contact_interval_days"] for row in rows}
    assert days == {("all", "all"): 14, ("rfm", "champions"): 14, ("rfm", "tiny"): None}
    whole = [row for row in rows if row["segment"] == "all"]
    assert [(row["gap_from_days"], row["messages"], row["verdict"]) for row in whole] == [
        (14, 1800, "longest"), (1, 2000, "falls"),
    ]  # fmt: skip
    assert {row["customers"] for row in rows} == {200, 195, 5}


def test_a_customer_of_a_group_that_is_unknown_gets_the_interval_of_all() -> None:
    scores = scores_of(**{f"c{one:03}": "champions" if one < 195 else "tiny" for one in range(200)})
    rows = rows_of(mailed(), scores=scores)
    assert rows["c199"]["segment"] == "tiny" and rows["c199"]["contact_interval_days"] == 14
    assert "at least 14 days between messages" in rows["c199"]["in_words"]


def test_without_messages_every_interval_is_unknown_and_says_what_is_missing() -> None:
    rows = interval_table(found_of(reachable()).intervals).to_pylist()
    assert [(row["grouped_by"], row["segment"], row["customers"]) for row in rows] == [
        ("all", "all", 4), ("activity", "active", 3), ("activity", "silent", 1),
    ]  # fmt: skip
    assert {row["missing"] for row in rows} == {NO_MESSAGES}
    assert all(row["contact_interval_days"] is None and row["reason"].startswith("unknown: ") for row in rows)


# ---------------------------------------------------------------- days ahead
def test_the_calendar_holds_what_touches_the_days_ahead_with_the_holidays_of_the_country() -> None:
    day = parse_day("2021-10-01")
    table = calendar_table(days_ahead(day, days=60, country="Germany"), as_of=day)
    labels = dict(zip(table["label"].to_pylist(), table["days_ahead"].to_pylist(), strict=True))
    assert labels["German Unity Day"] == 2 and labels["Black Friday"] == 56
    assert "Double Twelve" not in labels and "Cyber Monday" in labels
    assert not any(one.kind == "holiday" for one in days_ahead(day, days=60))
    assert "Cyber Monday" not in {one.label for one in days_ahead(day, days=58, country="DE")}


# ---------------------------------------------------------------- the rows and words
def test_a_row_is_the_same_in_whatever_parts_the_rows_are_made() -> None:
    found = found_of(discounts())
    whole = preference_table(found)
    assert pa.concat_tables(preference_parts(found, rows=7)).combine_chunks().equals(whole)
    assert whole["customer_id"].to_pylist() == found.base.sales.ids.to_pylist()


def test_the_sentence_says_what_the_row_holds() -> None:
    base = reachable()
    words = rows_of(base, scores=scores_of(anna="champions"))["anna"]["in_words"]
    assert words == (
        "Nothing is known of special prices, discounts, gifts, value packs, free shipping, coupons, samples; contact "
        "by the app (the shop's own channel, for an active customer); best on Sunday at 10:00 (as most customers; own "
        "orders and opens: 5); next order around 1972-10-10 (1972-09-30 to 1973-01-31), best contacted from 1972-10-04 "
        "to 1972-10-10 (shortly before the order that the own rhythm expects); birthday on 1972-10-03, anniversary of "
        "the first order on 1973-06-29."
    )


def test_every_customer_has_one_sentence_however_little_is_known() -> None:
    words = preference_table(found_of(base_of([line("a", "1", 10, 0.0), line("b", "2", 10, 3.0)])))[
        "in_words"
    ]
    assert words.null_count == 0
    assert all(one[0].isupper() and one.endswith(".") and one.count(". ") == 0 for one in words.to_pylist())


# ---------------------------------------------------------------- the account
def test_the_account_counts_what_the_rows_say() -> None:
    base = mailed(40)
    found = found_of(base)
    rows, told = preference_table(found).to_pylist(), to_dict(found, (), (), {})
    for name in CHANNELS:
        for word in ("yes", "no", "unknown"):
            assert told["channels"][name]["allowed"][word] == sum(
                row[f"{name}_allowed"] == word for row in rows
            )
        assert told["channels"][name]["ask_for"] == sum(row["ask_for_channel"] == name for row in rows)
    assert told["channels"]["email"]["messages"] == sum(row["email_messages"] for row in rows) == 800
    assert sum(told["times"]["best_weekday"].values()) == 40


def test_orders_alone_name_everything_that_is_missing_and_full_tables_less() -> None:
    alone = " ".join(missing_of(found_of(base_of(buyers("anna"))), country=None))
    for option in (
        "--customers",
        "--contacts",
        "--events",
        "--ranking",
        "birth_date",
        "--country",
        "free_shipping",
    ):
        assert option in alone
    events = [event("anna", kind, 900) for kind in ("email_sent", "email_open", "email_click", "unsubscribe")]
    full = Base(**{**vars(reachable()), "events": base_of([], events=events).events})
    told = " ".join(missing_of(found_of(full, scores=scores_of(anna="champions")), country="DE"))
    assert not any(option in told for option in ("--ranking", "--contacts", "birth_date", "--country"))
