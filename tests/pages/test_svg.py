from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from markupsafe import escape

from pages.chart import Chart, Line, Mark, even_axis
from pages.html import element, text
from pages.svg import legend, svg

X, Y = np.array([0.0, 50.0, 100.0]), np.array([0.0, 5.0, 10.0])
CHART = Chart(
    "growth",
    "It grows",
    "From 0 to 10.",
    even_axis("days", 0.0, 100.0),
    even_axis("orders", 0.0, 10.0),
    (Line("us", X, Y),),
)


def drawn(line: Line) -> str:
    return str(svg(replace(CHART, lines=(line,))))


def test_a_picture_is_well_formed_and_described() -> None:
    root = ElementTree.fromstring(svg(CHART))
    assert root.attrib["aria-labelledby"] == "growth-title growth-text"
    assert [one.text for one in root][:2] == ["It grows", "From 0 to 10."]


def test_a_picture_has_the_size_it_is_given() -> None:
    assert 'viewBox="0 0 900 290"' in svg(replace(CHART, size=(900, 290)))
    assert 'd="M64.0 246.0L472.0 128.0L880.0 10.0"' in svg(replace(CHART, size=(900, 290)))


def test_long_words_at_the_ticks_stand_clear_of_the_axis_own() -> None:
    drawing = str(svg(replace(CHART, y=even_axis("profit", -100_000.0, 0.0))))
    ends = re.search(r'<text x="(\d+)"[^>]*>−100,000', drawing)
    assert ends is not None and int(ends[1]) - 8 * 7.2 >= 11 + 6


def test_a_band_is_closed_around_its_line() -> None:
    line = Line("us", X, Y, Y - 1.0, Y + 1.0, band=True)
    path = re.search(r'<path d="(M[^"]*Z)" class="band"', drawn(line))
    assert path is not None and path[1].count(" ") == 2 * len(X)


def test_what_is_not_known_is_left_out_of_a_band() -> None:
    line = Line("us", X, Y, np.array([np.nan] * 3), Y + 1.0, band=True)
    assert "band" not in drawn(line) and "nan" not in drawn(line)


def test_stems_stand_on_the_ground() -> None:
    assert 'd="M64.0 216V216.0M202.0 216V113.0M340.0 216V10.0" class="stem"' in drawn(
        Line("us", X, Y, stems=True)
    )


def test_a_mark_is_named_inside_the_picture_at_both_ends() -> None:
    marked = str(svg(replace(CHART, marks=(Mark(0.0, "first"), Mark(50.0, "middle"), Mark(100.0, "last")))))
    assert re.findall(r'text-anchor="(\w+)" class="label">(?:first|middle|last)', marked) == [
        "start",
        "middle",
        "end",
    ]


def test_a_legend_shows_what_is_drawn() -> None:
    shown = legend(
        replace(CHART, lines=(Line("us", X, Y, Y, Y, band=True), Line("dots", X, Y, dots=True, joined=False)))
    )
    assert shown.count('class="band"') == 1 and shown.count("<circle") == 1


def test_templates_do_not_escape_markup_again() -> None:
    assert str(escape(element("b", "a < b"))) == "<b>a &lt; b</b>" == str(element("b", text("a < b")))
