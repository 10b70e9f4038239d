"""One HTML file that opens offline: head, style, body."""

from __future__ import annotations

from importlib.resources import files

from pages.html import Child, Html, element

# Nothing may be loaded from anywhere, whatever a name in the data holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, *body: Child, style: str = "") -> str:
    """Return a whole page around the pieces of its body (one `main`); style: CSS added to that of all pages."""
    css = (files("pages") / "page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Html(css + style)),
    )
    return f"<!doctype html>\n{element('html', head, element('body', *body), lang='en')}\n"
