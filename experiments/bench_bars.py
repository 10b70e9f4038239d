"""What accuracy is asked for, read off a backtest: one bar is one line, asked, reached, met or missed.

Differences are paired by customer and positive where the default is better; level, calibration and value are those of
the whole base. Nothing here knows a shop: origins and horizons are the backtest's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.calibration_metrics import calibration_error_limit, calibration_line
from contracts.training import Floats
from experiments.backtest_result import Backtest
from experiments.bootstrap import Compared, holm_adjusted
from experiments.leaderboard import MARGINS
from experiments.peers.historic_spend import HistoricSpend
from experiments.peers.lifetimes_btyd import LifetimesBgNbd, LifetimesMbgNbd

LIFETIMES = (LifetimesBgNbd.name, LifetimesMbgNbd.name)
MARGIN_IN_SHARES = ("log_loss", "brier")
MOST_BIAS, MOST_BIAS_ELSEWHERE = 0.08, 0.12  # mean |total bias| at the main horizon, at the others
SLOPES = (0.9, 1.1)
ROOM_OF_CALIBRATION_ERROR = 0.015
MOST_VALUE_BIAS = 0.10
SHARE_OF_ORIGINS = 0.8
Rows = Mapping[tuple[str, int | None, str], Compared]


@dataclass(frozen=True)
class Bar:
    """One thing that is asked for. met: None where it could not be measured; `reached` then says why."""

    what: str
    asked: str
    reached: str
    met: bool | None

    @staticmethod
    def unmeasured(what: str, asked: str, why: str) -> Bar:
        """Return a bar that says why there is no figure."""
        return Bar(what, asked, why, None)


def accuracy_bars(found: Backtest) -> list[Bar]:
    """Return all bars that a backtest's answers decide."""
    return [
        *against_lifetimes(found),
        *against_peers(found),
        *of_level(found),
        *of_calibration(found),
        *of_value(found),
    ]


def against_lifetimes(found: Backtest) -> Iterator[Bar]:
    """Yield, for each metric and BTYD model of lifetimes, whether the default is better with certainty."""
    days, rows = found.settings.horizon, _rows(found, found.settings.horizon)
    for model in LIFETIMES:
        for metric in MARGINS:
            what, asked = f"{metric} against {model}, {days} days", "better, lower bound > 0"
            row = rows.get((model, None, metric))
            if row is None:
                yield Bar.unmeasured(what, asked, _why_not(found, model))
            else:
                yield Bar(what, asked, _interval(row), row.difference_lower > 0)


def against_peers(found: Backtest) -> Iterator[Bar]:
    """Yield, for each metric, whether no peer is better beyond the margin; Holm over all peers and metrics."""
    days, default = found.settings.horizon, found.settings.default
    rows, peers = _rows(found, days), _peers(found)
    family = [row for (model, origin, metric), row in rows.items() if origin is None and model in peers]
    adjusted = holm_adjusted([row for row in family if row.metric in MARGINS])
    for metric, margin in MARGINS.items():
        beyond = margin * (rows[default, None, metric].value if metric in MARGIN_IN_SHARES else 1.0)
        asked = f"none better by > {f'{margin:.1%}' if metric in MARGIN_IN_SHARES else margin}"
        what = f"{metric} against every peer, {days} days"
        compared = [row for row in adjusted if row.metric == metric and np.isfinite(row.difference_upper)]
        if not compared:
            yield Bar.unmeasured(what, asked, "no peer could be fitted")
            continue
        nearest = min(compared, key=lambda row: row.difference)
        met = all(row.difference_upper >= -beyond for row in compared)
        yield Bar(what, asked, f"{nearest.model}: {_interval(nearest)}", met)


def of_level(found: Backtest) -> Iterator[Bar]:
    """Yield how far the totals are off: mean over origins of |total bias|, at each horizon."""
    for days in found.settings.horizons:
        main = days == found.settings.horizon
        most = MOST_BIAS if main else MOST_BIAS_ELSEWHERE
        rows = _rows(found, days)
        own = rows[found.settings.default, None, "absolute_level_bias"].value
        each = _by_origin(found, days, "level_bias", "+.1%")
        yield Bar(f"mean |level bias|, {days} days", f"<= {most:.0%}", f"{own:.1%} ({each})", own <= most)
        if not main:
            best = _least(found, days, "absolute_level_bias")
            what = f"mean |level bias| against every peer, {days} days"
            yield _below(what, own, best, "below the best peer's", strictly=True)


