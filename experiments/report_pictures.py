"""Turn predictions and outcomes into charts. All arrays are plain numpy; a window is one origin's customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.days import to_date
from contracts.intervals import wilson
from contracts.training import Floats
from pages.chart import REFERENCE, Axis, Chart, Line, even_axis, named_axis, share_axis

BINS = 10
_BAND = 1e-4
_GAIN_POINTS = 50


@dataclass(frozen=True)
class Window:
    """What happened after one origin and what one model said before it: (n,) each."""

    bought: Floats
    p: Floats


@dataclass(frozen=True)
class Bins:
    """Predicted and actual share of k bins of equal count, with the 95 % binomial interval of the actual."""

    said: Floats
    came: Floats
    lower: Floats
    upper: Floats
    customers: Floats


def calibration_bins(window: Window, *, bins: int = BINS) -> Bins:
    """Return equal-count bins by predicted chance; equal chances share their outcomes.

    Intervals: Wilson (1927), equation for the binomial score interval.
    """
    came = shared_by_ties(window.bought, window.p)
    rows = [r for r in np.array_split(np.argsort(window.p, kind="stable"), bins) if len(r)]
    count = np.array([float(len(r)) for r in rows])
    share = np.array([came[r].mean() for r in rows])
    lower, upper = wilson(share, count)
    return Bins(np.array([window.p[r].mean() for r in rows]), share, lower, upper, count)


def gain(window: Window, shares: Floats) -> Floats:
    """Return the share of all buyers among the best-ranked `shares` of the customers; ties share alike."""
    order = np.argsort(-window.p, kind="stable")
    reached = np.concatenate(([0.0], np.cumsum(shared_by_ties(window.bought, window.p)[order])))
    total = reached[-1] if reached[-1] > 0 else np.nan
    return np.asarray(np.interp(shares * len(order), np.arange(len(order) + 1), reached) / total)


def mean_gain(windows: Sequence[Window], shares: Floats) -> Floats:
    """Return the mean gain of the windows in which anybody bought; NaN if there is none."""
    found = [gain(one, shares) for one in windows if one.bought.any()]
    return np.asarray(np.mean(found, axis=0)) if found else np.full(len(shares), np.nan)


def shared_by_ties(values: Floats, score: Floats) -> Floats:
    """Return the mean of `values` over equal scores, so that the order of rows cannot matter."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.bincount(inverse, values) / counts)[inverse])


def stability_index(before: Floats, after: Floats, *, bins: int = BINS) -> float:
    """Return the population stability index of two samples over the tenths of the first (Siddiqi, 2006).

    Equal values stay in one bin; an empty share counts as 1e-4.
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, bins + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1) / len(sample)
        for sample in (before, after)
    ]
    expected, found = (np.maximum(share, _BAND) for share in shares)
    return float(np.sum((found - expected) * np.log(found / expected)))


def calibration_chart(name: str, windows: Sequence[Window], *, key: str, look: int, most: float) -> Chart:
    """Draw the actual share against the predicted one, all windows together; below the line: promised too much."""
    found = calibration_bins(_together(windows))
    line = Line(name, found.said, found.came, found.lower, found.upper, look, dots=True)
    across = share_axis("predicted chance to buy", most)
    ends = np.array([0.0, across.most])
    promised = Line("as promised", ends, ends, look=REFERENCE)
    return Chart(
        key,
        f"Calibration: {name}",
        f"Share that bought against the chance that {name} gave, in {len(found.said)} groups of equal size. "
        f"The lowest group was given {100 * found.said[0]:.1f} % and {100 * found.came[0]:.1f} % bought, "
        f"the highest {100 * found.said[-1]:.1f} % and {100 * found.came[-1]:.1f} %.",
        across,
        share_axis("share that bought", most),
        (line, promised),
    )


def calibration_end(models: Mapping[str, Sequence[Window]]) -> float:
    """Return the highest share in any model's calibration, so that their pictures have the same axes."""
    bins = [calibration_bins(_together(windows)) for windows in models.values()]
    return max(float(max(found.said.max(), found.upper.max())) for found in bins)


def gain_chart(models: Mapping[str, Sequence[Window]]) -> Chart:
    """Draw the buyers reached among the first customers, mean of the windows; the first model is ours."""
    shares = np.linspace(0.0, 1.0, _GAIN_POINTS + 1)
    lines = [
        Line(name, shares, mean_gain(windows, shares), look=look)
        for look, (name, windows) in enumerate(models.items())
    ]
    first = "; ".join(f"{line.name} {100 * np.interp(0.1, shares, line.y):.0f} %" for line in lines)
    return Chart(
        "gain",
        "How many buyers are among the first?",
        "Share of all buyers reached against the share of customers contacted, best first. "
        f"In the first tenth: {first}.",
        even_axis("customers contacted, best first", 0.0, 1.0, percent=True),
        even_axis("buyers reached", 0.0, 1.0, percent=True),
        (*lines, Line("in random order", np.array([0.0, 1.0]), np.array([0.0, 1.0]), look=REFERENCE)),
    )


