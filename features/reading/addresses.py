"""Addresses of databases and of objects in a store: taken apart, and refused where they hold a password.

postgresql://host/db?table=shop.orders     postgresql://host/db?query=SELECT …     (all behind query= is the query)
sqlite:///orders.db?table=orders           duckdb:////data/shop.duckdb?table=orders
s3://bucket/orders/*.parquet               gs://bucket/orders.parquet     https://host/orders.csv
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from contracts.errors import DataError, nearest

DATABASES = ("postgresql", "postgres", "sqlite", "duckdb")
STORES = ("s3", "gs", "gcs", "https", "http")
_SECRETS = ("password", "sslpassword", "pwd", "passwd", "secret", "token", "sig", "credential", "access")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A database and what to read of it. `rest` is the address without table and query."""

    scheme: str
    rest: str
    path: str
    table: str | None
    query: str | None
    shown: str


def scheme_of(text: str) -> str | None:
    """Return the scheme of an address in lower case, None for a path."""
    found = _SCHEME.match(text)
    return found[1].casefold() if found else None


def require_known(scheme: str) -> None:
    """Raise DataError for a scheme that cannot be read."""
    if scheme not in DATABASES + STORES:
        known = ", ".join(
            f"{name}://" for name in DATABASES + STORES if name not in ("postgres", "gcs", "http")
        )
        raise DataError(
            f"Addresses that begin with {scheme}:// cannot be read{nearest(scheme, DATABASES + STORES) or '.'} "
            f"Readable are files, folders and {known}."
        )


def require_no_secret(text: str) -> None:
    """Raise DataError if an address holds a password, without repeating it."""
    scheme = scheme_of(text)
    rest = re.split(r"[?&](?:table|query)=", text.partition("://")[2])[0]
    named = [part.partition("=")[0] for part in re.split(r"[?&]", rest)[1:]]
    if _has_password(scheme or "", rest) or any(_is_secret(name) for name in named):
        if scheme in STORES:
            raise DataError(
                f"The {scheme}:// address holds a credential, which would end up in logs. Take it out and give it "
                "in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of your store)."
            )
        raise DataError(
            f"The {scheme}:// address holds a password, which would end up in logs. Take it out and give it in the "
            "environment: PGPASSWORD, or a file that PGPASSFILE names."
        )


def parse_database(text: str) -> Address:
    """Take the address of a database apart; raise DataError if it cannot be one."""
    require_no_secret(text)
    scheme = scheme_of(text) or ""
    base, settings, table, query = _split(text)
    if table is not None and query is not None:
        raise DataError(f"{scheme}://…: the address has both table= and query=. Give one of them.")
    try:
        parts = urlsplit(base)
        parts.port  # noqa: B018 (it is checked when asked for)
    except ValueError:
        raise DataError(
            f"{scheme}://…: this is no address; is the port a number? Write {_example(scheme)}."
        ) from None
    if scheme in ("sqlite", "duckdb") and settings:
        name = settings[0].partition("=")[0]
        raise DataError(
            f"{scheme}://…: the setting '{name}' is not known{nearest(name, ('table', 'query')) or '.'} "
            "Known are table and query."
        )
    if scheme in ("sqlite", "duckdb") and (parts.netloc or len(parts.path) < 2):
        raise DataError(
            f"{scheme}://…: this names no file. Write {_example(scheme)}, with three slashes or four."
        )
    asked = f"table={table}" if table is not None else ""
    if query is not None:
        asked = f"query=<{hashlib.sha256(query.encode()).hexdigest()[:12]}>"
    shown = base + ("?" if settings or asked else "") + "&".join(filter(None, [*settings, asked]))
    return Address(
        scheme=scheme,
        rest=base + ("?" + "&".join(settings) if settings else ""),
        path=unquote(parts.path[1:]),
        table=table,
        query=query,
        shown=shown,
    )


def _split(text: str) -> tuple[str, list[str], str | None, str | None]:
    """Return the address without its settings, the other settings, the table and the query."""
    before, mark, query = _cut(text, "query")
    base, _, rest = before.partition("?")
    settings = [part for part in rest.split("&") if part]
    tables = [unquote(part[len("table=") :]) for part in settings if part.startswith("table=")]
    others = [part for part in settings if not part.startswith("table=")]
    return base, others, (tables[0] or None) if tables else None, query if mark else None


def _cut(text: str, name: str) -> tuple[str, str, str]:
    found = re.search(rf"[?&]{name}=", text)
    if found is None:
        return text, "", ""
    return text[: found.start()], name, unquote(text[found.end() :]).strip().rstrip(";")


def _has_password(scheme: str, rest: str) -> bool:
    """Tell whether something stands between a colon and an @, even where it is not written as a URL wants it."""
    if rest.startswith("/"):
        return False
    user = rest.rpartition("@")[0] if scheme in DATABASES else rest.partition("/")[0].rpartition("@")[0]
    return re.search(r":[^@]", user) is not None


def _is_secret(name: str) -> bool:
    return any(word in name.casefold() for word in _SECRETS)


def _example(scheme: str) -> str:
    if scheme in ("sqlite", "duckdb"):
        return f"{scheme}:///orders.db?table=orders"
    return "postgresql://host:5432/database?table=orders"
