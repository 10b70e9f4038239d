from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from campaigns.channels import Channel
from campaigns.offers import Offer, read_offers
from campaigns.plan.customers import Customers
from campaigns.plan.economics import Economics
from campaigns.plan.lifts import lifts_of
from campaigns.plan.terms import Terms
from campaigns.preview import MOST_POINTS, Point, PreviewTerms, columns_of, needed, preview
from contracts.errors import ContractError, DeclarationError
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats

TEN = Offer("ten", "Ten percent", "", "discount", "medium", share=0.1, lift_prior=0.2, prior_source="test")
GIFT = Offer("gift", "Gift", "", "gift", "small", cost=1.0, lift_prior=0.1, prior_source="test")
WORD = Offer("word", "Word", "", "none", "none", lift_prior=0.02, prior_source="test")
COLUMNS = {
    "p": np.array([0.5, 0.1, 0.9, 0.3, 0.1]),
    "basket": np.array([40.0, 10.0, 80.0, 0.0, 60.0]),
}


def by_hand(p: float, basket: float, offer: Offer, terms: PreviewTerms, *, share: float = 1.0) -> float:
    """Return what one contact adds, written out once more."""
    bought = p + share * offer.lift_prior * (1 - p)
    with_offer = terms.margin * basket - offer.cost - offer.share * basket
    return bought * with_offer - p * terms.margin * basket - terms.contact_cost


@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 99])
def test_every_figure_equals_a_plain_loop(number: int) -> None:
    terms = PreviewTerms(contact_cost=0.5, margin=0.4, offers=(TEN,))
    rows = list(zip(COLUMNS["p"].tolist(), COLUMNS["basket"].tolist(), strict=True))
    rows.sort(key=lambda row: -by_hand(row[0], row[1], TEN, terms))
    found = preview(COLUMNS, terms).at(number)
    assert found.contacted == min(number, 5)
    bought = [(p, b, p + 0.2 * (1 - p)) for p, b in rows[:number]]
    wanted = {
        "cost": sum(0.5 + x * 0.1 * b for _, b, x in bought),
        "buyers": sum(x for _, _, x in bought),
        "added": sum(0.2 * (1 - p) for p, _, _ in bought),
        "revenue": sum(x * b for _, b, x in bought),
        "profit": sum(by_hand(p, b, TEN, terms) for p, b, _ in bought),
        "profit_low": sum(by_hand(p, b, TEN, terms, share=0.5) for p, b, _ in bought),
        "profit_high": sum(by_hand(p, b, TEN, terms, share=1.5) for p, b, _ in bought),
    }
    assert {name: getattr(found, name) for name in wanted} == pytest.approx(wanted)


def test_the_best_number_stops_before_the_first_contact_that_loses() -> None:
    terms = PreviewTerms(contact_cost=0.5, margin=0.4, offers=(WORD,))
    gains = sorted((by_hand(p, b, WORD, terms) for p, b in zip(*COLUMNS.values(), strict=True)), reverse=True)
    found = preview(COLUMNS, terms)
    assert found.best.contacted == sum(gain > 0 for gain in gains)
    assert found.best.profit == pytest.approx(sum(gain for gain in gains if gain > 0))


def test_break_even_is_the_last_number_that_does_not_lose() -> None:
    columns = {"p": np.zeros(4), "basket": np.array([100.0, 50.0, 20.0, 0.0])}
    # A contact adds .02 * .5 * basket = 1, .5, .2, 0 and costs .5: sums .5, .5, .2, -.3.
    assert preview(columns, PreviewTerms(0.5, 0.5, offers=(WORD,))).break_even == 3
    assert preview(columns, PreviewTerms(0.0, 0.5, offers=(WORD,))).break_even is None
    assert preview(columns, PreviewTerms(9.0, 0.5, offers=(WORD,))).break_even == 0


def test_each_customer_gets_the_offer_that_earns_most() -> None:
    terms = PreviewTerms(contact_cost=0.1, margin=0.5, offers=(WORD, TEN, GIFT))
    found = preview(COLUMNS, terms)
    for place, offer in zip(found.order, found.offer, strict=True):
        p, basket = COLUMNS["p"][place], COLUMNS["basket"][place]
        gains = [by_hand(p, basket, one, terms) for one in terms.offers]
        assert gains[offer] == max(gains)


def test_within_a_budget_money_goes_where_it_earns_most() -> None:
    # Contacts cost nothing; a gift costs the same for all, so the dearest baskets come first.
    columns = {"p": np.zeros(3), "basket": np.array([10.0, 90.0, 50.0])}
    found = preview(columns, PreviewTerms(margin=0.5, offers=(GIFT,), budget=0.2))
    assert found.order.tolist() == [1, 2, 0]
    assert found.chosen.contacted == 2 and found.chosen.cost == pytest.approx(0.2)


def test_asked_numbers_are_answered_even_if_they_lose() -> None:
    found = preview(COLUMNS, PreviewTerms(contact_cost=50.0, offers=(WORD,), customers=4))
    assert found.best.contacted == 0
    assert found.chosen.contacted == 4 and found.chosen.profit < 0


