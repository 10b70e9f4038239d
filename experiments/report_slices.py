"""The slices table: how well groups of customers are predicted, by the default and the best peer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from experiments.backtest_result import Backtest
from experiments.report_words import UNKNOWN, between, metric, number, told_apart
from pages.html import Html, element, joined, table

_SHOWN = ("auc", "log_loss", "level_bias", "value_gini")
_Figures = Mapping[tuple[str, str], Mapping[str, Any]]


def slices_table(backtest: Backtest) -> Html:
    """Return one row per group: the default's figures, and under each the best peer's with the verdict."""
    groups: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for row in backtest.slices:
        groups.setdefault(str(row["slice"]), {})[row["model"], row["metric"]] = row
    rows = [_group(name, figures, backtest) for name, figures in groups.items()]
    peer = (
        f", under it the best peer ({backtest.best_peer}) and how it compares" if backtest.best_peer else ""
    )
    caption = f"Ours{peer}; {backtest.settings.horizon} days ahead, all windows"
    head = ["Group", "Customers", "Buyers", "Bought", *(metric(name).label for name in _SHOWN)]
    return table(caption, head, rows)


def _group(name: str, figures: _Figures, backtest: Backtest) -> list[str]:
    customers, buyers = (
        max(float(row[count]) for row in figures.values()) for count in ("customers", "buyers")
    )
    share = f"{number(100 * buyers / customers, 1)} %" if customers else UNKNOWN
    cells = (_cell(figures, what, backtest) for what in _SHOWN)
    return [element("bdi", name), number(customers, 0), number(buyers, 0), share, *cells]


def _cell(figures: _Figures, name: str, backtest: Backtest) -> Html:
    what, ours = metric(name), figures.get((backtest.settings.default, name))
    if ours is None:
        return joined([UNKNOWN])
    interval = between(_known(ours, "lower"), _known(ours, "upper"), what)
    peer = figures.get((backtest.best_peer or "", name))
    lines = [element("small", interval)] if interval != UNKNOWN else []
    if peer is not None:
        difference = [_known(peer, key) for key in ("difference", "difference_lower", "difference_upper")]
        said = told_apart(*difference)
        theirs = what.write(_known(peer, "value"))
        word = element("span", said, class_=said.split()[0]) if said else None
        lines.append(element("small", f"peer {theirs}", " · " if word else None, word))
    return joined([what.write(_known(ours, "value")), *lines])


def _known(row: Mapping[str, Any], key: str) -> float:
    return math.nan if row[key] is None else float(row[key])
