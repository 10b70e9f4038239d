"""A Spark session: the one that is given, or one started for a master URL and stopped at the end."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contracts.errors import ArtifactError, DeclarationError
from features.spark.failures import spoken
from features.spark.java import java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MASTER = re.compile(r"local(\[.+\])?|yarn|(spark|k8s)://.+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SETTINGS = {
    "spark.ui.enabled": "false",  # it would listen on every address
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
}
# On this machine alone: nothing of the driver is to be reached from elsewhere, and what fails is said here.
_ALONE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "FATAL",
}


@contextmanager
def opened_session(spark: SparkSession | str) -> Iterator[SparkSession]:
    """Give the session itself, or one for a master URL such as local[4] or spark://host:7077.

    The rest of its configuration comes from where Spark has it: spark-defaults.conf and PYSPARK_SUBMIT_ARGS. A session
    that is running already is used and left running. Raises ArtifactError if pyspark or Java is missing or no session
    can be had, DeclarationError for what is no master.
    """
    if not isinstance(spark, str):
        yield spark
        return
    _require_pyspark()
    _require_master(spark)
    with ExitStack() as stack:
        stack.enter_context(without_pandas_warning())
        yield _running(spark) or _started(spark, stack)


@contextmanager
def without_pandas_warning() -> Iterator[None]:
    """Keep pyspark from warning about a version of pandas, which nothing here uses."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


def _require_pyspark() -> None:
    if find_spec("pyspark") is None:
        raise ArtifactError(
            "The Spark engine needs the package pyspark. Install the extra: uv sync --extra spark."
        )


def _require_master(master: str) -> None:
    if master.startswith("sc://"):
        raise DeclarationError(
            f"{master} is a Spark Connect server, which cannot run this. Give the master itself, for example "
            "spark://host:7077."
        )
    if not _MASTER.fullmatch(master):
        raise DeclarationError(
            f"'{master}' is no Spark master. Give local[4], spark://host:7077, yarn or k8s://host:443."
        )


def _running(master: str) -> SparkSession | None:
    """Return the session that is running already; DeclarationError if it has another master."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None and session.sparkContext.master != master:
        raise DeclarationError(
            f"A Spark session with the master {session.sparkContext.master} is running; stop it to use {master}."
        )
    return session


def _started(master: str, stack: ExitStack) -> SparkSession:
    """Start a session and let it stop with the stack."""
    from pyspark.sql import SparkSession

    home = stack.enter_context(java_home(os.environ))
    if home is not None:
        stack.enter_context(_environment("JAVA_HOME", home))
    if _is_here(master):
        for name, value in (("PYSPARK_PYTHON", sys.executable), ("SPARK_LOCAL_IP", "127.0.0.1")):
            stack.enter_context(_environment(name, os.environ.get(name, value)))
    builder = SparkSession.builder.appName("repurchase").master(master)
    for name, value in {**_SETTINGS, **(_ALONE if _is_here(master) else {})}.items():
        builder = builder.config(name, value)
    with spoken(master):
        session = builder.getOrCreate()
    stack.callback(session.stop)
    return session


def _is_here(master: str) -> bool:
    return master.startswith("local") or urlsplit(master).hostname in _LOOPBACK


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable of the environment, by which alone Spark's launcher can be told, for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
