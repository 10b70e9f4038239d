"""A shop whose pages are looked at: customers that differ, with orders, a report, and the whole service."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import FastAPI

from contracts.days import to_day
from serving.app import create_app
from serving.guarding.keys import KeyRing
from serving.pages.routes import add_pages
from serving.settings import ServiceSettings
from serving.store import Store, publish
from tests.serving.scores import AS_OF, scores
from tests.serving.shop import NOW, CountingScorer

REPORT: dict[str, Any] = {
    "finished": {
        "as_of": "1998-01-01",
        "until": "1998-04-01",
        "horizon": 90,
        "model_version": "v0",
        "customers_ranked": 200,
        "tenths": [
            {"tenth": k + 1, "customers": 20.0, "expected_buyers": 12.0 - k, "buyers": 11.0 - k,
             "expected_value": 100.0, "value": 90.0}
            for k in range(10)
        ],
    },
    "drift": {"flagged": False, "known": True, "reasons": [], "rule": "flagged if a score has moved"},
}  # fmt: skip


def pages_store(
    folder: Path,
    *customer_ids: str,
    report: dict[str, Any] | None = None,
    orders: dict[str, list[tuple[datetime, float]]] | None = None,
) -> Store:
    """Publish and open a ranking; orders: of the customers whose details are kept."""
    table, details = scores(*customer_ids), None
    if orders is not None:
        details = folder.with_name(f"{folder.name}-details")
        _write_details(details, orders)
        places = {one: at for at, one in enumerate(orders)}
        at = [places.get(one, -1) for one in customer_ids]
        table = table.append_column("part", pa.array([0 if one >= 0 else -1 for one in at], pa.int32()))
        table = table.append_column("at", pa.array(at, pa.int32()))
    told = {"ranked_by": "expected_value_90d", "shop": "test"}
    publish(table, folder, manifest=told, formats=("parquet",), report=report, details=details)
    return Store.open(folder)


def _write_details(folder: Path, orders: dict[str, list[tuple[datetime, float]]]) -> None:
    days = [[to_day(day) for day, _ in one] for one in orders.values()]
    amounts = [[amount for _, amount in one] for one in orders.values()]
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "customer_id": list(orders),
            "order_days": pa.array(days, pa.list_(pa.int32())),
            "order_amounts": pa.array(amounts, pa.list_(pa.float64())),
            "recency_days": pa.array([1.0] * len(orders), pa.float32()),
        }
    )
    pq.write_table(table, folder / "00000.parquet", row_group_size=2_048)


def pages_app(
    store: Store | None,
    *,
    keys: KeyRing | None = None,
    now: datetime = NOW,
    scorer: Any = None,
    **settings: Any,
) -> FastAPI:
    """Return the whole service with its pages."""
    own = scorer or CountingScorer(currency="EUR")
    app = create_app(
        store=store,
        scorer=own,
        keys=keys,
        clock=lambda: now,
        settings=replace(ServiceSettings(), **settings),
    )
    if not hasattr(app.state, "sessions"):
        add_pages(app)
    return app


@dataclass
class Browser:
    """Asks for pages as a person's browser does, without scripts, and keeps cookies."""

    app: FastAPI
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.send("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form."""
        return self.send("POST", path, data=form, headers=headers)

    def sign_in(self, key: str, **more: str) -> httpx.Response:
        """Open the form and send a key with it."""
        page = self.get("/signin").text
        return self.post("/signin", {"csrf": hidden(page, "csrf"), "key": key, **more})

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any request; redirects are not followed."""
        return asyncio.run(self._send(method, path, **more))

    async def _send(self, method: str, path: str, *, headers: dict[str, str], **more: Any) -> httpx.Response:
        sent = {"accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://shop", cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, headers=sent, **more)
            self.cookies = client.cookies
        return answer


def hidden(page: str, name: str) -> str:
    """Return the value of a page's first hidden field of a name."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no hidden field {name}"
    return unescape(found[1])


def words_of(page: str) -> str:
    """Return the text of a page, without markup and with single spaces."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)).replace("\xa0", " "))


def ids_of(page: str) -> list[str]:
    """Return the customers of the table, in its order."""
    return [
        unescape(one) for one in re.findall(r'<th scope="row"><a href="/customers/[^"]*">(.*?)</a>', page)
    ]


__all__ = ["AS_OF", "NOW", "REPORT", "Browser", "hidden", "ids_of", "pages_app", "pages_store", "words_of"]
