"""The report's words: names of metrics, numbers as people read them, verdicts and the sentence at the top."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.backtest_result import Backtest
from experiments.report_album import judged, levels, windows
from experiments.report_pictures import mean_gain

if TYPE_CHECKING:
    from experiments.leaderboard import Row

CERTAIN = 0.05
UNKNOWN = "–"
Better = Literal["high", "low", "zero", "one", "none"]


@dataclass(frozen=True)
class Metric:
    """How a metric is called, what it means, which way is better, and how it is written."""

    label: str
    meaning: str
    better: Better = "high"
    percent: bool = False

    def write(self, value: float) -> str:
        """Return a value in words."""
        if not math.isfinite(value):
            return UNKNOWN
        if self.percent:
            return number(100 * value, 1, signed=self.better == "zero") + " %"
        return number(value, 4 if abs(value) < 10 else 1)

    def distance(self, value: float) -> float:
        """Return how far a value is from the best there can be; less is better, infinite if unknown."""
        if not math.isfinite(value) or self.better == "none":
            return math.inf
        return {"high": -value, "low": value, "zero": abs(value), "one": abs(value - 1.0)}[self.better]


METRICS = {
    "auc": Metric("AUC", "chance that a buyer stands above a non-buyer in the ranking"),
    "average_precision": Metric("Average precision", "share of buyers among the first, averaged over buyers"),
    "log_loss": Metric("Log loss", "how wrong the chances were, mistakes made with certainty most", "low"),
    "brier": Metric("Brier score", "mean squared error of the chances", "low"),
    "value_gini": Metric("Gini of value", "how well the ranking finds the money; 1 is perfect, 0 chance"),
    "absolute_level_bias": Metric(
        "Level off by",
        "how far the predicted number of buyers was off, whichever way, on average",
        "low",
        percent=True,
    ),
    "calibration_error": Metric("Calibration error", "mean gap of promised and actual share", "low"),
    "calibration_slope": Metric(
        "Calibration slope", "1 is right; below it the chances are too extreme", "one"
    ),
    "top_decile_lift": Metric("Lift of the first tenth", "how much more often the first tenth buys"),
    "level_bias": Metric(
        "Level", "too many (+) or too few (−) buyers predicted, all windows together", "zero", percent=True
    ),
    "orders_bias": Metric(
        "Orders level", "too many (+) or too few (−) orders predicted", "zero", percent=True
    ),
    "absolute_orders_bias": Metric(
        "Orders off by", "how far the predicted orders were off, on average", "low", percent=True
    ),
    "value_bias": Metric(
        "Value level", "too much (+) or too little (−) value predicted", "zero", percent=True
    ),
    "absolute_value_bias": Metric(
        "Value off by", "how far the predicted value was off, on average", "low", percent=True
    ),
    "value_spearman": Metric(
        "Spearman of value", "agreement of the ranking with the actual value; 1 is perfect"
    ),
    "value_share": Metric(
        "Value in the first tenth", "share of all value that the first tenth brings", percent=True
    ),
    "value_decile_mape": Metric(
        "Value error by tenth", "mean error of the tenths' value", "low", percent=True
    ),
    "value_mae": Metric("Value MAE", "mean absolute error; a model that says 0 to all does well", "low"),
    "value_rmse": Metric("Value RMSE", "root mean squared error; a few large customers decide it", "low"),
}
HEADLINE = ("auc", "average_precision", "log_loss", "brier", "value_gini")
OVERVIEW = (*HEADLINE, "absolute_level_bias", "calibration_error")


def metric(name: str) -> Metric:
    """Return what is known of a metric; others are written by their own name, none of them the best."""
    return METRICS.get(name, Metric(name.replace("_", " ").capitalize(), "", "none"))


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """Return a number with thousands separated and a true minus sign."""
    if not math.isfinite(value):
        return UNKNOWN
    rounded = round(value, digits) + 0.0  # no minus zero
    written = f"{rounded:+,.{digits}f}" if signed and rounded else f"{rounded:,.{digits}f}"
    return written.replace("-", "−")


def plural(count: int, what: str) -> str:
    """Return `1 window` or `5 windows`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def listed(names: list[str]) -> str:
    """Return names as people list them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def between(lower: float, upper: float, what: Metric) -> str:
    """Return an interval in words."""
    known = math.isfinite(lower) and math.isfinite(upper)
    return f"{what.write(lower)} to {what.write(upper)}" if known else UNKNOWN


def verdict(row: Row) -> str:
    """Return whether this model is worse or better than the default, or whether that cannot be told.

    Where several comparisons were made, Holm's p decides.
    """
    return told_apart(row.difference, row.difference_lower, row.difference_upper, p=row.p_holm)


def told_apart(difference: float, lower: float, upper: float, *, p: float = math.nan) -> str:
    """Return worse, better or cannot be told for a difference, positive where the default is better.

    The p value decides, without one the 95 % interval; empty if there is no interval either.
    """
    if not math.isfinite(difference) or not (math.isfinite(p) or math.isfinite(lower)):
        return ""
    certain = p < CERTAIN if math.isfinite(p) else lower > 0 or upper < 0
    if not certain or difference == 0:
        return "cannot be told"
    return "worse" if difference > 0 else "better"


def headline(backtest: Backtest) -> str:
    """Return the result in one sentence."""
    settings, answers = backtest.settings, judged(backtest)
    if not answers:
        return f"Our model could not be fitted at any of {plural(len(settings.origins), 'origin')}."
    ours = windows(backtest)[settings.default]
    found = float(mean_gain(ours, np.array([0.1]))[0])
    bias = levels(backtest)[settings.default]
    where = f"On {plural(len(answers), 'window')} of {settings.horizon} days"
    if not math.isfinite(found):
        return f"{where} nobody bought, so nothing can be said about our model."
    return (
        f"{where} our model found {100 * found:.0f} of 100 buyers in the first tenth of the customers "
        f"(10 by chance); the number of buyers it predicted was off by {100 * np.nanmean(np.abs(bias)):.0f} %"
        f"{' on average' if len(answers) > 1 else ''}."
    )


def standing(backtest: Backtest, name: str) -> str:
    """Return against which peers the default is better, worse, or cannot be told, in one metric."""
    found: dict[str, list[str]] = {"worse": [], "cannot be told": [], "better": []}
    for row in backtest.rows:
        mean = row.origin is None and row.horizon == backtest.settings.horizon and row.metric == name
        if mean and row.kind == "peer" and verdict(row):
            found[verdict(row)].append(row.model)
    peers = sum(len(names) for names in found.values())
    if not peers:
        return ""
    parts = [f"better than {len(found['worse'])} of {plural(peers, 'peer')} with certainty"]
    if found["cannot be told"]:
        parts.append(f"not to be told apart from {listed(sorted(found['cannot be told']))}")
    if found["better"]:
        parts.append(f"worse than {listed(sorted(found['better']))}")
    return f"{metric(name).label}: {'; '.join(parts)}."
