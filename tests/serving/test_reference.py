from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from serving.api import reference
from tests.serving.guarded import guarded
from tests.serving.shop import Client


@pytest.fixture(scope="module")
def client() -> Client:
    app = guarded(docs=False)
    app.include_router(reference.router)
    return Client(app)


class Found(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.addresses.append(value or "")
            elif name == "id":
                self.ids.append(value or "")


def test_every_endpoint_and_shape_is_on_the_page(client: Client) -> None:
    page = client.get("/docs").text
    document = client.app.openapi()
    for path, methods in document["paths"].items():
        assert all(f"<code>{method.upper()} {path}</code>" in page for method in methods)
    assert set(document["components"]["schemas"]) <= set(Found(page).ids)


def test_nothing_is_loaded_or_run(client: Client) -> None:
    answer = client.get("/docs")
    found = Found(answer.text)
    assert "script" not in found.tags and "img" not in found.tags and "link" not in found.tags
    assert all(address.startswith("#") or address == "openapi.json" for address in found.addresses)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "style=" not in answer.text


def test_each_link_leads_somewhere_and_each_id_stands_once(client: Client) -> None:
    found = Found(client.get("/docs").text)
    assert {address[1:] for address in found.addresses if address.startswith("#")} <= set(found.ids)
    assert len(set(found.ids)) == len(found.ids)


def test_the_style_is_the_one_that_the_policy_allows(client: Client) -> None:
    import base64
    import hashlib

    answer = client.get("/docs")
    style = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_markup_in_a_description_is_text() -> None:
    document = {
        "info": {"title": "<b>", "description": "<script>alert(1)</script>"},
        "paths": {"/<i>": {"get": {"description": "<img src=x>", "responses": {}}}},
    }
    page = reference.page_of(document)
    assert not {"script", "img", "b", "i"} & set(Found(page).tags)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc"])
def test_documentation_can_be_switched_off(path: str) -> None:
    assert Client(guarded(docs=False)).get(path).status_code == 404
