"""Write HTML and SVG from plain text: whatever is not marked as Html is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

Child = str | None
# What no HTML file may hold: control characters but tab and line ends, and halves of characters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"meta", "link", "br", "path", "line", "rect", "circle", "polyline", "polygon"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()

    def __html__(self) -> str:
        """Tell templates (markupsafe's protocol) that nothing is left to escape."""
        return self


def text(value: str) -> Html:
    """Escape text; what no file may hold becomes a replacement character."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value), quote=True))


def element(tag: str, *children: Child, **attributes: str | int | float | None) -> Html:
    """Return one element. `class_` means class, `aria_label` means aria-label; None leaves an attribute out."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID and not children:
        return Html(f"<{tag}{written}/>" if tag not in ("meta", "link", "br") else f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{joined(children)}</{tag}>")


def joined(children: Iterable[Child]) -> Html:
    """Put pieces one after the other."""
    return Html("".join(text(child) for child in children if child is not None))


def paragraph(*children: Child) -> Html:
    """Return a paragraph."""
    return element("p", *children)


def section(title: str, *children: Child, key: str) -> Html:
    """Return a part of the page with its heading; `key` is its address inside the page."""
    heading = element("h2", title, id=f"{key}-title")
    return element("section", heading, *children, id=key, aria_labelledby=f"{key}-title")


def folded(summary: str, *children: Child) -> Html:
    """Return what is shown on request."""
    return element("details", element("summary", summary), *children)


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    marked: frozenset[int] = frozenset(),
    words: frozenset[int] = frozenset(),
) -> Html:
    """Return a table whose first column names its rows; wide ones scroll by themselves.

    marked: the rows (from 0) that stand out. words: the columns (from 0) that hold text, not numbers.
    """

    def kind(column: int) -> str | None:
        return "words" if column in words else None

    heads = (element("th", name, scope="col", class_=kind(column)) for column, name in enumerate(head))
    body = []
    for place, (name, *cells) in enumerate(rows):
        tds = (element("td", cell, class_=kind(column)) for column, cell in enumerate(cells, start=1))
        row = element("th", name, scope="row"), *tds
        body.append(element("tr", *row, class_="marked" if place in marked else None))
    inner = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
    )
    return element("div", inner, class_="wide", role="group", aria_label=caption, tabindex=0)
