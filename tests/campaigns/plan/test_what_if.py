"""Other budgets, and the catalogue without one offer."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.plan.what_if import THIS, what_if
from tests.campaigns.plan.small import channel, coupon, customers, economics, offer, planned, terms

PEOPLE = customers(list(np.linspace(0.01, 0.4, 80)), basket=list(np.linspace(10, 90, 80)))


def test_the_plan_itself_comes_first_with_its_own_sums() -> None:
    plan = planned(economics(PEOPLE, of_terms=terms(budget=4.0)))
    first = what_if(plan)[0]
    assert (first.words, first.customers) == (THIS, len(plan.contacted))
    assert (first.profit, first.low) == (plan.profit(), plan.profit("low"))


def test_each_other_budget_is_the_best_plan_for_it() -> None:
    found = {one.words: one for one in what_if(planned(economics(PEOPLE, of_terms=terms(budget=2.0))))}
    half = planned(economics(PEOPLE, of_terms=terms(budget=1.0)))
    assert found["budget 1.00 EUR"].profit == pytest.approx(half.profit())
    profits = [one.profit for words, one in found.items() if words.startswith("budget")]
    assert profits == sorted(profits)
    assert found["no limit of money"].profit == pytest.approx(planned(economics(PEOPLE)).profit())


def test_without_a_budget_only_smaller_ones_are_told() -> None:
    words = [one.words for one in what_if(planned(economics(PEOPLE)))]
    assert len([one for one in words if one.startswith("budget")]) == 3
    assert "no limit of money" not in words


def test_budgets_that_change_nothing_are_left_out() -> None:
    words = [one.words for one in what_if(planned(economics(PEOPLE, of_terms=terms(budget=10_000.0))))]
    assert not [one for one in words if one.startswith(("budget", "no limit"))]


def test_without_an_offer_the_others_take_its_place() -> None:
    found = {one.words: one for one in what_if(planned(economics(PEOPLE)))}
    only = planned(economics(PEOPLE, offers=[offer()]))
    assert found["without 'Coupon'"].profit == pytest.approx(only.profit())


def test_a_plan_with_nobody_has_nothing_to_compare() -> None:
    plan = planned(economics(offers=[coupon()], channels=[channel(cost=9.0)]))
    assert [one.words for one in what_if(plan)] == [THIS]
