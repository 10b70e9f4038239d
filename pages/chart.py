"""What a picture shows, as numbers: drawn as SVG for the page (pages.svg) and as a figure for MLflow (plots)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contracts.training import Floats

Tick = tuple[float, str]
REFERENCE = -1
_SHORTEST = 1e-6
_SHARES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Line:
    """One line: (k,) points with intervals where they are known; NaN leaves a gap.

    look: 0 is the model that answers, 1 and above the others, REFERENCE what all are held against.
    dots: mark the points. joined: draw the line between them. stems: a line from the ground to each point.
    band: the interval is a coloured band along the line, not a bar at each point.
    """

    name: str
    x: Floats
    y: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    look: int = 0
    dots: bool = False
    joined: bool = True
    stems: bool = False
    band: bool = False


@dataclass(frozen=True)
class Mark:
    """A place on the horizontal axis that is pointed out, with a few words."""

    x: float
    words: str


@dataclass(frozen=True)
class Axis:
    """One axis from `least` to `most`; ticks are (position, words). `root` stretches the low end.

    percent: the values are shares.
    """

    label: str
    least: float
    most: float
    ticks: tuple[Tick, ...]
    scale: Literal["linear", "root"] = "linear"
    percent: bool = False

    def place(self, values: Floats) -> Floats:
        """Return where values stand: 0 at the low end, 1 at the high end."""
        if self.scale == "root":
            return np.sqrt(np.clip(values, 0.0, None) / self.most)
        return np.asarray((values - self.least) / (self.most - self.least))


@dataclass(frozen=True)
class Chart:
    """One picture. key: a file name without ending; description: what it shows, for who cannot see it.

    size: width and height of the drawing; the page scales it. marks: places on the horizontal axis to point out.
    """

    key: str
    title: str
    description: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    size: tuple[int, int] = (360, 260)
    marks: tuple[Mark, ...] = ()


def share_axis(label: str, most: float) -> Axis:
    """Return an axis of shares from 0 that gives small shares more room."""
    top = min(1.0, max(most * 1.04, 0.02))
    ticks = tuple((share, f"{100 * share:.0f} %") for share in _SHARES if share <= top)
    return Axis(label, 0.0, top, ticks, "root", percent=True)


def even_axis(label: str, least: float, most: float, *, percent: bool = False, signed: bool = False) -> Axis:
    """Return an axis with about five round steps that holds both ends."""
    step = _round_step(max(most - least, _SHORTEST) / 4)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple((n * step, _words(n * step, step, percent, signed)) for n in range(first, last + 1))
    return Axis(label, first * step, last * step, ticks, percent=percent)


def named_axis(label: str, names: tuple[str, ...], *, most: int = 6) -> Axis:
    """Return an axis of equal steps 0, 1, … with a name each; only some are written if there are many."""
    every = max(1, math.ceil(len(names) / most))
    ticks = tuple((float(n), name) for n, name in enumerate(names) if n % every == 0)
    return Axis(label, -0.5, len(names) - 0.5, ticks)


def _round_step(step: float) -> float:
    size = 10.0 ** math.floor(math.log10(step))
    return next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= step * 0.999)


def _words(value: float, step: float, percent: bool, signed: bool) -> str:
    factor = 100.0 if percent else 1.0
    digits = next(d for d in range(12) if math.isclose(round(step * factor, d), step * factor))
    sign = "+" if signed and value > step / 2 else ""
    return sign + f"{value * factor:,.{digits}f}".replace("-", "−") + (" %" if percent else "")
