"""The account of campaigns: what the messages got back, what they caused, and whether the tests may be believed.

account = account_of(contacts, sales=sales, known=[Known("the scores", scores, day, ("p_repurchase_90d",), ("tier",))],
                     money=Money(margin=0.4, offer_costs={"10off": 3.0}))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from campaigns.results import rows
from campaigns.results.campaign import Campaign, Known, Money, before_of, campaigns_of
from campaigns.results.checks import Check, alike, balance, believed, sample_ratio
from campaigns.results.comparison import compare, compare_levels
from campaigns.results.contact_checks import contact_checks
from campaigns.results.effect import effects
from campaigns.results.log import Log
from campaigns.results.outcomes import Outcomes, as_written, from_orders, places
from campaigns.results.priors import of_campaigns
from campaigns.results.response import response
from campaigns.results.subgroups import by_group
from campaigns.results.trial import Trial
from campaigns.results.words import Told, told_of
from campaigns.sales import Sales
from contracts.errors import DataError, nearest
from features.kernel.buffers import in_one
from features.kernel.codes import Text

OTHER_SHARE = " If another share was planned for the control, say so (--control-share)."


@dataclass(frozen=True, kw_only=True)
class Account:
    """Tables: response.RESPONSE; rows.EFFECTS, CHECKS, BALANCE, SPREADS, COMPARED; priors.MEASURED.

    told: sentences about what is missing, what was assumed, and what follows.
    """

    response: pa.Table | None
    effects: pa.Table
    checks: pa.Table
    balance: pa.Table
    spreads: pa.Table
    compared: pa.Table
    measured: pa.Table | None
    told: tuple[str, ...]
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Collect the tables that hold rows, by the name of their file."""
        every = {
            "response": self.response,
            "effects": self.effects,
            "checks": self.checks,
            "balance": self.balance,
            "spreads": self.spreads,
            "compared": self.compared,
            "measured_effects": self.measured,
        }
        filled = {name: one for name, one in every.items() if one is not None and one.num_rows}
        object.__setattr__(self, "tables", filled)


def account_of(
    contacts: pa.Table,
    *,
    sales: Sales | None = None,
    window_days: int = 30,
    known: Sequence[Known] = (),
    comparing: tuple[str, str] | None = None,
    money: Money | None = None,
    control_share: Mapping[str, float] | float | None = None,
    crossed: Mapping[str, int] | None = None,
) -> Account:
    """Return the account of contacts (contracts.tables.CONTACTS).

    sales: outcomes are then orders within `window_days` of the sending, less returns. comparing: two group columns of
    `known`. control_share: planned share of the control, of all or by campaign. crossed: by campaign, contacts that
    were refused since their customer was in the other arm. Raises DataError.
    """
    log, money = Log.of(contacts), money or Money()
    if not len(log):
        raise DataError(
            "there is no contact to account for. Give contacts sent up to the day of the account."
        )
    _require_campaigns(log, control_share)
    outcomes = as_written(log) if sales is None else from_orders(log, sales, window_days=window_days)
    labels = _labels(log, known)
    _require_groups(comparing, labels)
    before = before_of(sales, known, window_days=window_days)
    campaigns = campaigns_of(log, outcomes, before=before, money=money, control_share=control_share)
    judged = [_judge(log, one, crossed=crossed or {}, by_orders=sales is not None) for one in campaigns]
    good = [one for one in judged if believed(one.checks)]
    found = rows.Rows()
    for one in judged:
        _add(found, one)
    about = Told(
        log=log,
        outcomes=outcomes,
        campaigns=campaigns,
        by_orders=sales is not None,
        window_days=window_days,
        money=money,
        covariates=bool(known) or sales is not None,
    )
    columns = {"offer": log.offer, "channel": log.channel} | labels
    columns = {name: text for name, text in columns.items() if (text.codes >= 0).any()}
    return _account(
        found,
        response=response(log, outcomes, columns=columns, margin=money.margin),
        compared=_compare(log, outcomes, labels, good, comparing),
        measured=of_campaigns([one.campaign for one in good]),
        told=told_of(about),
    )


def account_of_trial(
    trial: Trial, *, comparing: tuple[str, str] | None = None, shares_given: bool = False
) -> Account:
    """Return the account of a test that has no log of contacts: effects of each arm, and by each of its groups."""
    _require_groups(comparing, dict(trial.groups))
    fix = "" if shares_given else " If other shares were planned, say so ([test.shares])."
    checks = [sample_ratio(trial, fix=fix)]
    checks += [one for one in [alike(trial)] if one is not None]
    judged = Judged(
        Campaign(trial.name, np.arange(len(trial)), 0, trial, _NO_TEXT, _NO_TEXT, False, ()), checks, []
    )
    found = rows.Rows()
    _add(found, judged, offers=False)
    good = believed(checks)
    compared = (
        [(trial.name, one) for one in compare(trial, *comparing)] if comparing is not None and good else []
    )
    return _account(found, response=None, compared=compared, measured=None, told=[])


