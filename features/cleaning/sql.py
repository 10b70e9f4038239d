"""One in-memory database for the whole process: opening one takes 10 ms, a cursor none.

Each cursor has registered tables of its own, and threads may use theirs at the same time.
"""

from __future__ import annotations

from functools import cache

import duckdb


def cursor() -> duckdb.DuckDBPyConnection:
    """Return a cursor; close it after use."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
