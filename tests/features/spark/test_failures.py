"""What Spark reports becomes one sentence for whoever must act."""

from __future__ import annotations

import pytest

from contracts.errors import ArtifactError, DataError, RepurchaseError
from features.spark.failures import error_of

WORKER = """An error occurred while calling o99.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure: Traceback (most recent call last):
  File "worker.py", line 1, in main
contracts.errors.DataError: orders: 3 rows are broken.

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
"""


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (WORKER, DataError, "orders: 3 rows are broken."),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `a` cannot be found. SQLSTATE: 42P01; line 1",
            DataError,
            "orders: Spark cannot read this (The table or view `a` cannot be found). Give a Parquet folder, a table "
            "of the catalogue or a temporary view.",
        ),
        (
            "[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):\n"
            '  File "a.py", line 1, in b\nTypeError: no number\n SQLSTATE: 38000\n\tat org.apache.X(X.scala:1)',
            ArtifactError,
            "orders: Spark could not do this (TypeError: no number). Its own log says more.",
        ),
        (
            "An exception was thrown from the Python worker:\nTraceback (most recent call last):\n"
            '  File "a.py", line 1, in <module>\n    import duckdb\nModuleNotFoundError: No module named duckdb',
            ArtifactError,
            "orders: a worker lacks a package (ModuleNotFoundError: No module named duckdb). Give the workers a Python "
            "that has it (PYSPARK_PYTHON), and this project (--py-files).",
        ),
        (
            "All masters are unresponsive! Giving up.\n\tat org.apache.spark.X(X.scala:1)",
            ArtifactError,
            "orders: Spark could not do this (All masters are unresponsive! Giving up). Its own log says more.",
        ),
    ],
)
def test_a_report_becomes_one_sentence(said: str, kind: type[RepurchaseError], message: str) -> None:
    error = error_of("orders", said)
    assert type(error) is kind
    assert str(error) == message
