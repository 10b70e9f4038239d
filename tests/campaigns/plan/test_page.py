"""The page about a plan: what a shop owner reads, and that no name can break it."""

from __future__ import annotations

import html as entities
import re
from dataclasses import replace

import numpy as np

from campaigns.plan.holdout import Holdout, holdout_of
from campaigns.plan.notes import Notes
from campaigns.plan.page import plan_page, title_of
from campaigns.plan.planning import Plan, make_plan
from campaigns.plan.summary import summary_of
from campaigns.plan.weeks import days_of
from campaigns.plan.what_if import what_if
from campaigns.plan.words import money, pays_words, said
from tests.campaigns.plan.small import AS_OF, channel, coupon, customers, economics, offer, terms

EVIL = "<script>alert(1)</script>"
NOTES = Notes(("A margin of 30%. Write `margin` into the file.",), ("Our offer is left out.",), ("Events.",))
PEOPLE = customers(list(np.linspace(0.01, 0.5, 60)), tier=["focus"] * 30 + [EVIL] * 30)


def page(plan: Plan, holdout: Holdout, *, as_of: int = AS_OF, reengage: int | None = None) -> str:
    of = plan.economics.terms
    return plan_page(
        plan, summary_of(plan), what_if(plan), holdout=holdout, notes=NOTES, days=days_of(of, as_of=as_of),
        as_of=as_of, reengage=reengage,
    )  # fmt: skip


def text_of(html: str) -> str:
    return entities.unescape(
        re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))
    )


def example(**rest: object) -> tuple[Plan, Holdout]:
    campaign = economics(PEOPLE, of_terms=terms(budget=1.5, control_share=0.2, **rest))
    holdout = holdout_of(campaign, currency="EUR")
    return make_plan(campaign, currency="EUR", control=holdout.control), holdout


def test_the_page_says_who_how_many_what_it_costs_and_earns_and_when_it_pays() -> None:
    plan, holdout = example()
    words = text_of(page(plan, holdout))
    whole = summary_of(plan).whole
    assert f"{whole.customers} of 60 customers are contacted. Expected cost {whole.cost:.2f} EUR" in words
    assert f"The added profit is between {whole.low:.2f} and {whole.high:.2f} EUR" in words
    assert "It still pays if the contacts have only" in words
    for part in (
        "Who is not, and why", "In the control group", "How the effect will be measured", "What the limits cost",
        "more of 'budget' would earn", "What if", "this plan", "without 'Coupon'", "What is assumed",
        "What is missing", "Sent from 2022-01-09 to 2022-01-15", "control.csv",
    ):  # fmt: skip
        assert part in words, part


def test_names_of_customers_and_offers_cannot_break_the_page() -> None:
    campaign = economics(
        PEOPLE, offers=[offer(label=EVIL), coupon(label="=1+1")], of_terms=terms(label=f'"{EVIL}', budget=3.0)
    )
    holdout = holdout_of(campaign, currency="EUR")
    html = page(make_plan(campaign, currency="EUR", control=holdout.control), holdout)
    assert "<script" not in html and "&lt;script&gt;" in html


def test_the_same_plan_gives_the_same_page() -> None:
    assert page(*example()) == page(*example())


def test_assumed_effects_are_said_to_be_assumptions_and_measured_ones_are_not() -> None:
    plan, holdout = example()
    assert "are assumptions, not yet measured in this shop" in page(plan, holdout)
    lifts = {name: replace(one, treated=50, control=50) for name, one in plan.economics.lifts.items()}
    campaign = economics(PEOPLE, lifts=lifts, of_terms=terms())
    measured = make_plan(campaign, currency="EUR", control=np.zeros(60, dtype=np.bool_))
    assert "All effects were measured by tests of your own." in page(measured, holdout)


def test_a_plan_that_contacts_nobody_says_so_without_empty_tables() -> None:
    campaign = economics(PEOPLE, channels=[channel(cost=9.0)])
    holdout = holdout_of(campaign, currency="EUR")
    html = page(make_plan(campaign, currency="EUR", control=holdout.control), holdout)
    assert "None of 60 customers is contacted: no contact is expected to pay." in text_of(html)
    assert "<tbody></tbody>" not in html


def test_events_and_days_without_sending_are_named() -> None:
    campaign = terms(start="2022-11-20", no_send=("2022-11-21", "2023-01-01"))
    plan, holdout = example()
    plan = replace(plan, economics=economics(PEOPLE, of_terms=campaign))
    words = text_of(page(plan, holdout))
    assert "Nothing is sent on 2022-11-21." in words
    assert "Events in these days: Black Friday, 2022-11-25" in words


def test_silent_subscribers_are_counted_and_nobody_is_deleted() -> None:
    assert "7 subscribers do not open e-mails any more" in text_of(page(*example(), reengage=7))
    assert "reengage.csv" not in page(*example(), reengage=None)


def test_a_campaign_is_called_by_its_label_else_by_its_name() -> None:
    assert title_of(terms()) == "Spring"
    assert title_of(terms(label="Campaign", name="autumn")) == "Campaign autumn"
    assert title_of(terms(label="Campaign", name="campaign")) == "Campaign"


def test_amounts_are_whole_where_they_or_their_neighbours_are_large() -> None:
    assert [money(12.345), money(0.001), money(1234.5), money(12.345, beside=(5000,))] == [
        "12.35", "0", "1,234", "12",
    ]  # fmt: skip


def test_when_a_plan_pays_is_said_without_false_precision() -> None:
    assert "only 1% of" in pays_words(0.003)
    assert "only 4.6% of" in pays_words(0.0456) and "only 50% of" in pays_words(0.5)
    assert "expected to lose: the contacts would need 1.4 times the effect" in pays_words(1.4)


def test_what_is_to_be_written_stands_out_and_stays_harmless() -> None:
    assert said("Write `margin` & `<b>`.") == "Write <code>margin</code> &amp; <code>&lt;b&gt;</code>."
    assert said("a ` b") == "a ` b"
