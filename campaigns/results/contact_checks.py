"""What may be wrong with a campaign's test besides its arms' sizes and balance: times, mix-ups, missing outcomes."""

from __future__ import annotations

import numpy as np

from campaigns.results.campaign import Campaign
from campaigns.results.checks import Check
from campaigns.results.log import Log

MOST_SLIPS = 0.01  # share of customers; beyond it the arms are not what they say
EXPECTED = 5  # conversions in the control, for none at all to be no chance


def contact_checks(log: Log, campaign: Campaign, *, crossed: int, by_orders: bool) -> list[Check]:
    """Return what is wrong with a campaign. crossed: contacts refused since their customer was in the other arm."""
    here = np.flatnonzero(log.campaign.codes == log.campaign.codes[campaign.rows[0]])
    control = here[~log.treated[here]]
    size = len(campaign.rows)
    mixed = int((log.treated[here] != log.treated[log.first[log.place[here]]]).sum())
    reached = control[log.opened[control] | log.clicked[control]]
    early = int(log.early[here].sum())
    found = [
        _slip(
            "one arm each",
            crossed + mixed,
            of=size,
            told="contacts were of a customer who was in the other arm before (their first arm counts)",
        ),
        _slip(
            "control left alone",
            len(np.unique(log.customer.codes[reached])),
            of=len(np.unique(log.customer.codes[control])),
            told="customers of the control opened or clicked a message that they should not have had",
        ),
        _slip(
            "outcome after sending",
            0 if by_orders else early,
            of=early + int(log.converted[here].sum()),
            told="conversions lie before their message was sent and do not count; look at the time zones",
        ),
        _days_apart(log, campaign),
        None if by_orders else _silent_control(campaign),
    ]
    return [one for one in found if one is not None]


def _slip(name: str, count: int, *, of: int, told: str) -> Check | None:
    if not count:
        return None
    share = count / max(of, 1)
    much = share > MOST_SLIPS
    end = f" That is {share:.1%}: the arms are not what they say." if much else ""
    return Check(
        name=name, verdict="refused" if much else "doubt", p_value=None, told=f"{count:,} {told}.{end}"
    )


def _days_apart(log: Log, campaign: Campaign) -> Check | None:
    """Doubt arms whose customers were written down on other days: other days have other sales."""
    treated = campaign.trial.arm == 1
    day = log.day[campaign.rows].astype(np.float64)
    apart = abs(float(day[treated].mean() - day[~treated].mean()))
    if apart <= 1:
        return None
    told = f"The arms begin {apart:.1f} days apart on average. Log the control on the day of the sending as well."
    return Check(name="same days", verdict="doubt", p_value=None, told=told)


def _silent_control(campaign: Campaign) -> Check | None:
    """Refuse a control of which the sender knows no outcome: its zero is no figure."""
    trial = campaign.trial
    treated = trial.arm == 1
    bought = trial.rates["conversion"]
    paid = trial.money.get("revenue", bought)
    expected = float(bought[treated].mean()) * int((~treated).sum())
    if bought[~treated].any() or paid[~treated].any() or expected < EXPECTED:
        return None
    told = (
        "No customer of the control has an outcome, as if nobody bought who was not written to. The sender knows "
        "only answers to its own messages; the orders know all: give them."
    )
    return Check(name="control has outcomes", verdict="refused", p_value=None, told=told)
