"""The backtest's report: one HTML file that opens offline, for the data scientist and for the shop's owner."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from contracts.days import to_date
from experiments.backtest_result import Backtest, Settings
from experiments.report_album import album, judged, levels
from experiments.report_board import details, leaderboard, mean_rows
from experiments.report_slices import slices_table
from experiments.report_tables import (
    chart_table,
    drift_table,
    level_table,
    not_fitted_table,
    seconds_table,
)
from experiments.report_words import HEADLINE, METRICS, headline, plural, standing
from pages.chart import Chart
from pages.html import Html, element, folded, joined, paragraph, section
from pages.page import document
from pages.svg import legend, svg


def write_report(path: Path, backtest: Backtest) -> None:
    """Write the report of a backtest as one HTML file; the same backtest gives the same bytes."""
    title = f"Backtest of {backtest.settings.shop}"
    charts = album(backtest)
    sections = [one for one in _sections(backtest, charts) if one is not None]
    main = element("main", _top(title, backtest), _contents(sections), *(body for _, _, body in sections))
    path.write_text(document(title, main), encoding="utf-8", newline="\n")


_Section = tuple[str, str, Html]


def _sections(backtest: Backtest, charts: dict[str, Chart]) -> list[_Section | None]:
    settings = backtest.settings
    return [
        _part("leaderboard", "Leaderboard", *_boards(backtest, ("ours", "peer"))),
        _part("ablations", "What each part of ours is worth", *_boards(backtest, ("ours", "ablation")))
        if "ablation" in settings.kinds.values()
        else None,
        *(_pictures(backtest, charts) if charts else ()),
        _part("slices", "Groups of customers", _SLICES, slices_table(backtest)) if backtest.slices else None,
        _part("not-fitted", "What could not be fitted", *_not_fitted(backtest)),
        _part("settings", "Settings", _settings(settings), seconds_table(backtest)),
        _part("reproduce", "How to reproduce", *_reproduce(settings)),
    ]


def _part(key: str, title: str, *children: Html | str | None) -> _Section:
    return key, title, section(title, *children, key=key)


def _top(title: str, backtest: Backtest) -> Html:
    settings, verdict = backtest.settings, backtest.verdict
    days = f"{to_date(settings.first_day)} to {to_date(settings.last_day)}"
    gate = element(
        "p",
        element("strong", "Passed. " if verdict.passed else "Not passed. "),
        _sentence(verdict.reason),
        class_=f"gate {'passed' if verdict.passed else 'refused'}",
    )
    return element(
        "header",
        element("h1", title),
        element("p", headline(backtest), class_="result"),
        gate,
        _list([said for name in HEADLINE if (said := standing(backtest, name))]),
        paragraph(
            f"{settings.customers:,} customers, {days}. A window is judged with models that were trained only on "
            "what was known before it began."
        ),
        _list([_sentence(note) for note in settings.notes]),
        folded("How to read this page", _glossary()),
    )


def _contents(sections: list[_Section]) -> Html:
    links = (element("li", element("a", title, href=f"#{key}")) for key, title, _ in sections)
    return element("nav", element("ul", *links), aria_label="On this page")


def _glossary() -> Html:
    words = {
        "Origin": "The last day that the models knew. They predict the days after it.",
        "Window": "The days after an origin, in which it is counted who bought.",
        "Peer": "Another way to predict the same, trained on the same orders.",
        "95 % interval": "Where the figure would fall with other customers of the same kind, 19 times of 20.",
        "Better, worse, cannot be told": "How a model compares with ours on the same customers. The five main "
        "figures of all peers are judged together (Holm), so that luck among many comparisons does not count; the "
        "interval beside a difference is for that comparison alone.",
        **{one.label: f"{one.meaning[:1].upper()}{one.meaning[1:]}." for one in METRICS.values()},
    }
    pairs = (joined([element("dt", word), element("dd", meaning)]) for word, meaning in words.items())
    return element("dl", *pairs)


def _boards(backtest: Backtest, kinds: tuple[str, ...]) -> list[Html]:
    settings, boards = backtest.settings, []
    for horizon in settings.horizons:
        rows = mean_rows(backtest, horizon, kinds)
        if not rows:
            continue
        caption = (
            f"{plural(horizon, 'day')} ahead, mean over origins with 95 % intervals, best log loss first"
        )
        every = details(rows, default=settings.default, horizon=horizon)
        head = element("h3", f"{plural(horizon, 'day')} ahead") if len(settings.horizons) > 1 else None
        board = leaderboard(rows, default=settings.default, caption=caption)
        boards.append(joined([head, board, folded("Figure by figure, with paired differences", every)]))
    return boards


def _pictures(backtest: Backtest, charts: dict[str, Chart]) -> list[_Section]:
    def shown(*starts: str) -> Html:
        found = (chart for key, chart in charts.items() if key.startswith(starts))
        return element("div", *(_figure(chart) for chart in found), class_="pictures")

    level = level_table(judged(backtest), levels(backtest))
    parts = [
        _part(
            "calibration", "Do the chances hold what they say?", paragraph(_CALIBRATION), shown("calibration")
        ),
        _part("gain-and-lift", "Does the ranking find the buyers?", paragraph(_GAIN), shown("gain", "lift")),
        _part("levels", "Are the totals right?", shown("level"), level),
    ]
    if backtest.weekly:
        parts.append(_part("tracking", "Week by week", paragraph(_TRACKING), shown("tracking")))
    drift = (paragraph(_DRIFT), shown("drift"), drift_table(backtest))
    return [*parts, _part("drift-of-scores", "Do the chances drift?", *drift)]


def _figure(chart: Chart) -> Html:
    numbers = (
        None if chart.key in ("level", "drift") else chart_table(chart)
    )  # these have tables of their own
    return element("figure", element("figcaption", chart.title), svg(chart), legend(chart), numbers)


def _not_fitted(backtest: Backtest) -> list[Html]:
    if not any(backtest.not_fitted.values()):
        return [paragraph("Every model could be fitted at every origin.")]
    return [not_fitted_table(backtest)]


def _settings(settings: Settings) -> Html:
    sealed = settings.sealed
    words: dict[str, Any] = {
        "Shop": settings.shop,
        "Origins": ", ".join(to_date(day).isoformat() for day in settings.origins),
        "Days between origins": settings.step_days,
        "Horizons (days)": ", ".join(str(h) for h in settings.horizons),
        "Trainings per model (seeds)": settings.seeds,
        "Sealed last window": f"{to_date(sealed[0])} to {to_date(sealed[1])}" if sealed else "none",
        "This run": "the sealed window alone, for the final figure"
        if settings.final
        else "outside the sealed window",
        "Currency": settings.currency,
        "Fingerprint of the orders": settings.fingerprint,
        **{f"Recipe: {name}": value for name, value in settings.recipe.items()},
        **{f"Version of {name}": value for name, value in settings.versions.items()},
    }
    pairs = (joined([element("dt", word), element("dd", str(value))]) for word, value in words.items())
    return element("dl", *pairs)


def _reproduce(settings: Settings) -> list[Html]:
    rolling = ["--origins", str(len(settings.origins)), "--step", str(settings.step_days)]
    horizons = [part for horizon in settings.horizons for part in ("--horizon", str(horizon))]
    asked = [
        *("--shop", settings.shop),
        *("--as-of", to_date(settings.last_day).isoformat()),
        *(["--final"] if settings.final else rolling),
        *horizons,
        *("--seeds", str(settings.seeds)),
        *("--models", ",".join(settings.kinds)),
        *("--out", "backtest"),
    ]
    command = f"repurchase backtest ORDERS {shlex.join(asked)}"
    files = (
        "All figures of this page, and those of every single origin, are in leaderboard.csv and slices.csv."
    )
    return [
        paragraph(
            "ORDERS are the same orders; their fingerprint stands under Settings, beside the recipe and the versions."
        ),
        element("pre", element("code", command)),
        paragraph(files),
    ]


def _list(lines: list[str]) -> Html | None:
    return element("ul", *(element("li", line) for line in lines), class_="plain") if lines else None


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


_CALIBRATION = (
    "All windows together, customers in ten groups of equal size by their chance; the bars are 95 % binomial "
    "intervals. On the dotted line a chance of 20 % means that 20 of 100 buy; below it too much was promised. "
    "Small shares have more room on both axes."
)
_GAIN = (
    "Customers in the order of their chance, best first; the mean of the windows. Read at 10 %: so many of all buyers "
    "are reached by writing to the first tenth only."
)
_TRACKING = "Order days per week of the customers known at the origin, beside what was expected before."
_DRIFT = (
    "How our chances are spread over the customers at each origin. The population stability index (PSI) "
    "says how far the spread moved: below 0.1 it is stable, above 0.25 it moved far."
)
_SLICES = paragraph("Groups overlap; those that are too small to be measured are left out.")
