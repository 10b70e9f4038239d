"""The catalogue of offers: what is refused, who may get what, and what is assumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lifecycle import LEVELS, read_stages
from campaigns.offers import (
    OFFER_KINDS,
    Offer,
    OfferError,
    allowed_levels,
    assumptions,
    check_offers,
    eligible,
    fitting_offers,
    kinds_of,
    read_offers,
)
from contracts.errors import DeclarationError

SHOP: dict[str, Any] = {"margin": 0.4, "basket": 50.0, "currency": "EUR"}


def offer(**rest: Any) -> Offer:
    values = {"name": "x", "label": "X", "says": "An X.", "kind": "gift", "level": "small"}
    return Offer(**{**values, **rest})


def written(folder: Path, text: str) -> Path:
    path = folder / "offers.toml"
    path.write_text(text, encoding="utf-8")
    return path


GIFT = '[offers.mug]\nlabel = "A mug"\nsays = "A mug."\nkind = "gift"\nlevel = "small"\n'


def test_our_catalogue_has_every_kind_and_pays_in_a_shop_with_a_usual_margin() -> None:
    offers = read_offers()
    assert {one.kind for one in offers.values()} == set(OFFER_KINDS)
    assert all(one.cost == 0 and one.currency is None for one in offers.values())  # it fits any currency
    check_offers(offers, margin=0.4, basket=50.0, currency="JPY", columns=("frequency", "lifecycle"))


def test_a_shops_offer_is_added_and_ours_can_be_switched_off(tmp_path: Path) -> None:
    offers = read_offers(written(tmp_path, f"{GIFT}cost = 3\nstock = 100\n[offers.sample]\noff = true\n"))
    assert (offers["mug"].cost, offers["mug"].stock, "sample" in offers) == (3.0, 100, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('kind = "gifts"', r"\[offers.mug\]: kind is 'gifts', did you mean 'gift'\?"),
        ('level = "smal"', r"level is 'smal', did you mean 'small'\?"),
        ("stock = 0", "stock is 0: nobody can get it. Leave stock out"),
        ("cap = 0", "cap is 0: nothing may be given"),
        ("share = 1.5", "share is 1.5. Write a share from 0 to 1"),
        ("cost = -1", "cost is -1. Write an amount of at least 0"),
        ("cost = inf", "cost is inf. Write an amount"),
        ("lift_prior = 0.01", "lift_prior stands without prior_source"),
        ("lift_of = { new = 2 }", "lift_of.new is 2. Write a share"),
        ('level = "none"\ncost = 2', "level is none, but it gives something away"),
        ('kind = "none"\ncost = 2', "kind is none, a plain message, but it gives something away"),
        ("costs = 2", r"unknown key 'costs', did you mean 'cost'\?"),
        ('when = "frequency >"', "offer mug: the rule `frequency >`"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, line: str, message: str) -> None:
    keys = [one.split(" =")[0] for one in line.splitlines()]
    kept = [one for one in GIFT.splitlines() if one.split(" =")[0] not in keys]
    path = written(tmp_path, "\n".join([*kept, line]))
    with pytest.raises(DeclarationError, match=message):
        read_offers(path)


def test_two_offers_with_one_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OfferError, match=r"\[offers.mug\]: has the label of \[offers.gift\], 'small  GIFT'"):
        read_offers(written(tmp_path, GIFT.replace("A mug", "small  GIFT", 1)))


def test_an_offer_that_costs_more_than_it_can_earn_is_refused_with_both_amounts() -> None:
    with pytest.raises(OfferError) as error:
        check_offers({"x": offer(cost=12.0, share=0.2)}, **SHOP)
    assert error.value.names == ("x",)
    assert str(error.value) == (
        "[offers.x]: costs 22.00 EUR per redemption and can earn 20.00 (margin 40% of a basket of 50.00). Make it "
        "smaller, or ask for a larger basket (min_basket)."
    )


@given(st.floats(0, 60), st.floats(0, 1), st.floats(-0.3, 0.3), st.floats(0, 200))
def test_an_offer_is_refused_exactly_where_a_redemption_leaves_nothing(
    cost: float, share: float, effect: float, least: float
) -> None:
    basket = max(50.0, least)
    left = (0.4 + effect) * basket - (cost + share * basket)
    one = offer(cost=cost, share=share, margin_effect=effect, min_basket=least)
    try:
        check_offers({"x": one}, **SHOP)
        assert left > 0 or left == pytest.approx(0.0, abs=1e-9)
    except OfferError:
        assert left <= 1e-9


def test_a_larger_least_basket_can_pay_for_the_same_gift() -> None:
    check_offers({"x": offer(cost=22.0, min_basket=60.0)}, **SHOP)


def test_all_offers_at_fault_are_named_at_once() -> None:
    offers = {
        "a": offer(cost=30.0),
        "b": offer(currency="USD"),
        "c": offer(when="recensy_days > 3"),
        "d": offer(),
    }
    with pytest.raises(OfferError) as error:
        check_offers({**offers, "e": offer(cost=2.0, cap=1.0)}, **SHOP, columns=["recency_days"])
    assert error.value.names == ("a", "b", "c", "e")
    lines = str(error.value).splitlines()
    assert "counts in USD, the shop in EUR" in lines[1]
    assert "column 'recensy_days', which does not exist, did you mean 'recency_days'?" in lines[2]
    assert "has a cap of 1.00 EUR, less than one redemption costs (2.00)" in lines[3]


def test_our_own_offers_that_cannot_pay_are_left_out_and_said_but_the_shops_are_refused(
    tmp_path: Path,
) -> None:
    thin: dict[str, Any] = {"margin": 0.08, "basket": 50.0, "currency": "EUR"}
    kept, said = fitting_offers(read_offers(), **thin)
    assert {"message", "coupon_small"} <= set(kept)
    assert sorted(set(read_offers()) - set(kept)) == ["coupon_large", "discount_10", "special_price"]
    assert said[0].startswith("Our offer '10 % discount' is left out: it costs 5.00 EUR per redemption")
    with pytest.raises(OfferError, match=r"\[offers.mug\]: costs 9.00 EUR"):
        fitting_offers(read_offers(written(tmp_path, f"{GIFT}cost = 9")), **thin)


def test_a_redemption_gives_its_cost_and_share_and_leaves_the_rest_of_the_margin() -> None:
    one = offer(cost=2.0, share=0.1, margin_effect=-0.05)
    assert one.given(np.array([10.0, 50.0])).tolist() == [3.0, 7.0]
    assert one.earned(np.array([10.0, 50.0]), margin=0.4) == pytest.approx([0.5, 10.5])


def test_the_lift_of_a_segment_goes_before_that_of_a_stage() -> None:
    one = offer(lift_prior=0.01, lift_of={"lost": 0.002, "champions": 0.03}, prior_source="assumption")
    stage = np.array(["lost", "lost", "new"], object)
    segment = np.array(["dormant", "champions", "new"], object)
    assert one.lift(3, stage, segment).tolist() == [0.002, 0.03, 0.01]


def test_a_rule_and_a_least_basket_say_who_may_get_an_offer() -> None:
    offers = {"a": offer(when="frequency >= 2", min_basket=20.0), "b": offer()}
    found = eligible(offers, {"frequency": np.array([1.0, 2.0, 3.0])}, basket=np.array([90.0, 10.0, 20.0]))
    assert found["a"].tolist() == [False, False, True]
    assert found["b"].all()


def test_silent_subscribers_may_get_larger_offers_than_active_ones() -> None:
    stages, policy = np.array(list(read_stages()), object), read_stages()
    silent = allowed_levels(stages, np.full(6, "silent", object), policy=policy)
    active = allowed_levels(stages, np.full(6, "active", object), policy=policy)
    unknown = allowed_levels(stages, None, policy=policy)
    assert (silent >= active).all() and silent.sum() > active.sum()
    assert (unknown == active).all()
    assert active[:, 0].all()  # a plain message is for all


def test_the_levels_follow_the_policy_that_is_handed_in() -> None:
    policy = read_stages()
    found = allowed_levels(np.array(["growing", "lost", None], object), None, policy=policy)
    assert [LEVELS[int(row.sum()) - 1] for row in found] == ["none", "large", "none"]


def test_contacts_may_write_an_offers_name_or_its_label() -> None:
    kinds = kinds_of(read_offers())
    assert (kinds["discount_10"], kinds["10 % discount"], kinds["message"]) == (
        "discount",
        "discount",
        "none",
    )


def test_every_assumed_lift_is_said_with_its_source() -> None:
    said = assumptions(
        {"a": offer(lift_prior=0.012, lift_of={"lost": 0.004}, prior_source="guessed"), "b": offer()}
    )
    assert said == [
        "X: one contact is assumed to convert 1.2%, lost 0.4% of those who would not have bought (guessed)."
    ]
