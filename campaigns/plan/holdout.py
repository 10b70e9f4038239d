"""The control group of a plan: its size by a power calculation, its members by hash."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from campaigns.control import CONTROL, assign, log_of
from campaigns.plan.economics import Economics
from campaigns.plan.planning import Plan, make_plan, targetable
from campaigns.plan.smaller import smaller
from campaigns.power import Question, detectable, in_words, smallest_share
from contracts.errors import DeclarationError
from features.kernel.running import Bools

LEAST, USUAL, MOST = 0.05, 0.10, 0.30
_FEWEST = 20  # contacts, below which nothing can be measured


@dataclass(frozen=True)
class Holdout:
    """control: (n,) who is left alone; share: asked; words: the power calculation; log: what was done."""

    control: Bools
    share: float
    words: tuple[str, ...]
    log: dict[str, object]


def holdout_of(economics: Economics, *, currency: str) -> Holdout:
    """Cut the control group first, before anybody is chosen: stratified by tier, by hash of campaign and id."""
    share, words = _share(economics, currency)
    customers = economics.customers
    tier = customers.labels.get("tier", np.full(len(customers), None, dtype=object))
    strata = pa.array(["unknown" if name is None else str(name) for name in tier], pa.string())
    campaign = economics.terms.name
    arms = assign(customers.ids, strata, campaign=campaign, share=share)
    can, _ = targetable(economics)
    rows = pa.array(can)
    log = log_of(arms[can], strata.filter(rows), campaign=campaign, share=share)
    control = (arms == CONTROL) & can
    if control.any():
        words = [
            *words,
            f"The lot drew {control.sum():,} of the {can.sum():,} customers who could be contacted; it comes near that "
            "number and seldom hits it.",
        ]
    return Holdout(control, share, tuple(words), log)


def _share(economics: Economics, currency: str) -> tuple[float, list[str]]:
    """Return the share of controls, and the calculation in words."""
    asked = economics.terms.control_share
    if asked == 0:
        return 0.0, [
            "No control group, as the campaign says (control_share = 0): what it earns cannot be measured."
        ]
    trial, scale = _trial(economics, currency)
    contacts = round(len(trial.contacted) * scale)
    if contacts < _FEWEST:
        few = f"Only {contacts:,} customers would be contacted: too few to measure what it earns"
        return (0.0, [f"{few}, so nobody is left alone."]) if asked is None else (asked, [f"{few}."])
    question = Question(contacts, float(np.clip(trial.earned.p.mean(), 1e-6, 1 - 1e-6)))
    wanted = economics.terms.wanted_lift or float(trial.earned.added.mean())
    possible = wanted if 0 < wanted < 1 - question.base else None
    share = asked if asked is not None else _for(question, possible)
    return share, in_words(detectable(question, share), wanted=possible)


def _trial(economics: Economics, currency: str) -> tuple[Plan, float]:
    """Return a plan without a control group, of a sample, and how many customers each stands for."""
    small, some, scale = smaller(economics)
    nobody = np.zeros(len(some), dtype=np.bool_)
    try:
        return make_plan(small, currency=currency, control=nobody), scale
    except DeclarationError:
        # Floors that contradict are named by the plan itself, with its own numbers and not those of a sample.
        open_terms = replace(small.terms, floors={})
        free = Economics(
            small.customers, open_terms, offers=small.offers, channels=small.channels, lifts=small.lifts
        )
        return make_plan(free, currency=currency, control=nobody), scale


def _for(question: Question, wanted: float | None) -> float:
    """Return the smallest share that shows the wanted difference, within LEAST and MOST; USUAL where none does."""
    needed = None if wanted is None else smallest_share(question, wanted)
    return USUAL if needed is None else float(np.clip(needed, LEAST, MOST))
