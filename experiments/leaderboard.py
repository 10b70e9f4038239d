"""The leaderboard: every model by every metric, beside the default; and whether the default passed the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from contracts.days import to_date
from experiments.backtest_result import DEFAULT, Verdict
from experiments.bootstrap import Compared, holm_adjusted

# What a model is judged by, and how much better a peer must be for certain to count as better. The margins of log
# loss and Brier score are shares of the default's.
MARGINS = {"auc": 0.002, "average_precision": 0.002, "log_loss": 0.005, "brier": 0.005, "value_gini": 0.01}
HEADLINE = tuple(MARGINS)
_RELATIVE = ("log_loss", "brier")
MEAN = "mean"

_COMPARED = (
    "model", "origin", "metric", "value", "lower", "upper",
    "difference", "difference_lower", "difference_upper", "origins",
)  # fmt: skip
# For each seeded model and horizon: the metrics of each seed at one origin.
Seeds = dict[tuple[str, int], list[dict[str, float]]]


@dataclass(frozen=True)
class Row:
    """One model's metric at one origin, or over all (origin None), with 95 % intervals.

    difference: paired to the default, positive where the default is better, NaN for itself. p_holm: adjusted over all
    peers and headline metrics of a horizon; NaN elsewhere. seed_sd: standard deviation over seeds; NaN without.
    origins: over how many origins the value goes.
    """

    model: str
    kind: str
    origin: int | None
    horizon: int
    metric: str
    value: float
    lower: float
    upper: float
    difference: float
    difference_lower: float
    difference_upper: float
    p_holm: float
    seed_sd: float
    origins: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the origin as a date or `mean`, None for what is not known."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        found["origin"] = MEAN if self.origin is None else to_date(self.origin).isoformat()
        unknown = {name for name, value in found.items() if isinstance(value, float) and np.isnan(value)}
        return {name: None if name in unknown else value for name, value in found.items()}


def leaderboard(
    compared: Mapping[int, Sequence[Compared]],
    kinds: Mapping[str, str],
    seeds: Sequence[tuple[int, Seeds]] = (),
) -> tuple[Row, ...]:
    """Return the rows of all horizons, the means first; models in the order of `kinds`, metrics as compared.

    seeds: for each origin the metrics of every seed.
    """
    place = {model: number for number, model in enumerate(kinds)}
    rows: list[Row] = []
    for horizon, found in compared.items():
        adjusted = _adjusted(found, kinds)
        ordered = sorted(found, key=lambda one: (_time(one.origin), place[one.model]))
        for one in ordered:
            p_holm = adjusted.get((one.model, one.metric)) if one.origin is None else None
            rows.append(
                Row(
                    kind=kinds[one.model],
                    horizon=horizon,
                    p_holm=p_holm.p_value if p_holm else float("nan"),
                    seed_sd=_seed_sd(seeds, one, horizon),
                    **{name: getattr(one, name) for name in _COMPARED},
                )
            )
    return tuple(rows)


def best_of(rows: Iterable[Row], horizon: int, kind: str, *, names: Sequence[str] = ()) -> str | None:
    """Return the model of a kind (and one of the names) with the lowest mean log loss; None if there is none."""
    found = {
        row.model: (-row.origins, row.value)  # who answered at fewer origins had other windows
        for row in rows
        if row.origin is None and row.metric == "log_loss" and row.horizon == horizon and row.kind == kind
    }
    wanted = [model for model in found if not names or model in names]
    return min(wanted, key=lambda model: found[model]) if wanted else None


def verdict(
    compared: Sequence[Compared], rows: Sequence[Row], horizon: int, baselines: Sequence[str]
) -> Verdict:
    """Judge the default by the gate: the best baseline is beaten with certainty, and no peer is certainly better.

    Certainly: the paired 95 % interval of the mean log loss lies above 0; for peers the Holm-adjusted interval of a
    headline metric lies beyond its margin.
    """
    kinds = {row.model: row.kind for row in rows}
    baseline = best_of(rows, horizon, "peer", names=baselines)
    better = _better_peers(compared, kinds)
    if baseline is None:
        return Verdict(False, "no baseline could be fitted to be beaten", None, better)
    gain = next(
        one for one in compared if (one.model, one.origin, one.metric) == (baseline, None, "log_loss")
    )
    interval = f"log loss {gain.difference:+.4f} [{gain.difference_lower:+.4f}, {gain.difference_upper:+.4f}]"
    if not gain.difference_lower > 0:
        reason = f"it does not beat the baseline '{baseline}' with certainty ({interval})"
        return Verdict(False, reason, baseline, better)
    if better:
        reason = f"it beats the baseline '{baseline}' ({interval}), but {', '.join(better)} beat it beyond the margins"
        return Verdict(False, reason, baseline, better)
    return Verdict(True, f"it beats the baseline '{baseline}' ({interval}), and no peer beats it", baseline)


def _better_peers(compared: Sequence[Compared], kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Return the peers that are better than the default beyond a margin, with certainty."""
    own = {one.metric: one.value for one in compared if one.model == DEFAULT and one.origin is None}
    found = dict.fromkeys(
        model
        for (model, metric), one in _adjusted(compared, kinds).items()
        if one.difference_upper < -_margin(metric, own)
    )
    return tuple(found)


def _margin(metric: str, own: Mapping[str, float]) -> float:
    return MARGINS[metric] * (own[metric] if metric in _RELATIVE else 1.0)


def _adjusted(compared: Sequence[Compared], kinds: Mapping[str, str]) -> dict[tuple[str, str], Compared]:
    """Return the Holm-adjusted comparisons of all peers by the headline metrics, over all origins."""
    family = [
        one
        for one in compared
        if one.origin is None and kinds[one.model] == "peer" and one.metric in HEADLINE
    ]
    return {(one.model, one.metric): one for one in holm_adjusted(family)}


def _seed_sd(seeds: Sequence[tuple[int, Seeds]], row: Compared, horizon: int) -> float:
    """Return the standard deviation over seeds of a metric, or of its mean over the origins."""
    wanted = [by for origin, by in seeds if row.origin in (None, origin)]
    series = [
        [found.get(row.metric, np.nan) for found in by[row.model, horizon]]
        for by in wanted
        if (row.model, horizon) in by
    ]
    return float(np.std(np.mean(series, axis=0), ddof=1)) if series else float("nan")


def _time(origin: int | None) -> float:
    return -np.inf if origin is None else float(origin)
