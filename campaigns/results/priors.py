"""What past tests say about offers, for the planner: effects per offer, channel and segment, with their errors.

The effect relative to headroom, (p_treated − p_control) / (1 − p_control), is the share of those who would not have
bought that the offer won. It carries over to customers of another chance p better than the plain difference does:
expected increment = headroom_effect × (1 − p).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.results.campaign import Campaign, Known, Money, before_of, campaigns_of
from campaigns.results.checks import alike, believed, sample_ratio
from campaigns.results.contact_checks import contact_checks
from campaigns.results.log import Log
from campaigns.results.outcomes import as_written, from_orders
from campaigns.results.subgroups import shrink
from campaigns.results.trial import Trial
from campaigns.sales import Sales
from features.kernel.running import Bools

FEWEST = 30  # customers in each arm of a cell
MEASURED = pa.schema(
    [
        pa.field("offer", pa.string(), nullable=False),  # "no offer": a plain message
        pa.field("channel", pa.string()),  # null: unknown, or several that cannot be told apart
        pa.field("segment", pa.string()),  # null: all customers
        pa.field("campaigns", pa.int64(), nullable=False),
        pa.field("treated", pa.int64(), nullable=False),  # customers
        pa.field("control", pa.int64(), nullable=False),
        pa.field("control_rate", pa.float64(), nullable=False),
        pa.field("effect", pa.float64(), nullable=False),  # difference of the conversion rates
        pa.field("effect_error", pa.float64(), nullable=False),  # standard error
        pa.field("headroom_effect", pa.float64(), nullable=False),
        pa.field("headroom_error", pa.float64(), nullable=False),
        pa.field(
            "pooled_headroom_effect", pa.float64(), nullable=False
        ),  # shrunk towards all cells of its kind
        pa.field("pooled_headroom_error", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Cell:
    """A comparison within one campaign: so many of n bought in each arm. sharing: how many have the same control."""

    offer: str
    channel: str | None
    segment: str | None
    treated: int
    control: int
    treated_hits: int
    control_hits: int
    sharing: int = 1


def measured_effects(
    contacts: pa.Table,
    *,
    sales: Sales | None = None,
    window_days: int = 30,
    known: Sequence[Known] = (),
    segment: str | None = None,
    control_share: Mapping[str, float] | float | None = None,
) -> pa.Table:
    """Return MEASURED from contacts (contracts.tables.CONTACTS) that had a control; no rows where none can be believed.

    sales: what was bought in the `window_days` after the sending (None: the conversions in the contacts). segment: a
    group column of `known`, for rows by segment beside those of all customers; tables that are known only since a
    campaign do not count for it. control_share: planned share of the control (None: equal arms).
    """
    log = Log.of(contacts)
    outcomes = as_written(log) if sales is None else from_orders(log, sales, window_days=window_days)
    before = before_of(sales, known, window_days=window_days)
    campaigns = campaigns_of(log, outcomes, before=before, money=Money(), control_share=control_share)
    good = []
    for one in campaigns:
        checks = [sample_ratio(one.trial), *contact_checks(log, one, crossed=0, by_orders=sales is not None)]
        balanced = alike(one.trial)
        if believed([*checks, *([balanced] if balanced else [])]):
            good.append(one)
    return of_campaigns(good, segment=segment)


def of_campaigns(campaigns: Sequence[Campaign], *, segment: str | None = None) -> pa.Table:
    """Return MEASURED from campaigns whose tests can be believed."""
    cells = [cell for one in campaigns for cell in _cells(one, segment)]
    keys = dict.fromkeys((cell.offer, cell.channel, cell.segment) for cell in cells)
    rows = [
        {"offer": key[0], "channel": key[1], "segment": key[2]}
        | _together([cell for cell in cells if (cell.offer, cell.channel, cell.segment) == key])
        for key in keys
    ]
    sharing = float(np.mean([cell.sharing for cell in cells])) if cells else 1.0
    for kind in (True, False):
        _pool([row for row in rows if (row["segment"] is None) == kind], sharing)
    rows.sort(key=lambda row: tuple(str(row[name] or "") for name in ("segment", "offer", "channel")))
    return pa.Table.from_pylist(rows, schema=MEASURED)


def _cells(campaign: Campaign, segment: str | None) -> Iterator[Cell]:
    messages = list(_messages(campaign))
    sharing = 1 if campaign.own else len(messages)
    for offer, channel, chosen, arm in messages:
        bought = campaign.trial.rates["conversion"]
        parts: list[tuple[str | None, Bools]] = [(None, chosen)]
        labels = campaign.trial.groups.get(segment) if segment else None
        if labels is not None:
            parts += [(str(text), chosen & (labels.codes == at)) for at, text in enumerate(labels.texts)]
        for name, rows in parts:
            treated, control = bought[rows & arm], bought[rows & ~arm]
            if min(len(treated), len(control)) >= FEWEST:
                hits = int(treated.sum()), int(control.sum())
                yield Cell(offer, channel, name, len(treated), len(control), *hits, sharing)


def _messages(campaign: Campaign) -> Iterator[tuple[str, str | None, Bools, Bools]]:
    """Yield each comparison: offer, channel, the (n,) customers that belong to it, and who of all was treated."""
    treated = campaign.trial.arm == 1
    by_offer = campaign.by_offer
    if by_offer is not None and not _drawn(by_offer):
        return
    channels = [str(one) for one in campaign.channel.texts]
    for code in np.unique(campaign.offer.codes[treated]):
        offer = str(campaign.offer.texts[code])
        mine = (campaign.offer.codes == code) if campaign.own else (campaign.offer.codes == code) | ~treated
        used = np.unique(campaign.channel.codes[mine & treated])
        if "channel" in campaign.trial.groups and len(used) > 1:
            for at in used[used >= 0]:
                yield offer, channels[at], mine & (campaign.channel.codes == at), treated
        else:
            only = channels[used[0]] if len(used) == 1 and used[0] >= 0 else None
            yield offer, only, mine, treated


def _drawn(by_offer: Trial) -> bool:
    """Tell whether the offers may have been drawn at random: their customers were alike before."""
    check = alike(by_offer)
    return check is None or check.verdict != "refused"


def _together(cells: Sequence[Cell]) -> dict[str, float | int]:
    """Return one cell from several campaigns, weighted as random effects (DerSimonian and Laird, 1986)."""
    plain = shrink(*_differences(cells))
    head = shrink(*_headroom(cells))
    control = sum(cell.control for cell in cells)
    return {
        "campaigns": len(cells),
        "treated": sum(cell.treated for cell in cells),
        "control": control,
        "control_rate": sum(cell.control_hits for cell in cells) / control,
        "effect": plain.mean,
        "effect_error": plain.mean_error,
        "headroom_effect": head.mean,
        "headroom_error": head.mean_error,
    }


def _pool(rows: Sequence[dict[str, float | int | str | None]], sharing: float) -> None:
    """Add to each row its effect shrunk towards the effect of all rows.

    sharing: how many comparisons have one control. With arms of equal size half of each one's error is the control's,
    so the variance of the mean of k of them is (1 + k) / 2 times that of independent ones.
    """
    if not rows:
        return
    values, errors = (
        np.array([row[name] for row in rows], np.float64) for name in ("headroom_effect", "headroom_error")
    )
    found = shrink(values, errors)
    common = (1.0 - found.weight) ** 2 * found.mean_error**2 * (min(sharing, len(rows)) - 1.0) / 2.0
    for row, value, error in zip(rows, found.values, np.sqrt(found.errors**2 + common), strict=True):
        row |= {"pooled_headroom_effect": float(value), "pooled_headroom_error": float(error)}


def _rates(hits: int, n: int) -> tuple[float, float]:
    """Return a share and its squared error, one half added to hits and misses so that none seems certain (Agresti)."""
    guarded = (hits + 0.5) / (n + 1)
    return hits / n, guarded * (1 - guarded) / n


def _differences(cells: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(_rates(c.treated_hits, c.treated), _rates(c.control_hits, c.control)) for c in cells]
    values = [p - q for (p, _), (q, _) in pairs]
    return np.array(values), np.array([math.sqrt(a + b) for (_, a), (_, b) in pairs])


def _headroom(cells: Sequence[Cell]) -> tuple[np.ndarray, np.ndarray]:
    """Return 1 − (1 − p) / (1 − q) and its error by the delta method."""
    values, errors = [], []
    for cell in cells:
        p, p_error = _rates(cell.treated_hits, cell.treated)
        q, q_error = _rates(cell.control_hits, cell.control)
        room = max(1 - q, 0.5 / (cell.control + 1))
        values.append((p - q) / room)
        errors.append(math.sqrt(p_error / room**2 + ((1 - p) / room**2) ** 2 * q_error))
    return np.array(values), np.array(errors)
