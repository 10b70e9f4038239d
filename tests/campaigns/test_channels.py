"""Channels: past response, who may be contacted and why not, and which channel is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.channels import (
    REASONS,
    Allowed,
    Channel,
    ChannelScores,
    allowed,
    channel_scores,
    check_channels,
    choose,
    read_channels,
)
from campaigns.sales import Sales
from campaigns.screening.activity import ACTIVE, LOW, Activity
from campaigns.screening.reachability import Reach
from contracts.errors import DataError, DeclarationError
from contracts.tables import CONTACTS, CUSTOMERS
from features.kernel.codes import Text
from tests.features.shops import Row, history_of, line

AS_OF = 200
NAMES = ("anna", "bert", "carl")
SALES = Sales.of(history_of([line(name, name, 10, 20.0) for name in NAMES]), AS_OF)
OURS = read_channels()


def contact(
    customer: str, day: int, channel: str | None = "email", *, clicked: bool = False, **rest: Any
) -> Row:
    sent = datetime(1970, 1, 1) + timedelta(days=day, hours=12)
    row = {
        "campaign_id": "c",
        "customer_id": customer,
        "sent_at": sent,
        "day": day,
        "arm": "treated",
        "channel": channel,
    }
    return {**row, "clicked_at": sent if clicked else None, **rest}


def base_of(contacts: Sequence[Row] = (), people: Sequence[Row] = ()) -> Base:
    return Base(
        SALES,
        "EUR",
        "UTC",
        contacts=pa.Table.from_pylist(list(contacts), schema=CONTACTS) if contacts else None,
        customers=pa.Table.from_pylist(list(people), schema=CUSTOMERS) if people else None,
    )


def reach(**state: Sequence[int]) -> Reach:
    states = {name: np.array(state.get(name, [-1] * len(NAMES)), np.int8) for name in OURS}
    reasons = {name: np.zeros(len(NAMES), np.int8) for name in OURS}
    return Reach(
        SALES.ids, states, reasons, Text(np.full(len(NAMES), -1, np.int32), pa.array([], pa.string()))
    )


def activity(*levels: int, ids: pa.Array = SALES.ids) -> Activity:
    codes, gaps = np.array(levels, np.int8), np.full(len(levels), 30.0)
    return Activity(ids, codes, codes, codes, np.zeros(len(levels), np.bool_), gaps, gaps / 30.0, 30.0)


USUAL = activity(ACTIVE, LOW, LOW)


def only(*names: str, **changes: Any) -> dict[str, Channel]:
    return {name: replace(OURS[name], **changes) for name in names}


# ---------------------------------------------------------------- declarations
def test_our_channels_are_the_six_and_their_assumed_costs_are_said() -> None:
    assert list(OURS) == ["email", "sms", "phone", "messenger", "app", "post"]
    (said,) = check_channels(OURS, currency="USD")
    assert said.startswith("Costs per contact are assumed, in USD: E-mail 0.002, SMS 0.08")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[channels.emial]\n", r"there is no channel 'emial', did you mean 'email'\?"),
        ("[channels.sms]\nquiet_from = 25\n", "quiet_from is 25. Write an hour from 0 to 24"),
        ("[channels.sms]\ncost = -1.0\n", "cost is -1. Write an amount"),
        ("[channels.sms]\ncapacity = -5\n", "capacity is -5. Write contacts per week"),
        (
            "[channels.sms]\nmost_7d = 9\n",
            "most_7d is 9, most_30d 4. Write 1 or more, and no fewer in 30 days",
        ),
        (
            '[channels.sms]\nconsent = "consent_mail"\n',
            r"consent is 'consent_mail', did you mean 'consent_email'\?",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    needed = {"label": '"X"', "cost": "1.0", "most_7d": "2", "most_30d": "4", "own": "false"}
    rest = "".join(f"{key} = {value}\n" for key, value in needed.items() if f"\n{key} =" not in text)
    (tmp_path / "c.toml").write_text(text + rest)
    with pytest.raises(DeclarationError, match=message):
        read_channels(tmp_path / "c.toml")


def test_a_cost_in_another_currency_is_refused() -> None:
    with pytest.raises(
        DeclarationError, match=r"\[channels.sms\]: its cost is in USD, the shop's money in EUR"
    ):
        check_channels(only("email") | only("sms", currency="USD"), currency="EUR")


def test_quiet_hours_may_pass_midnight() -> None:
    night, noon, none = (
        replace(OURS["sms"], quiet_from=a, quiet_until=b) for a, b in ((20, 9), (12, 14), (0, 0))
    )
    hours = np.array([8, 9, 12, 13, 14, 19, 20, 23, 0])
    assert night.sendable(hours).tolist() == [False, True, True, True, True, True, False, False, False]
    assert noon.sendable(hours).tolist() == [True, True, False, False, True, True, True, True, True]
    assert none.sendable(hours).all()


# ---------------------------------------------------------------- response
def test_response_is_clicks_and_orders_by_channel_with_the_evidence() -> None:
    rows = [contact("anna", day, "E-Mail", clicked=day % 2 == 0) for day in range(20, 40)]
    rows += [contact("bert", day, None) for day in range(20, 40)]
    rows += [contact("bert", 50, "whatsapp", converted_at=datetime(1970, 3, 1))]
    found = channel_scores(base_of(rows), None, OURS, USUAL)
    email, messenger = found.names.index("email"), found.names.index("messenger")
    assert found.evidence[:, email].tolist() == [20, 20, 0]
    assert found.responded[:, email].tolist() == [10, 0, 0]
    assert found.rate[0, email] > found.rate[2, email] > found.rate[1, email]
    assert found.responded[:, messenger].tolist() == [0, 1, 0]


def test_a_channel_without_recorded_answers_is_unknown_and_the_notes_say_why() -> None:
    rows = [contact("anna", 20, clicked=True), contact("anna", 21, "letter")]
    found = channel_scores(base_of(rows), None, OURS, USUAL)
    assert np.isnan(found.rate[:, found.names.index("post")]).all()
    assert "Post: 1 messages, but no click or order is recorded, so its response is unknown." in found.notes
    assert "SMS: no messages are known, so its response is unknown." in found.notes


def test_who_cannot_be_reached_has_no_rate_and_the_last_week_is_not_judged() -> None:
    rows = [contact("anna", 20, clicked=True), contact("bert", AS_OF - 6)]
    found = channel_scores(base_of(rows), reach(email=[1, 0, -1]), only("email"), USUAL)
    assert np.isnan(found.rate[:, 0]).tolist() == [False, True, False]
    assert found.evidence[:, 0].tolist() == [1, 0, 0]


# ---------------------------------------------------------------- who may be contacted
def test_each_refusal_has_its_reason() -> None:
    people = [{"customer_id": "anna", "consent_sms": False}]
    rows = [
        contact("bert", AS_OF, "sms"),
        contact("carl", AS_OF - 20, "sms"),
        contact("carl", AS_OF - 25, "sms"),
    ]
    may = allowed(base_of(rows, people), reach(sms=[1, 1, 1], email=[1, 0, -1]), only("sms", "email"))
    words = list(REASONS)
    assert [words[code] for code in may.reason["sms"]] == ["consent_refused", "cap_7_days", "cap_30_days"]
    assert [words[code] for code in may.reason["email"]] == ["ok", "not_reachable", "reach_unknown"]
    assert may.ok["email"].tolist() == [True, False, False]


def test_customers_of_unknown_reach_are_contacted_only_if_that_is_said() -> None:
    may = allowed(base_of(), reach(email=[1, 0, -1]), only("email"), allow_unknown=True)
    assert may.ok["email"].tolist() == [True, False, True]


def test_a_message_counts_for_the_seven_days_that_end_with_the_next_contact() -> None:
    rows = [contact("anna", AS_OF - 5, "sms"), contact("bert", AS_OF - 6, "sms")]
    may = allowed(base_of(rows), reach(sms=[1, 1, 1]), only("sms"))
    assert may.ok["sms"].tolist() == [False, True, True]


def test_an_empty_channel_is_named_with_its_reasons() -> None:
    may = allowed(base_of(), reach(sms=[0, 0, -1], email=[1, 1, 1], phone=[1, 1, 1]), {
        **only("sms", "email"), **only("phone", capacity=0),
    })  # fmt: skip
    assert may.empty() == [
        "[channels.sms]: nobody can be contacted: 2 not reachable, or refused, 1 not known to be reachable and agreed.",
        "[channels.phone]: nobody can be contacted: 3 the channel has no capacity.",
    ]
    may.require()
    with pytest.raises(DataError, match=r"^\[channels.sms\]: nobody can be contacted: 2 not"):
        may.require(["sms"])
    with pytest.raises(DeclarationError, match=r"no channel 'smss', did you mean 'sms'\?"):
        may.require(["smss"])


def test_a_shop_without_any_open_channel_gets_a_message_with_the_fix() -> None:
    may = allowed(base_of(), reach(), OURS)
    with pytest.raises(DataError, match="Give customers with consent and addresses"):
        may.require()


# ---------------------------------------------------------------- choosing
def scores(names: Sequence[str], rates: Sequence[Sequence[float]]) -> ChannelScores:
    rate = np.array(rates)
    nothing = np.zeros(rate.shape, np.int64)
    ids = pa.array([f"{k:05}" for k in range(len(rate))])
    return ChannelScores(ids, tuple(names), rate, nothing, nothing, ())


def open_to_all(names: Sequence[str], size: int) -> Allowed:
    return Allowed(
        {name: np.ones(size, np.bool_) for name in names}, {name: np.zeros(size, np.int8) for name in names}
    )


def test_active_customers_get_the_shops_own_channel_and_others_a_direct_one() -> None:
    found = choose(
        scores(("email", "app"), [[0.09, 0.01]] * 3),
        open_to_all(("email", "app"), 3),
        OURS,
        USUAL,
        worth=10.0,
    )
    assert [found.names[place] for place in found.channel] == ["app", "email", "email"]
    assert found.reason[0] == "the shop's own channel, for an active customer"


def test_among_fitting_channels_the_response_must_pay_for_the_contact() -> None:
    rates = scores(("email", "phone"), [[0.02, 0.2]] * 3)
    for worth, chosen in ((5.0, 0), (100.0, 1)):  # phone: 0.2 x 5 - 3 < 0; 0.2 x 100 - 3 > 2
        found = choose(rates, open_to_all(rates.names, 3), OURS, activity(LOW, LOW, LOW), worth=worth)
        assert found.channel.tolist() == [chosen] * 3


def test_where_no_response_is_known_the_cheapest_fitting_channel_is_chosen() -> None:
    rates = scores(("post", "sms", "email"), [[np.nan] * 3] * 3)
    found = choose(rates, open_to_all(rates.names, 3), OURS, USUAL, worth=10.0)
    assert found.channel.tolist() == [2, 2, 2]
    assert found.reason[0] == "a direct channel, since no fitting one is open or has room"


def test_a_full_channel_goes_to_the_customers_of_highest_priority() -> None:
    channels = only("email", capacity=1) | only("sms", capacity=1)
    rates = scores(("email", "sms"), [[0.1, 0.1]] * 3)
    found = choose(
        rates,
        open_to_all(rates.names, 3),
        channels,
        activity(LOW, LOW, LOW),
        worth=10.0,
        priority=np.array([1.0, 3.0, 2.0]),
    )
    assert found.channel.tolist() == [-1, 0, 1]
    assert found.reason[0] == "all allowed channels are full"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_choice_is_always_allowed_and_within_capacity(seed: int, size: int) -> None:
    chance, names = np.random.default_rng(seed), ("email", "sms", "app")
    channels = {name: replace(OURS[name], capacity=int(chance.integers(0, 20))) for name in names}
    ok = {name: chance.random(size) < 0.6 for name in names}
    may = Allowed(ok, {name: np.zeros(size, np.int8) for name in names})
    levels = activity(*chance.integers(0, 4, size).tolist())
    found = choose(
        scores(names, chance.random((size, 3)).tolist()), may, channels, levels, worth=chance.random(size)
    )
    for place, name in enumerate(names):
        assert ok[name][found.channel == place].all()
        assert (found.channel == place).sum() <= (channels[name].capacity or 0)
    left = [
        name
        for place, name in enumerate(names)
        if (found.channel == place).sum() < (channels[name].capacity or 0)
    ]
    assert not any(ok[name][found.channel < 0].any() for name in left)  # nobody is left out for nothing
