"""What Spark reports, said as one error of ours: whoever must act reads one sentence, not a stack of Java."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from contracts.errors import ArtifactError, ContractError, DataError, DeclarationError, RepurchaseError

_OURS = {one.__name__: one for one in (ArtifactError, ContractError, DataError, DeclarationError)}
_RAISED = re.compile(r"contracts\.errors\.(\w+): (.+)")
# The line below a traceback of Python's.
_THROWN = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)$", re.MULTILINE)
# Conditions of Spark's that the data owner can mend, and what to do.
_DATA = {
    "PATH_NOT_FOUND": "Check the path, and that every worker can read it.",
    "TABLE_OR_VIEW_NOT_FOUND": "Give a Parquet folder, a table of the catalogue or a temporary view.",
    "COLUMN_ALREADY_EXISTS": "Rename one of the columns.",
    "UNABLE_TO_INFER_SCHEMA": "Give a folder that holds Parquet files.",
    "CANNOT_READ_FILE": "Export it again.",
    "CANNOT_MERGE": "Export the files of one table with the same columns and types.",
    "PARQUET_TYPE_ILLEGAL": "Times must be written in microseconds; export it again.",
    "PARSE_SYNTAX_ERROR": "Give a Parquet folder, or a table by its name.",
    "DATA_SOURCE_NOT_FOUND": "Give the session the package that reads it (spark.jars.packages).",
}
_MOST = 300


@contextmanager
def spoken(where: str) -> Iterator[None]:
    """Turn what Spark raises into DataError, or ArtifactError where the operator must act.

    where: what the sentence is about. An error of ours that a worker raised comes out as it is.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise error_of(where, str(error)) from None


def error_of(where: str, text: str) -> RepurchaseError:
    """Return the error that a report of Spark's stands for."""
    ours = _RAISED.search(text)
    if ours is not None and ours[1] in _OURS:
        return _OURS[ours[1]](ours[2].strip())
    thrown = _THROWN.findall(text.replace("worker: Traceback", "worker:\nTraceback"))
    said = thrown[-1].strip() if thrown else _sentence(text)
    if said.startswith("ModuleNotFoundError"):
        return ArtifactError(
            f"{where}: a worker lacks a package ({said}). Give the workers a Python that has it (PYSPARK_PYTHON), and "
            "this project (--py-files)."
        )
    for condition, advice in _DATA.items():
        if condition in text:
            return DataError(f"{where}: Spark cannot read this ({said}). {advice}")
    return ArtifactError(f"{where}: Spark could not do this ({said}). Its own log says more.")


def _sentence(text: str) -> str:
    """Return the first sentence that says what happened, without the condition's name and the state."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if re.search(r"\[[A-Z][A-Z0-9_.]+\]", line)]
    line = (marked or lines or ["no reason given"])[0]
    line = re.sub(r"^.*?\[[A-Z][A-Z0-9_.]+\]\s*", "", line)
    line = re.sub(r"\s*SQLSTATE: \w+.*$", "", line)
    return line.rstrip(".;: ")[:_MOST]
