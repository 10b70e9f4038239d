"""Who may and can be reached, and why not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from campaigns.base import Base
from campaigns.screening.channels import CHANNELS, channel_of
from campaigns.screening.reachability import REASONS, reach_of
from contracts.errors import DeclarationError
from tests.campaigns.screening.bases import base_of, buyers, contact, event

ANNA = {"customer_id": "anna", "email": "anna@web.de", "phone": "+4915112345678"}
AGREED = {"customer_id": "anna", "consent_email": True, "consent_sms": True, "consent_push": True}


def anna(personal: dict[str, Any] | None = None, customer: dict[str, Any] | None = None, **more: Any) -> Base:
    people = [
        {**ANNA, **(personal or {})},
        {"customer_id": "stranger", "email": "x@web.de", "phone": "+493012345678"},
    ]
    return base_of(buyers("anna"), personal=people, customers=[{**AGREED, **(customer or {})}], **more)


def found(base: Base, channel: str = "email", **given: Any) -> tuple[int, str]:
    reach = reach_of(base, **given)
    return int(reach.state[channel][0]), list(REASONS)[reach.reason[channel][0]]


def test_a_good_address_with_consent_is_reachable() -> None:
    assert [found(anna(), channel) for channel in ("email", "sms", "app")] == [(1, "ok")] * 3


def test_with_orders_alone_everything_is_unknown() -> None:
    reach = reach_of(base_of(buyers("anna", "bert")))
    assert all((reach.state[channel] == -1).all() for channel in CHANNELS)
    assert reach.any.tolist() == [-1, -1]


def test_personal_data_without_any_number_say_nothing_about_numbers() -> None:
    base = base_of(buyers("anna", "bert"), personal=[{"customer_id": "anna", "email": "anna@web.de"}])
    reach = reach_of(base)
    assert reach.state["sms"].tolist() == [-1, -1]
    assert reach.state["email"].tolist() == [-1, 0]  # consent unknown; no address


def test_what_is_asked_of_the_address_stands_as_the_reason() -> None:
    wrong = {"a@b": "bad_syntax", "a@shop.test": "reserved_domain", None: "no_address"}
    assert [found(anna({"email": email})) for email in wrong] == [(0, reason) for reason in wrong.values()]
    assert found(anna({"email": "anna@gmial.com"})) == (-1, "misspelt_domain")


def test_a_refused_consent_closes_the_channel_and_only_it() -> None:
    base = anna(customer={"consent_email": False})
    assert found(base) == (0, "consent_refused")
    assert found(base, "sms") == (1, "ok")


def test_consent_that_nobody_wrote_down_counts_only_where_it_is_allowed() -> None:
    base = anna(customer={"consent_email": None})
    assert found(base) == (-1, "consent_unknown")
    assert found(base, unknown_consent="allow") == (1, "consent_assumed")


def test_allowing_unknown_consent_never_overrules_a_refusal() -> None:
    base = anna(customer={"consent_email": False})
    assert found(base, unknown_consent="allow") == (0, "consent_refused")


def test_another_word_about_unknown_consent_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"'maybe'\. Write 'ask' or 'allow'"):
        reach_of(anna(), unknown_consent="maybe")


def test_whoever_unsubscribed_is_not_reachable_until_subscribing_again() -> None:
    left = [event("anna", "unsubscribe", 900)]
    assert found(anna(events=left)) == (0, "unsubscribed")
    assert found(anna(events=[*left, event("anna", "resubscribe", 950)])) == (1, "ok")


def test_unsubscribing_from_sms_leaves_the_email_open() -> None:
    base = anna(events=[event("anna", "unsubscribe", 900, "SMS")])
    assert (found(base, "sms"), found(base, "email")) == ((0, "unsubscribed"), (1, "ok"))


def test_an_unsubscription_in_the_contacts_counts_too() -> None:
    base = anna(contacts=[contact("anna", 900, unsubscribed_at=datetime(1972, 7, 1))])
    assert found(base) == (0, "unsubscribed")


@pytest.mark.parametrize("word", ["bounce", "email_bounce", "hardbounce"])
def test_bounces_on_two_days_close_an_address(word: str) -> None:
    assert found(anna(events=[event("anna", word, 900)])) == (1, "ok")
    assert found(anna(events=[event("anna", word, day) for day in (900, 910)])) == (0, "bounced")


def test_bounces_before_a_sign_of_life_are_forgotten() -> None:
    events = [event("anna", "bounce", 900), event("anna", "bounce", 910), event("anna", "email_open", 920)]
    assert found(anna(events=events)) == (1, "ok")


def test_a_soft_bounce_is_none() -> None:
    assert found(anna(events=[event("anna", "softbounce", day) for day in (900, 910, 920)])) == (1, "ok")


def test_what_was_not_delivered_twice_bounced() -> None:
    contacts = [contact("anna", day, delivered=False) for day in (900, 910)]
    assert found(anna(contacts=contacts)) == (0, "bounced")


def test_the_control_arm_was_sent_nothing() -> None:
    contacts = [contact("anna", day, delivered=False, arm="control") for day in (900, 910)]
    assert found(anna(contacts=contacts)) == (1, "ok")


def test_a_fixed_line_takes_calls_but_no_sms() -> None:
    base = anna({"phone": "+493012345678"})
    assert found(base, "sms") == (0, "fixed_line")
    assert found(base, "phone") == (-1, "consent_unknown")
    assert found(base, "messenger") == (0, "fixed_line")


def test_whoever_reads_emails_has_an_address_though_we_do_not_hold_it() -> None:
    agreed = [{"customer_id": "anna", "consent_email": True}]
    base = base_of(buyers("anna"), customers=agreed, events=[event("anna", "email_open", 900)])
    assert found(base) == (1, "ok")


def test_the_states_stand_in_the_order_of_the_customers_whatever_the_order_of_the_tables() -> None:
    people = [{"customer_id": name, "email": f"{name}@web.de"} for name in ("zoe", "other", "anna")]
    agreed = [{"customer_id": name, "consent_email": name == "zoe"} for name in ("zoe", "anna")]
    reach = reach_of(base_of(buyers("anna", "bert", "zoe"), personal=people, customers=agreed))
    assert reach.ids.to_pylist() == ["anna", "bert", "zoe"]
    assert reach.state["email"].tolist() == [0, 0, 1]
    assert reach.state["email"].dtype == np.int8


def test_counts_of_states_and_reasons_add_up() -> None:
    people = [{"customer_id": "anna", "email": "anna@web.de"}, {"customer_id": "bert", "email": "?"}]
    reach = reach_of(base_of(buyers("anna", "bert", "carl"), personal=people))
    assert reach.counts("email") == {
        "yes": {}, "no": {"no_address": 1, "bad_syntax": 1}, "unknown": {"consent_unknown": 1},
    }  # fmt: skip


def test_all_closed_is_no_and_one_open_is_yes() -> None:
    refused = {"consent_email": False, "consent_sms": False, "consent_push": False}
    assert reach_of(anna(customer=refused)).any.tolist() == [0]
    assert reach_of(anna(customer={**refused, "consent_push": True})).any.tolist() == [1]


def test_words_for_channels_are_known_and_others_are_not() -> None:
    words = ["E-Mail", "WhatsApp", "In-App", "Direct Mail", None, "pigeon"]
    assert [channel_of(word) for word in words] == ["email", "messenger", "app", "post", "email", None]
