"""A PostgreSQL server of the tests' own, from the package pgserver."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def running() -> Iterator[tuple[Path, Any]]:
    """Yield the folder of a new server's socket and the server; skip without the package, unless it must be there."""
    if find_spec("pgserver") is None:
        if os.environ.get("REPURCHASE_TEST_POSTGRES") == "1":
            pytest.fail("REPURCHASE_TEST_POSTGRES=1, but the package pgserver is not installed")
        pytest.skip("the package pgserver is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the package's own dependencies, about the run-time folder
        pgserver: Any = import_module("pgserver")
        server = pgserver.get_server(folder, cleanup_mode="delete")
    yield folder, server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
