"""The leaderboard as tables: all models by the main metrics, and every metric with its paired differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from experiments.backtest_result import Backtest
from experiments.report_words import (
    HEADLINE,
    METRICS,
    OVERVIEW,
    UNKNOWN,
    Metric,
    between,
    metric,
    number,
    plural,
    verdict,
)
from pages.html import Html, element, folded, joined, table

if TYPE_CHECKING:
    from experiments.leaderboard import Row

Rows = Mapping[str, Mapping[str, "Row"]]


def mean_rows(backtest: Backtest, horizon: int, kinds: Iterable[str]) -> Rows:
    """Return the rows of the mean over origins by model and metric, best log loss first."""
    wanted = set(kinds)
    found: dict[str, dict[str, Row]] = {}
    for row in backtest.rows:
        if row.origin is None and row.horizon == horizon and row.kind in wanted:
            found.setdefault(row.model, {})[row.metric] = row
    return dict(sorted(found.items(), key=lambda item: (_loss(item[1]), item[0])))


def leaderboard(rows: Rows, *, default: str, caption: str) -> Html:
    """Return all models by the main metrics: value, interval, and the verdict beside the default."""
    shown = [name for name in OVERVIEW if any(name in by for by in rows.values())]
    best = {name: _best(rows, name) for name in shown}
    most = max(row.origins for by in rows.values() for row in by.values())
    cells = [
        [
            _named(max(by.values(), key=lambda row: row.origins), default, most),
            *(_cell(by.get(name), best=model in best[name]) for name in shown),
        ]
        for model, by in rows.items()
    ]
    ours = frozenset(place for place, model in enumerate(rows) if model == default)
    return table(caption, ["Model", *(metric(name).label for name in shown)], cells, marked=ours)


def details(rows: Rows, *, default: str, horizon: int) -> Html:
    """Return one folded table per metric, with paired differences and adjusted p values."""
    there = {name for by in rows.values() for name in by}
    known = [name for name in (*HEADLINE, *METRICS) if name in there]
    order = [*dict.fromkeys(known), *sorted(there - set(known))]
    return joined(_detail(rows, name, default=default, horizon=horizon) for name in order)


def _detail(rows: Rows, name: str, *, default: str, horizon: int) -> Html:
    what, best = metric(name), _best(rows, name)
    there = {model: by[name] for model, by in rows.items() if name in by}
    order = sorted(there, key=lambda model: (what.distance(there[model].value), model))
    most = max(row.origins for row in there.values())
    cells = [_figures(there[model], what, best=model in best) for model in order]
    # A column in which nothing is known is left out.
    head = [title for title in cells[0] if any(found[title] not in (UNKNOWN, "") for found in cells)]
    body = [
        [_named(there[model], default, most), *(found[title] for title in head)]
        for model, found in zip(order, cells, strict=True)
    ]
    meaning = f": {what.meaning}" if what.meaning else ""
    ours = frozenset(place for place, model in enumerate(order) if model == default)
    caption = f"{what.label}{meaning} ({plural(horizon, 'day')} ahead, all origins)"
    return folded(what.label, table(caption, ["Model", *head], body, marked=ours))


def _figures(row: Row, what: Metric, *, best: bool) -> dict[str, str]:
    value = what.write(row.value)
    limits = [_signed(limit, what) for limit in (row.difference_lower, row.difference_upper)]
    return {
        what.label: element("span", f"{value} (best)", class_="most") if best else value,
        "95 % interval": between(row.lower, row.upper, what),
        "Ours is better by": _signed(row.difference, what),
        "95 % interval of that": UNKNOWN if UNKNOWN in limits else " to ".join(limits),
        "p (Holm)": _probability(row.p_holm),
        "Than ours it is": verdict(row),
        "Spread over seeds": _signed(row.seed_sd, what).lstrip("+"),
    }


def _cell(row: Row | None, *, best: bool) -> Html:
    if row is None:
        return joined([UNKNOWN])
    what, said = metric(row.metric), verdict(row)
    interval = between(row.lower, row.upper, what)
    words = [element("span", "best", class_="best")] if best else []
    words += [element("span", said, class_=said.split()[0])] if said else []
    return joined(
        [
            element("span", what.write(row.value), class_="most" if best else None),
            element("small", interval) if interval != UNKNOWN else None,
            element("small", Html(" · ".join(words))) if words else None,
        ]
    )


def _best(rows: Rows, name: str) -> set[str]:
    """Return the models with the best value among those with the most origins; nobody where no way is better."""
    there = {model: by[name] for model, by in rows.items() if name in by}
    most = max((row.origins for row in there.values()), default=0)
    far = {model: metric(name).distance(row.value) for model, row in there.items() if row.origins == most}
    least = min(far.values(), default=math.inf)
    return {model for model, distance in far.items() if distance == least and math.isfinite(least)}


def _named(row: Row, default: str, most: int) -> Html:
    fewer = f" ({row.origins} of {plural(most, 'origin')})" if row.origins < most else None
    ours = " (ours)" if row.model == default else " (part of ours)" if row.kind == "ours" else None
    return joined([element("bdi", row.model), ours, fewer])


def _signed(value: float, what: Metric) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    return f"{number(100 * value, 1, signed=True)} %" if what.percent else number(value, 4, signed=True)


def _probability(p: float) -> str:
    if not math.isfinite(p):
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _loss(by: Mapping[str, Row]) -> float:
    return by["log_loss"].value if "log_loss" in by else math.inf
