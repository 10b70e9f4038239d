from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import pytest

from serving.pages.assets import address_of, assets
from tests.serving.pages_shop import Browser, pages_app

STATIC = files("serving.pages") / "static"
PINNED = re.findall(r"\| (\S+\.(?:js|woff2)) \|.*\| ([0-9a-f]{64}) \|", (STATIC / "README.md").read_text())


@pytest.mark.parametrize(("name", "checksum"), PINNED)
def test_others_files_are_what_was_published(name: str, checksum: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == checksum


def test_every_file_of_others_is_pinned_and_has_its_licence() -> None:
    own = {"pages.js", "pages.css", "README.md"}
    names = {one.name for one in STATIC.iterdir()} - own
    assert {name for name in names if not name.endswith("-LICENSE.txt")} == {name for name, _ in PINNED}
    assert all(f"{name.partition('-')[0]}-LICENSE.txt" in names for name, _ in PINNED)


@pytest.mark.parametrize("name", sorted(assets()))
def test_files_may_be_kept_for_ever_under_their_checksum(name: str) -> None:
    answer = Browser(pages_app(None)).get(address_of(name))
    assert answer.status_code == 200 and answer.content == assets()[name].content
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]


@pytest.mark.parametrize(
    "path", ["/static/0000000000000000/pages.js", "/static/..%2f..%2fapp.py", "/static/x/../app.py"]
)
def test_nothing_else_is_served(path: str) -> None:
    assert Browser(pages_app(None)).get(path).status_code == 404


def test_pages_are_not_kept() -> None:
    assert Browser(pages_app(None)).get("/model").headers.get_list("cache-control") == ["no-store"]


def test_the_style_loads_only_the_font_from_here() -> None:
    style = assets()["pages.css"].content.decode()
    assert re.findall(r'url\("?([^")]*)', style) == [address_of("inter-5.3.0-latin.woff2")]
    assert "@import" not in style