def _account(
    found: rows.Rows,
    *,
    response: pa.Table | None,
    compared: Sequence[rows.ComparedIn],
    measured: pa.Table | None,
    told: Sequence[str],
) -> Account:
    return Account(
        response=response,
        effects=found.effects_table(),
        checks=found.checks_table(),
        balance=found.balance_table(),
        spreads=found.spreads_table(),
        compared=rows.compared_table(compared),
        measured=measured,
        told=(*told, *found.told),
    )


_NO_TEXT = Text(np.empty(0, dtype=np.int32), pa.array([], pa.string()))


@dataclass(frozen=True)
class Judged:
    """A campaign with the checks of its test, and those of its offers."""

    campaign: Campaign
    checks: list[Check]
    of_offers: list[Check]


def _judge(log: Log, campaign: Campaign, *, crossed: Mapping[str, int], by_orders: bool) -> Judged:
    checks = [sample_ratio(campaign.trial, fix=OTHER_SHARE)]
    checks += [one for one in [alike(campaign.trial)] if one is not None]
    checks += contact_checks(log, campaign, crossed=crossed.get(campaign.name, 0), by_orders=by_orders)
    by_offer = campaign.by_offer
    offers = None if by_offer is None else alike(by_offer)
    return Judged(campaign, checks, [] if offers is None else [offers])


def _add(found: rows.Rows, judged: Judged, *, offers: bool = True) -> None:
    """Add a campaign's checks, and its effects if they may be shown."""
    campaign, trial = judged.campaign, judged.campaign.trial
    found.add_checks(campaign.name, judged.checks, balance(trial))
    if not believed(judged.checks):
        return
    found.add_effects(campaign.name, effects(trial))
    for column, labels in trial.groups.items():
        if len(np.unique(labels.codes)) < 2:
            continue
        found.add_groups(campaign.name, by_group(trial, column))
    by_offer = campaign.by_offer if offers else None
    if by_offer is not None:
        found.add_offers(campaign.name, by_offer, judged.of_offers)


def _labels(log: Log, known: Sequence[Known]) -> dict[str, Text]:
    """Return the group columns of each contact; labels that are known only since its sending are left out."""
    found = {}
    for one in known:
        at = places(log.customer, in_one(one.table["customer_id"]))
        late = np.zeros(len(log), dtype=np.bool_) if one.day is None else log.day <= one.day
        for name in one.groups:
            text = Text.of(one.table[name].cast(pa.string()))
            codes = np.append(text.codes, np.int32(-1))[at]
            found[name] = Text(np.where(late, -1, codes).astype(np.int32), text.values)
    return found


def _compare(
    log: Log,
    outcomes: Outcomes,
    labels: Mapping[str, Text],
    good: Sequence[Judged],
    comparing: tuple[str, str] | None,
) -> list[rows.ComparedIn]:
    """Compare two groupings in each campaign with a believed control; without any, by the level of all contacts."""
    if comparing is None:
        return []
    first, second = comparing
    tests = [one.campaign for one in good if {first, second} <= set(one.campaign.trial.groups)]
    if tests:
        return [(one.name, found) for one in tests for found in compare(one.trial, first, second)]
    heads = log.first[outcomes.known]
    if not len(heads):
        return []
    both = [Text(labels[name].codes[heads], labels[name].values) for name in comparing]
    values, what = (
        (outcomes.customer_revenue, "revenue") if outcomes.paid else (outcomes.customer_bought, "conversion")
    )
    return [("all", compare_levels(values[outcomes.known], *both, columns=comparing, outcome=what))]


def _require_groups(asked: tuple[str, str] | None, known: Mapping[str, Text]) -> None:
    for one in asked or ():
        if one not in known:
            there = f" Found: {', '.join(known)}." if known else " There is no column of groups: give some."
            raise DataError(f"there is no column '{one}' to compare by{nearest(one, known) or '.'}{there}")


def _require_campaigns(log: Log, shares: Mapping[str, float] | float | None) -> None:
    named = shares if isinstance(shares, Mapping) else {}
    names = [str(one) for one in log.campaign.texts]
    for one in named:
        if one not in names:
            raise DataError(f"there is no campaign '{one}'{nearest(one, names) or '.'}")
    for share in [*named.values()] if isinstance(shares, Mapping) else [shares]:
        if share is not None and not 0 < share < 1:
            raise DataError(f"a planned share of the control of {share:g} is none. Give one between 0 and 1.")
