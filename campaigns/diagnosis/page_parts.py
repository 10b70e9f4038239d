"""What the parts of the diagnosis page have in common: a large number, what to do, a section."""

from __future__ import annotations

from collections.abc import Iterable

from campaigns.diagnosis.findings import Diagnosis
from pages.html import Child, Html, element, paragraph, section


def large(number: str, *said: str) -> Html:
    """Return a number that is seen first, and what it means."""
    small = element("small", " ".join(f"{one.rstrip('.')}." for one in said)) if said else None
    return element("p", number, small, class_="number")


def bullets(lines: Iterable[str]) -> Html:
    """Return lines as a list."""
    return element("ul", *(element("li", sentence(one)) for one in lines), class_="plain")


def sentence(words: str) -> str:
    """Return words with a capital letter and a full stop."""
    ended = words if words.endswith((".", "?", "!")) else f"{words}."
    return f"{ended[:1].upper()}{ended[1:]}"


def part(found: Diagnosis, key: str, title: str, *children: Child, advice: str | None = None) -> Html:
    """Return a section: what it shows, the picture, and what to do by the advice of its name."""
    text = found.advice.get(advice or key)
    says = paragraph(text.says) if text else None
    todo = (
        element("div", element("h3", "What to do"), bullets(text.todo), class_="todo")
        if text and text.todo
        else None
    )
    first, *rest = children or (None,)
    return section(title, first, says, *rest, todo, key=key)


def pictures(*figures: Html | None) -> Html | None:
    """Return figures side by side where there is room; None if there is none."""
    some = [one for one in figures if one is not None]
    return element("div", *some, class_="pictures") if some else None