def lift_chart(models: Mapping[str, Sequence[Window]]) -> Chart:
    """Draw each tenth's share of buyers over everyone's, mean of the windows; the first model is ours."""
    tenths = np.linspace(0.0, 1.0, BINS + 1)
    lines = []
    for look, (name, windows) in enumerate(models.items()):
        lifts = np.diff(mean_gain(windows, tenths)) * BINS
        lines.append(Line(name, np.arange(float(BINS)), lifts, look=look, dots=True))
    first = "; ".join(f"{line.name} {line.y[0]:.1f} times" for line in lines)
    ends = np.array([-0.5, BINS - 0.5])
    names = tuple(str(n + 1) for n in range(BINS))
    return Chart(
        "lift",
        "How much more often does each tenth buy?",
        f"Lift by tenth of the customers, best first; 1 is the average customer. The first tenth: {first}.",
        named_axis("tenth of the customers, best first", names, most=BINS),
        even_axis("times the average", 0.0, max(float(line.y.max()) for line in lines)),
        (*lines, Line("average customer", ends, np.ones(2), look=REFERENCE)),
    )


def tracking_chart(origin: int, weeks: Floats, actual: Floats, expected: Mapping[str, Floats]) -> Chart:
    """Draw weekly orders after one origin; weeks: (k,) 1, 2, …; a last week that is not full is NaN."""
    lines = [Line(name, weeks, values, look=look) for look, (name, values) in enumerate(expected.items())]
    happened = Line("actual orders", weeks, actual, look=REFERENCE, dots=True)
    top = max(float(np.nanmax(line.y)) for line in (*lines, happened))
    totals = "; ".join(f"{line.name} expected {np.nansum(line.y):,.0f}" for line in lines)
    day = to_date(origin).isoformat()
    return Chart(
        f"tracking_{day}",
        f"Weekly orders after {day}",
        f"Orders per week in {len(weeks)} weeks: {np.nansum(actual):,.0f} came; {totals}.",
        _weeks_axis(f"weeks after {day}", weeks),
        even_axis("orders per week", 0.0, top),
        (*lines, happened),
    )


def level_chart(origins: Sequence[int], bias: Mapping[str, Floats]) -> Chart:
    """Draw predicted to actual buyers, less 1, by origin; bias: (origins,) by model, the first is ours."""
    place = np.arange(float(len(origins)))
    lines = [
        Line(name, place, values, look=look, dots=True) for look, (name, values) in enumerate(bias.items())
    ]
    ends = np.array([-0.5, len(origins) - 0.5])
    there = np.concatenate([line.y[np.isfinite(line.y)] for line in lines] + [np.array([-0.1, 0.1])])
    words = "; ".join(
        f"{line.name} from {100 * np.nanmin(line.y):+.0f} to {100 * np.nanmax(line.y):+.0f} %"
        for line in lines
        if np.isfinite(line.y).any()
    )
    return Chart(
        "level",
        "Were too many or too few buyers predicted?",
        f"Predicted over actual buyers, less 1, by origin; 0 is right. {words}.",
        _origins_axis(origins),
        even_axis("too few ← level → too many", there.min(), there.max(), percent=True, signed=True),
        (*lines, Line("as many as came", ends, np.zeros(2), look=REFERENCE)),
    )


def drift_chart(origins: Sequence[int], scores: Sequence[Floats], bought: Sequence[float]) -> Chart:
    """Draw how the chances are spread at each origin, beside the share that then bought."""
    place = np.arange(float(len(origins)))
    levels = np.array([np.quantile(p, (0.1, 0.25, 0.5, 0.75, 0.9)) for p in scores])
    mean = np.array([p.mean() for p in scores])
    lines = (
        Line("mean chance", place, mean, look=0, dots=True),
        Line("median and middle half", place, levels[:, 2], levels[:, 1], levels[:, 3], look=1, dots=True),
        Line("best tenth starts at", place, levels[:, 4], look=2, dots=True),
        Line("share that bought", place, np.array(bought), look=REFERENCE, dots=True),
    )
    return Chart(
        "drift",
        "Do the chances drift?",
        f"Distribution of the predicted chance at {len(origins)} origins: the mean goes from "
        f"{100 * mean[0]:.1f} % to {100 * mean[-1]:.1f} %.",
        _origins_axis(origins),
        share_axis("predicted chance", float(max(levels[:, 4].max(), mean.max(), max(bought)))),
        lines,
    )


def _weeks_axis(label: str, weeks: Floats) -> Axis:
    every = max(1, -(-len(weeks) // 8))
    ticks = tuple((float(week), f"{week:.0f}") for week in weeks[::every])
    return Axis(label, float(weeks[0]) - 0.5, float(weeks[-1]) + 0.5, ticks)


def _origins_axis(origins: Sequence[int]) -> Axis:
    return named_axis("origin", tuple(to_date(origin).isoformat() for origin in origins), most=5)


def _together(windows: Sequence[Window]) -> Window:
    return Window(np.concatenate([one.bought for one in windows]), np.concatenate([one.p for one in windows]))
