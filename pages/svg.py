"""Draw a chart as SVG that takes its colours from the page and is described in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contracts.training import Floats
from pages.chart import REFERENCE, Axis, Chart, Line, Mark
from pages.html import Html, element, joined

LEAST_LEFT, RIGHT, TOP, BOTTOM = 64, 20, 10, 44
LOOKS = 5
_DOT = 3.0
_LETTER, _BESIDE_TICKS = 7.2, 27  # the width of a figure, and what the axis's own words need beside its ticks
_MARK_ROOM = 14  # above the picture, for the words of marks


def svg(chart: Chart) -> Html:
    """Return the picture with its title and description, without the legend."""
    described = f"{chart.key}-title {chart.key}-text"
    frame = _Frame(*chart.size, TOP + (_MARK_ROOM if chart.marks else 0), _left(chart.y))
    return element(
        "svg",
        element("title", chart.title, id=f"{chart.key}-title"),
        element("desc", chart.description, id=f"{chart.key}-text"),
        _vertical_axis(chart.y, frame),
        _horizontal_axis(chart.x, frame),
        *(_line(chart, line, frame) for line in sorted(chart.lines, key=_drawn_last)),
        *(_mark(chart, mark, frame) for mark in chart.marks),
        viewBox=f"0 0 {frame.width} {frame.height}",
        role="img",
        aria_labelledby=described,
    )


def legend(chart: Chart) -> Html:
    """Return what each line means, as a list that wraps on narrow screens."""
    return element("ul", *(_entry(line) for line in chart.lines), class_="legend")


@dataclass(frozen=True)
class _Frame:
    """Where the picture's ground lies inside the drawing."""

    width: int
    height: int
    top: int
    left: int

    @property
    def base(self) -> int:
        return self.height - BOTTOM

    @property
    def right(self) -> int:
        return self.width - RIGHT

    def across(self, axis: Axis, values: Floats) -> Floats:
        return self.left + (self.right - self.left) * np.asarray(axis.place(values))

    def up(self, axis: Axis, values: Floats) -> Floats:
        return self.base - (self.base - self.top) * np.asarray(axis.place(values))


def _left(axis: Axis) -> int:
    """Return how far from the left the ground begins, so that the ticks' words fit beside the axis's own."""
    longest = max((len(words) for _, words in axis.ticks), default=0)
    return max(LEAST_LEFT, math.ceil(_BESIDE_TICKS + _LETTER * longest))


def _entry(line: Line) -> Html:
    drawn = []
    if line.band:
        drawn.append(element("path", d="M0 1H28V11H0Z", class_="band"))
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


def _line(chart: Chart, line: Line, frame: _Frame) -> Html:
    across, up = frame.across(chart.x, line.x), frame.up(chart.y, line.y)
    drawn = [*_intervals(chart, line, frame)]
    there = [pair for pair in zip(across, up, strict=True) if all(map(math.isfinite, pair))]
    if line.stems:
        stems = "".join(f"M{_n(x)} {frame.base}V{_n(y)}" for x, y in there)
        drawn.append(element("path", d=stems, class_="stem"))
    if line.joined:
        drawn.append(element("path", d=_path(across, up), class_="line"))
    if line.dots:
        drawn.extend(_dot(x, y, line.look) for x, y in there)
    return element("g", *drawn, class_=_look(line.look))


def _intervals(chart: Chart, line: Line, frame: _Frame) -> Iterator[Html]:
    if line.lower is None or line.upper is None:
        return
    across = frame.across(chart.x, line.x)
    lower, upper = frame.up(chart.y, line.lower), frame.up(chart.y, line.upper)
    known = np.isfinite(across) & np.isfinite(lower) & np.isfinite(upper)
    if not known.any():
        return
    across, lower, upper = across[known], lower[known], upper[known]
    if line.band:
        around = [*zip(across, upper, strict=True), *zip(across[::-1], lower[::-1], strict=True)]
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in around) + "Z"
        yield element("path", d=path, class_="band")
        return
    places = zip(across, lower, upper, strict=True)
    path = "".join(f"M{_n(x)} {_n(low)}V{_n(high)}" for x, low, high in places)
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


def _mark(chart: Chart, mark: Mark, frame: _Frame) -> Html:
    """Return a line through the picture with its words above, inside the drawing at both ends."""
    x = float(frame.across(chart.x, np.array([mark.x]))[0])
    anchor = "start" if x < frame.left + 60 else "end" if x > frame.right - 60 else "middle"
    line = element("path", d=f"M{_n(x)} {frame.top - 2}V{frame.base}", class_="mark")
    words = element("text", mark.words, x=_n(x), y=frame.top - 6, text_anchor=anchor, class_="label")
    return element("g", line, words)


def _vertical_axis(axis: Axis, frame: _Frame) -> Html:
    drawn = []
    for position, words in axis.ticks:
        y = frame.up(axis, np.array([position]))[0]
        drawn.append(element("path", d=f"M{frame.left} {_n(y)}H{frame.right}", class_="grid"))
        drawn.append(element("text", words, x=frame.left - 7, y=_n(y + 4), text_anchor="end"))
    turned = f"translate(11 {_n((frame.top + frame.base) / 2)}) rotate(-90)"
    drawn.append(element("text", axis.label, transform=turned, text_anchor="middle", class_="label"))
    return element("g", *drawn)


def _horizontal_axis(axis: Axis, frame: _Frame) -> Html:
    drawn = [element("path", d=f"M{frame.left} {frame.base}H{frame.right}", class_="base")]
    for position, words in axis.ticks:
        x = frame.across(axis, np.array([position]))[0]
        drawn.append(element("path", d=f"M{_n(x)} {frame.base}v4", class_="base"))
        drawn.append(element("text", words, x=_n(x), y=frame.base + 17, text_anchor="middle"))
    middle = frame.left + (frame.right - frame.left) / 2
    drawn.append(
        element("text", axis.label, x=_n(middle), y=frame.height - 8, text_anchor="middle", class_="label")
    )
    return joined(drawn)


def _n(value: float) -> str:
    """Return a number of the picture, a tenth of a unit sharp."""
    return f"{value:.1f}"