def of_calibration(found: Backtest) -> Iterator[Bar]:
    """Yield slope and error of calibration at the main horizon."""
    days, default = found.settings.horizon, found.settings.default
    answers = found.answers[days]
    bought = np.concatenate([one.outcome.bought for one in answers])
    slope = calibration_line(bought, np.concatenate([one.predictions[default].p for one in answers])).slope
    low, high = SLOPES
    each = _by_origin(found, days, "calibration_slope", ".2f")
    yield Bar(
        f"calibration slope, {days} days",
        f"{low} to {high}",
        f"{slope:.3f} ({each})",
        low <= slope <= high,
    )
    limit = float(np.mean([error_limit(one.predictions[default].p) for one in answers]))
    own = _rows(found, days)[default, None, "calibration_error"].value
    each = _by_origin(found, days, "calibration_error", ".4f")
    most = limit + ROOM_OF_CALIBRATION_ERROR
    what = f"calibration error, {days} days"
    yield Bar(
        what, f"<= {limit:.4f} + {ROOM_OF_CALIBRATION_ERROR} = {most:.4f}", f"{own:.4f} ({each})", own <= most
    )
    yield _below(
        f"{what}, against every peer", own, _least(found, days, "calibration_error"), "not above the best"
    )


def of_value(found: Backtest) -> Iterator[Bar]:
    """Yield the order and the total of the expected values at the main horizon."""
    days, default, spend = found.settings.horizon, found.settings.default, HistoricSpend.name
    rows, (bgnbd, _) = _rows(found, days), LIFETIMES
    own, theirs = (rows.get((model, None, "value_gini")) for model in (default, spend))
    what = f"value Gini against {spend}, {days} days"
    if own is None or theirs is None:
        yield Bar.unmeasured(what, "not below", _why_not(found, spend))
    else:
        yield Bar(what, "not below", f"{own.value:.4f} against {theirs.value:.4f}", own.value >= theirs.value)
    bias = rows[default, None, "value_bias"]
    each = _by_origin(found, days, "value_bias", "+.1%")
    reached = f"{bias.value:+.1%} [{bias.lower:+.1%}, {bias.upper:+.1%}] ({each})"
    yield Bar(
        f"total value bias, {days} days",
        f"within {MOST_VALUE_BIAS:.0%}",
        reached,
        abs(bias.value) <= MOST_VALUE_BIAS,
    )
    for peer in (spend, bgnbd):
        yield _nearer(found, peer)


def _nearer(found: Backtest, peer: str) -> Bar:
    """Return at how many origins the default's total value is nearer to the actual one than a peer's."""
    days, default = found.settings.horizon, found.settings.default
    rows = _rows(found, days)
    origins = [one.origin for one in found.answers[days] if (peer, one.origin, "value_bias") in rows]
    least = math.ceil(SHARE_OF_ORIGINS * len(origins))
    what = f"total value nearer than {peer}'s, {days} days"
    if not origins:
        return Bar.unmeasured(what, f"at {SHARE_OF_ORIGINS:.0%} of the origins", _why_not(found, peer))
    ours, theirs = ([rows[model, day, "value_bias"].value for day in origins] for model in (default, peer))
    nearer = sum(abs(own) < abs(other) for own, other in zip(ours, theirs, strict=True))
    each = " ".join(f"{other:+.1%}" for other in theirs)
    return Bar(
        what, f"at {least} of {len(origins)} origins", f"at {nearer} (theirs: {each})", nearer >= least
    )


def _below(
    what: str, own: float, best: tuple[str, float] | None, asked: str, *, strictly: bool = False
) -> Bar:
    if best is None:
        return Bar.unmeasured(what, asked, "no peer answered at every origin")
    met = own < best[1] if strictly else own <= best[1]
    return Bar(what, asked, f"{own:.4f} against {best[1]:.4f} ({best[0]})", met)


def _least(found: Backtest, days: int, metric: str) -> tuple[str, float] | None:
    """Return the peer with the lowest mean of a metric, of those that answered at every origin."""
    rows, origins = _rows(found, days), len(found.answers[days])
    there = {model: rows[model, None, metric] for model in _peers(found) if (model, None, metric) in rows}
    values = {model: row.value for model, row in there.items() if row.origins == origins}
    if not values:
        return None
    best = min(values, key=values.__getitem__)
    return best, values[best]


def error_limit(p: Floats) -> float:
    """Return the calibration error that a perfectly calibrated p stays below with chance .95."""
    return calibration_error_limit(p, generator=np.random.default_rng(1))


def _rows(found: Backtest, days: int) -> Rows:
    return {(one.model, one.origin, one.metric): one for one in found.compared[days]}


def _peers(found: Backtest) -> Sequence[str]:
    return [name for name, kind in found.settings.kinds.items() if kind == "peer"]


def _by_origin(found: Backtest, days: int, metric: str, form: str) -> str:
    """Return the default's metric at each origin, oldest first, in words."""
    rows = _rows(found, days)
    keys = ((found.settings.default, one.origin, metric) for one in found.answers[days])
    return " ".join(format(rows[key].value, form) if key in rows else "–" for key in keys)


def _interval(row: Compared) -> str:
    return f"{row.difference:+.4f} [{row.difference_lower:+.4f}, {row.difference_upper:+.4f}]"


def _why_not(found: Backtest, model: str) -> str:
    if model not in found.settings.kinds:
        return "it did not take part"
    reasons = found.not_fitted.get(model, {})
    return "; ".join(dict.fromkeys(reasons.values())) or "it has no such answer"
