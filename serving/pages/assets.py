"""The files that pages load, from this package alone, each under its checksum: a browser may keep it for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from serving.problems import Problem

router = APIRouter(include_in_schema=False)

_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "woff2": "font/woff2"}
HTMX, FONT = "htmx-2.0.8.min.js", "inter-5.3.0-latin.woff2"


@dataclass(frozen=True)
class Asset:
    """One file and what it is."""

    name: str
    content: bytes

    @property
    def kind(self) -> str:
        """The media type."""
        return _KINDS[self.name.rpartition(".")[2]]

    @property
    def address(self) -> str:
        """The path under which it is served; it changes with the content."""
        return f"/static/{hashlib.sha256(self.content).hexdigest()[:16]}/{self.name}"


@cache
def assets() -> dict[str, Asset]:
    """Return all files by name; the style is that of all pages of the project, and our own after it."""
    static = files("serving.pages") / "static"
    found = {name: Asset(name, (static / name).read_bytes()) for name in (HTMX, FONT, "pages.js")}
    common, own = (files("pages") / "page.css").read_bytes(), (static / "pages.css").read_text("utf-8")
    style = common + own.replace("FONT_ADDRESS", found[FONT].address).encode()
    return found | {"pages.css": Asset("pages.css", style)}


def address_of(name: str) -> str:
    """Return where a file is served."""
    return assets()[name].address


@router.get("/static/{checksum}/{name}")
async def static(checksum: str, name: str) -> Response:
    """Return a file; Problem 404 if there is none of this name and content."""
    found = assets().get(name)
    if found is None or found.address != f"/static/{checksum}/{name}":
        raise Problem(404, "There is no such file.")
    return Response(found.content, media_type=found.kind, headers={"cache-control": _FOREVER})
