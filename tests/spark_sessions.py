"""Spark sessions for the tests: in this process, and on a standalone master and worker that they start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

_FOREVER = 90  # seconds


@pytest.fixture(scope="session")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where pyspark is; the environment that Spark's programs are started in. Workers have no pandas."""
    if find_spec("pyspark") is None:
        if os.environ.get("REPURCHASE_TEST_SPARK") == "1":
            pytest.fail("REPURCHASE_TEST_SPARK=1, but the package pyspark is not installed")
        pytest.skip("the package pyspark is not installed")
    from features.spark.java import java_home

    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        home = stack.enter_context(java_home(os.environ))
        if home is not None:
            patch.setenv("JAVA_HOME", home)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        bare = tmp_path_factory.mktemp("bare")
        (bare / "pandas.py").write_text("raise ImportError('a worker needs no pandas')\n")
        own = {"PYTHONPATH": bare, "TMPDIR": tmp_path_factory.mktemp("workers")}
        settings = " ".join(f"--conf spark.executorEnv.{name}={path}" for name, path in own.items())
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{settings} pyspark-shell")
        patch.chdir(tmp_path_factory.mktemp("spark"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyspark's own, about the version of pandas
            yield Path(import_module("pyspark").__file__ or "").parent


@pytest.fixture(scope="module", params=["local", "cluster"])
def any_spark(
    request: pytest.FixtureRequest, spark_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A session on two threads, then one on a real master and worker."""
    if request.param == "local":
        with session("local[2]") as found:
            yield found
        return
    with cluster(spark_home, tmp_path_factory.mktemp("cluster")) as master, session(master) as found:
        yield found


@pytest.fixture(scope="module")
def spark(spark_home: Path) -> Iterator[Any]:
    """A session on two threads."""
    with session("local[2]") as found:
        yield found


@contextmanager
def session(master: str) -> Iterator[Any]:
    """Start a session as the engine does, and stop it; few shuffle partitions, since the tests are small."""
    from features.spark.session import opened_session

    with opened_session(master) as found:
        found.conf.set("spark.sql.shuffle.partitions", "2")
        yield found


@contextmanager
def cluster(spark_home: Path, folder: Path) -> Iterator[str]:
    """Start a standalone master and a worker on loopback; give the master's URL."""
    with ExitStack() as stack:
        free = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        log = stack.enter_context(_running(spark_home, "master.Master", *free, log=folder / "master.log"))
        master = _said(log, r"Starting Spark master at (spark://\S+)")
        room = ("--cores", "2", "--memory", "2g", "--work-dir", str(folder / "work"))
        log = stack.enter_context(
            _running(spark_home, "worker.Worker", *free, *room, master, log=folder / "worker.log")
        )
        _said(log, r"(Successfully registered with master)")
        yield master


@contextmanager
def _running(spark_home: Path, name: str, *arguments: str, log: Path) -> Iterator[Path]:
    command = [str(spark_home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    environment = {**os.environ, "SPARK_HOME": str(spark_home)}
    with (
        log.open("w") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=environment) as process,
    ):
        try:
            yield log
        finally:
            process.terminate()
            process.wait(_FOREVER)


def _said(log: Path, pattern: str) -> str:
    """Wait until a log says something, and return it."""
    end = time.monotonic() + _FOREVER
    while time.monotonic() < end:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    pytest.fail(f"{log.name} never said '{pattern}':\n{log.read_text(errors='replace')[-2000:]}")