def test_an_offer_is_only_for_those_whom_its_rule_and_basket_name() -> None:
    offer = Offer(
        "few",
        "Few",
        "",
        "none",
        "none",
        when="frequency >= 1",
        min_basket=20.0,
        lift_prior=0.1,
        prior_source="t",
    )
    columns = COLUMNS | {"frequency": np.array([0.0, 1.0, 3.0, 2.0, 1.0])}
    assert set(preview(columns, PreviewTerms(offers=(offer,))).order.tolist()) == {2, 4}


def test_a_lift_differs_by_lifecycle() -> None:
    offer = read_offers()["discount_10"]
    columns = {
        "p": np.full(2, 0.1),
        "basket": np.full(2, 50.0),
        "lifecycle": np.array(["lost", None], dtype=object),
    }
    found = preview(columns, PreviewTerms(offers=(offer,), margin=0.9))
    by_place = dict(zip(found.order.tolist(), found.each["added"].tolist(), strict=True))
    assert by_place == pytest.approx({0: 0.006 * 0.9, 1: 0.010 * 0.9})


def test_the_figures_are_those_of_the_plan() -> None:
    columns = {**COLUMNS, "curve": np.tile(COLUMNS["p"][:, None], len(CURVE_KNOTS))}
    offers = (WORD, TEN, GIFT)
    channel = Channel("email", "Mail", cost=0.1, cost_source="test", own=False, most_7d=9, most_30d=9)
    customers = Customers(
        pa.array(list("abcde")),
        columns["curve"],
        columns["basket"],
        np.full(5, 0.5),
        {},
        {},
        {"email": np.ones(5, np.bool_)},
        np.ones((5, 4), np.bool_),
    )
    plan = Economics(
        customers,
        Terms("t", "T", weeks=1, least_profit=-99.0),
        offers=offers,
        channels=(channel,),
        lifts=lifts_of(offers, customers),
    )
    for place, offer in enumerate(offers):
        found = preview(columns, PreviewTerms(0.1, 0.5, offers=(offer,)))
        for bound, name in (("share", "profit"), ("low", "profit_low"), ("high", "profit_high")):
            theirs = plan.earned(np.arange(5), np.full(5, place), bound=bound).profit
            assert found.each[name] == pytest.approx(
                theirs[found.order], rel=1e-5
            )  # their chances have 32 bits


def many(values: list[tuple[float, float]]) -> dict[str, NDArray[Any]]:
    table: Floats = np.array(values, dtype=np.float64).reshape(-1, 2)
    return {"p": table[:, 0], "basket": table[:, 1]}


CUSTOMERS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1e4)), max_size=60)


@given(CUSTOMERS, st.floats(0, 5), st.floats(0.01, 1), st.one_of(st.none(), st.floats(0, 500)))
@settings(max_examples=60, deadline=None)
def test_whatever_the_customers_the_curve_fits_together(
    values: list[tuple[float, float]], cost: float, margin: float, budget: float | None
) -> None:
    found = preview(many(values), PreviewTerms(cost, margin, offers=(WORD, TEN), budget=budget))
    points = found.points
    numbers = [one.contacted for one in points]
    assert numbers == sorted(set(numbers)) and len(points) <= MOST_POINTS
    assert numbers[0] == 0 and numbers[-1] == len(found) == len(values)
    for one in points:
        assert vars(found.at(one.contacted)) == pytest.approx(vars(one), abs=1e-6)
        assert found.best.profit >= one.profit - 1e-6
        assert one.profit_low <= one.profit + 1e-6 and one.profit <= one.profit_high + 1e-6
    assert budget is None or found.chosen.cost <= budget * (1 + 1e-6)


@given(CUSTOMERS)
@settings(max_examples=40, deadline=None)
def test_equal_customers_keep_their_order(values: list[tuple[float, float]]) -> None:
    found = preview(many(values), PreviewTerms(0.1, offers=(WORD,)))
    key = found.each["profit"].astype(np.float32)
    same = key[1:] == key[:-1]
    assert (np.diff(found.order)[same] > 0).all() and (key[1:] <= key[:-1]).all()


def test_without_offers_a_plain_message_of_our_catalogue_is_meant() -> None:
    assert PreviewTerms().choices == (read_offers()["message"],)


def test_nobody_gives_one_point_of_zeros() -> None:
    found = preview(many([]), PreviewTerms(1.0))
    assert found.points == (Point(0, *[0.0] * 7),) and found.break_even is None


def test_scores_are_read_at_the_horizon_or_from_the_curve() -> None:
    curve = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    scores = pa.table(
        {
            "p_repurchase_30d": [0.3],
            "expected_orders_30d": [0.5],
            "expected_value_30d": [20.0],
            "monetary_value": [7.0],
            "curve": pa.array([curve]),
        }
    )
    for days, p in ((30, 0.3), (60, 0.4)):
        terms = PreviewTerms(response_days=days)
        columns = columns_of(scores.select(needed((30,), terms)), terms)
        assert (columns["p"][0], columns["basket"][0]) == pytest.approx((p, 40.0))


@pytest.mark.parametrize(
    "bad",
    [
        {"contact_cost": -1.0},
        {"contact_cost": float("inf")},
        {"margin": 0.0},
        {"margin": 1.1},
        {"response_days": 0},
        {"response_days": 366},
        {"budget": -1.0},
        {"customers": -1},
    ],
)
def test_terms_that_cannot_be_meant_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(bad))):
        PreviewTerms(**bad)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ContractError, match="p and basket"):
        preview({"p": np.zeros(2), "basket": np.zeros(3)}, PreviewTerms())
