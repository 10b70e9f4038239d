"""Parquet and CSV behind s3://, gs:// and https://, through DuckDB's extension httpfs where it is present.

Nothing is ever installed or downloaded for it. Credentials come from the environment: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL for s3://; GCS_HMAC_KEY and
GCS_HMAC_SECRET for gs://.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import duckdb

from contracts.errors import DataError
from features.reading.columns import require_distinct
from features.reading.databases import quoted
from features.reading.dates import literal
from features.reading.raw_table import Raw

_TEXTS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".csv.zst", ".tsv.zst")
_PARQUET = (".parquet", ".pq")


def load_object(con: duckdb.DuckDBPyConnection, number: int, address: str, *, shown: str) -> Raw:
    """Make `raw_<number>` of the objects that an address or a pattern names.

    Raises DataError where the extension is missing or the objects cannot be read.
    """
    path = urlsplit(address).path.casefold()
    if not path.endswith(_PARQUET + _TEXTS):
        raise DataError(f"{shown}: only Parquet and text can be read from here. Name a .parquet or .csv.")
    _load_extension(con, shown)
    try:
        _give_credentials(con, address)
        return load_from(con, number, address, parquet=path.endswith(_PARQUET), shown=shown)
    except duckdb.Error as error:
        raise DataError(f"{shown}: this cannot be read ({_reason(error, address)}).") from None


def load_from(con: duckdb.DuckDBPyConnection, number: int, address: str, *, parquet: bool, shown: str) -> Raw:
    """Make `raw_<number>` of anything that DuckDB reads under this address: a view of Parquet, a copy of text."""
    read = f"read_parquet({literal(address)}, hive_partitioning = true, hive_types_autocast = false)"
    if not parquet:
        read = f"read_csv({literal(address)}, all_varchar = true, header = true, null_padding = false)"
    described = con.execute(f"SELECT * FROM {read} LIMIT 0").description or []
    columns, types = tuple(entry[0] for entry in described), tuple(str(entry[1]) for entry in described)
    require_distinct(columns, where=shown)
    fields = "".join(f", {quoted(column)} AS c{i}" for i, column in enumerate(columns))
    row = "file_index::BIGINT * 1000000000000 + file_row_number + 1" if parquet else "row_number() OVER ()"
    made = "VIEW" if parquet else "TABLE"
    con.execute(
        f"CREATE OR REPLACE TEMP {made} raw_{number} AS SELECT {row} AS source_row{fields} FROM {read}"
    )
    return Raw(columns=columns, types=types)


def _load_extension(con: duckdb.DuckDBPyConnection, shown: str) -> None:
    con.execute("SET autoinstall_known_extensions = false")
    found = con.execute(
        "SELECT installed, loaded FROM duckdb_extensions() WHERE extension_name = 'httpfs'"
    ).fetchall()
    if not any(installed or loaded for installed, loaded in found):
        raise DataError(
            f"{shown}: addresses like this need DuckDB's extension httpfs, which is not installed here and is not "
            "fetched unasked. Install it once with DuckDB (INSTALL httpfs), or copy the files here."
        )
    con.execute("LOAD httpfs")


def _give_credentials(con: duckdb.DuckDBPyConnection, address: str) -> None:
    scheme = urlsplit(address).scheme
    given = {}
    if scheme == "s3":
        names = {
            "KEY_ID": "AWS_ACCESS_KEY_ID",
            "SECRET": "AWS_SECRET_ACCESS_KEY",
            "SESSION_TOKEN": "AWS_SESSION_TOKEN",
        }
        given = {setting: os.environ[name] for setting, name in names.items() if os.environ.get(name)}
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        given |= {"REGION": region} if region else {}
        given |= _endpoint(os.environ.get("AWS_ENDPOINT_URL", ""))
    elif scheme in ("gs", "gcs"):
        names = {"KEY_ID": "GCS_HMAC_KEY", "SECRET": "GCS_HMAC_SECRET"}
        given = {setting: os.environ[name] for setting, name in names.items() if os.environ.get(name)}
    if given:
        settings = ", ".join(f"{name} {literal(value)}" for name, value in given.items())
        kind = "s3" if scheme == "s3" else "gcs"
        con.execute(f"CREATE OR REPLACE TEMPORARY SECRET repurchase_{kind} (TYPE {kind}, {settings})")


def _endpoint(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if not parts.netloc:
        return {}
    return {"ENDPOINT": parts.netloc, "URL_STYLE": "path", "USE_SSL": str(parts.scheme == "https").lower()}


def _reason(error: duckdb.Error, address: str) -> str:
    """Return the first line of DuckDB's message, without what follows a question mark in the address."""
    return str(error).splitlines()[0].replace(address, address.partition("?")[0])
