"""Addresses by their letters."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.screening.email_addresses import JUDGEMENTS, judge
from campaigns.screening.settings import Settings
from campaigns.screening.shared import normal_addresses
from features.identity.keys import normal_email


def judged(*addresses: str | None) -> list[str]:
    return [JUDGEMENTS[code] for code in judge(pa.array(addresses, pa.string()), Settings.ours())]


@pytest.mark.parametrize(
    "address",
    [
        "anna@web.de",
        " Anna.B@Web.DE ",
        "o'neil+news@gmail.com",
        "a@b-c.co.uk",
        "x_1@müller.de",
        "a@xn--mller-kva.de",
    ],
)
def test_an_everyday_address_is_good(address: str) -> None:
    assert judged(address) == ["good"]


@pytest.mark.parametrize(
    "address",
    ["anna", "anna@", "@web.de", "anna@web", "anna@@web.de", "an na@web.de", ".anna@web.de", "anna.@web.de",
     "an..na@web.de", "anna@-web.de", "anna@web-.de", "anna@web..de", "anna@[10.0.0.1]", "anna@10.0.0.1",
     '"anna b"@web.de', "anna@web.de,bert@web.de", "anna(b)@web.de", "a" * 65 + "@web.de", "anna@" + "w" * 64 + ".de",
     "anna@" + "w.de." * 50 + "de"],
)  # fmt: skip
def test_what_no_mail_server_takes_is_refused(address: str) -> None:
    assert judged(address) == ["bad_syntax"]


def test_the_longest_box_and_label_are_good() -> None:
    assert judged("a" * 64 + "@web.de", "anna@" + "w" * 63 + ".de") == ["good", "good"]


def test_nothing_is_no_address() -> None:
    assert judged(None, "", "  ") == ["no_address"] * 3


@pytest.mark.parametrize(
    "domain", ["example.com", "shop.example.org", "mail.test", "a.invalid", "x.localhost"]
)
def test_domains_of_rfc_2606_are_nobodys(domain: str) -> None:
    assert judged(f"anna@{domain}") == ["reserved_domain"]


def test_a_domain_that_only_ends_like_a_reserved_one_is_good() -> None:
    assert judged("anna@myexample.com", "anna@latest.de") == ["good", "good"]


def test_boxes_of_machines_roles_and_misspelt_providers_are_told_apart() -> None:
    found = judged(
        "NoReply@shop.de", "info+x@shop.de", "anna@gmial.com", "anna@mailinator.com", "änna@web.de"
    )
    assert found == [
        "no_reply_box",
        "role_box",
        "misspelt_domain",
        "throwaway_domain",
        "letters_beyond_ascii",
    ]


def test_real_providers_whose_names_are_near_a_large_one_are_good() -> None:
    assert judged("a@mail.com", "a@ymail.com", "a@gmx.at", "a@yahoo.co.uk", "a@live.de") == ["good"] * 5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.emails(), min_size=1))
def test_normal_addresses_are_those_of_identity(addresses: list[str]) -> None:
    expected = [normal_email(one) for one in addresses]
    assert normal_addresses(pa.array(addresses, pa.string())).to_pylist() == expected


def test_spellings_of_one_gmail_box_are_one_address() -> None:
    spelt = ["An.Na+x@gmail.com", "anna@googlemail.com", "anna@GMAIL.com", "nothing", None]
    assert normal_addresses(pa.array(spelt)).to_pylist() == ["anna@gmail.com"] * 3 + [None, None]
