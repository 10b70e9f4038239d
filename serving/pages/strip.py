"""The strip on every page: how fresh the numbers are, and whether the model still does what it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from serving.pages import words
from serving.pages.past import LastTest, drift_of, due_on, finished_of, last_test_of
from serving.service import Current
from serving.store import Store

GOOD, BAD, PLAIN = "good", "bad", "plain"
_OFF = 0.15  # single months go up and down by 10 to 20 % for no reason that an order history shows


@dataclass(frozen=True)
class Fact:
    """One fact of the strip: what it is, what it says, and whether somebody has to act."""

    name: str
    says: str
    tone: str = PLAIN


def strip_of(current: Current, *, now: datetime) -> list[Fact]:
    """Return the facts, the most urgent one first among equals; `now` tells whether the ranking is out of date."""
    scorer, store = current.scorer, current.store
    model = Fact("Model", scorer.model_version)
    if store is None:
        return [Fact("Ranking", "none is published: run `repurchase rank`", BAD), model]
    facts, report = store.manifest, store.report
    as_of, until = date.fromisoformat(facts["as_of"]), date.fromisoformat(facts["valid_until"])
    today = now.astimezone(current.zone).date()
    if facts["model_version"] != scorer.model_version:
        model = Fact("Model", f"{facts['model_version']}; live scores come from {scorer.model_version}")
    return [
        Fact("Orders known until", f"{words.day(as_of)} ({words.ago(max((today - as_of).days, 0))})"),
        Fact("Scored", words.moment(facts["scored_at"])),
        _fresh(until, today),
        model,
        _predicted(store),
        _looks(report),
        *_tested(last_test_of(scorer.card())),
    ]


def _fresh(until: date, today: date) -> Fact:
    if today > until:
        late = words.days_words((today - until).days)
        return Fact("Good until", f"{words.day(until)}: out of date for {late}. Rank again.", BAD)
    left = (until - today).days
    return Fact("Good until", f"{words.day(until)}, {words.plural(left, 'day')} left", GOOD)


def _tested(test: LastTest | None) -> list[Fact]:
    """Return a warning where the model's totals were far off in its last test, and nothing otherwise."""
    if test is None or not test.far:
        return []
    off = f"buyers: {words.off_share(test.buyers_off)}, value: {words.off_share(test.value_off)}"
    return [Fact("Model's last test", f"{off}. Trust the order more than the totals.", BAD)]


def _predicted(store: Store) -> Fact:
    found = finished_of(store.report)
    if found is None:
        return Fact("Last finished window", f"none yet: predictions come due by {words.day(due_on(store))}")
    if found.in_sample:
        return Fact("Last finished window", "none that tests the model: it had learnt from those days")
    off = abs(found.expected_buyers - found.buyers) / max(found.buyers, 1.0)
    says = (
        f"{words.people(found.expected_buyers)} of {words.count(found.customers)} predicted to buy, "
        f"{words.count(found.buyers)} did "
        f"({words.off(found.expected_buyers, found.buyers)})"
    )
    return Fact("Last finished window", says, BAD if off > _OFF else GOOD)


def _looks(report: Mapping[str, Any]) -> Fact:
    flag = drift_of(report).flagged
    if flag is None:
        return Fact("Customer base", "not compared with the training data")
    says = "no longer looks like the training data" if flag else "looks like the training data"
    return Fact("Customer base", says, BAD if flag else GOOD)
