"""Draw a chart as SVG that takes its colours from the page and is described in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from contracts.training import Floats
from pages.chart import REFERENCE, Axis, Chart, Line
from pages.html import Html, element, joined

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 10, 44
LOOKS = 5
_DOT = 3.0


def svg(chart: Chart) -> Html:
    """Return the picture with its title and description, without the legend."""
    described = f"{chart.key}-title {chart.key}-text"
    return element(
        "svg",
        element("title", chart.title, id=f"{chart.key}-title"),
        element("desc", chart.description, id=f"{chart.key}-text"),
        _vertical_axis(chart.y),
        _horizontal_axis(chart.x),
        *(_line(chart, line) for line in sorted(chart.lines, key=_drawn_last)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=described,
    )


def legend(chart: Chart) -> Html:
    """Return what each line means, as a list that wraps on narrow screens."""
    return element("ul", *(_entry(line) for line in chart.lines), class_="legend")


def _entry(line: Line) -> Html:
    drawn = []
    if line.joined:
        drawn.append(element("path", d="M0 6H28", class_="line"))
    if line.dots:
        drawn.append(_dot(14.0, 6.0, line.look))
    swatch = element(
        "svg", *drawn, viewBox="0 0 28 12", class_=f"swatch {_look(line.look)}", aria_hidden="true"
    )
    return element("li", swatch, element("span", line.name))


def _drawn_last(line: Line) -> tuple[bool, int]:
    """Our own line lies on top, references at the bottom."""
    return (line.look != REFERENCE, -line.look)


def _look(look: int) -> str:
    return "reference" if look == REFERENCE else f"look{look % LOOKS}"


def _line(chart: Chart, line: Line) -> Html:
    across, up = _across(chart.x, line.x), _up(chart.y, line.y)
    drawn = [*_intervals(chart, line, across)]
    if line.joined:
        drawn.append(element("path", d=_path(across, up), class_="line"))
    if line.dots:
        there = zip(across, up, strict=True)
        drawn.extend(_dot(x, y, line.look) for x, y in there if math.isfinite(x) and math.isfinite(y))
    return element("g", *drawn, class_=_look(line.look))


def _intervals(chart: Chart, line: Line, across: Floats) -> Iterator[Html]:
    if line.lower is None or line.upper is None:
        return
    lower, upper = _up(chart.y, line.lower), _up(chart.y, line.upper)
    known = np.isfinite(across) & np.isfinite(lower) & np.isfinite(upper)
    places = zip(across[known], lower[known], upper[known], strict=True)
    path = "".join(f"M{_n(x)} {_n(low)}V{_n(high)}" for x, low, high in places)
    if path:
        yield element("path", d=path, class_="interval")


def _path(across: Floats, up: Floats) -> str:
    """Return the line's path; it is lifted at gaps."""
    pieces, drawing = [], False
    for x, y in zip(across, up, strict=True):
        there = math.isfinite(x) and math.isfinite(y)
        if there:
            pieces.append(f"{'L' if drawing else 'M'}{_n(x)} {_n(y)}")
        drawing = there
    return "".join(pieces)


def _dot(x: float, y: float, look: int) -> Html:
    """Return a mark whose shape tells the lines apart without colours."""
    r = _DOT
    outline = {
        1: f"M{_n(x - r)} {_n(y - r)}h{_n(2 * r)}v{_n(2 * r)}h{_n(-2 * r)}z",
        2: f"M{_n(x)} {_n(y - 1.3 * r)}l{_n(1.3 * r)} {_n(1.3 * r)}l{_n(-1.3 * r)} {_n(1.3 * r)}"
        f"l{_n(-1.3 * r)} {_n(-1.3 * r)}z",
        3: f"M{_n(x)} {_n(y - 1.2 * r)}l{_n(1.2 * r)} {_n(2.2 * r)}h{_n(-2.4 * r)}z",
        4: f"M{_n(x)} {_n(y + 1.2 * r)}l{_n(1.2 * r)} {_n(-2.2 * r)}h{_n(-2.4 * r)}z",
    }
    if look % LOOKS in outline and look != REFERENCE:
        return element("path", d=outline[look % LOOKS], class_="dot")
    return element("circle", cx=_n(x), cy=_n(y), r=_n(r), class_="dot")


def _vertical_axis(axis: Axis) -> Html:
    drawn = []
    for position, words in axis.ticks:
        y = _up(axis, np.array([position]))[0]
        drawn.append(element("path", d=f"M{LEFT} {_n(y)}H{WIDTH - RIGHT}", class_="grid"))
        drawn.append(element("text", words, x=LEFT - 7, y=_n(y + 4), text_anchor="end"))
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    turned = f"translate(11 {_n(middle)}) rotate(-90)"
    drawn.append(element("text", axis.label, transform=turned, text_anchor="middle", class_="label"))
    return element("g", *drawn)


def _horizontal_axis(axis: Axis) -> Html:
    base = HEIGHT - BOTTOM
    drawn = [element("path", d=f"M{LEFT} {base}H{WIDTH - RIGHT}", class_="base")]
    for position, words in axis.ticks:
        x = _across(axis, np.array([position]))[0]
        drawn.append(element("path", d=f"M{_n(x)} {base}v4", class_="base"))
        drawn.append(element("text", words, x=_n(x), y=base + 17, text_anchor="middle"))
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    drawn.append(
        element("text", axis.label, x=_n(middle), y=HEIGHT - 8, text_anchor="middle", class_="label")
    )
    return joined(drawn)


def _across(axis: Axis, values: Floats) -> Floats:
    return LEFT + (WIDTH - LEFT - RIGHT) * np.asarray(axis.place(values))


def _up(axis: Axis, values: Floats) -> Floats:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * np.asarray(axis.place(values))


def _n(value: float) -> str:
    """Return a number of the picture, a tenth of a unit sharp."""
    return f"{value:.1f}"
