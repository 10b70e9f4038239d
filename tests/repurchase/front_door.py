"""The command line as its users have it, in a folder of its own: `run` as a process, `here` (quicker) in this one."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from rich.console import Console

from repurchase import cli, show
from tests import worlds


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines of standard error that are messages, not progress."""
        return [line for line in self.err.splitlines() if line.strip() and not line.startswith("… ")]


def command(*words: str | Path) -> list[str]:
    """Return the words that start the command line."""
    return [sys.executable, "-m", "repurchase.cli", *map(str, words)]


def environment(folder: Path) -> dict[str, str]:
    """Return an environment whose home and temporary folder lie in `folder`, wide enough for whole lines."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("REPURCHASE_", "MLFLOW_"))
    }
    own = {name: folder / name.lower() for name in ("HOME", "TMPDIR")}
    for path in own.values():
        path.mkdir(exist_ok=True)
    fonts = {"XDG_CACHE_HOME": str(Path.home() / ".cache")}  # matplotlib would list all fonts anew
    return {**kept, **fonts, **{name: str(path) for name, path in own.items()}, "COLUMNS": "200"}


def run(folder: Path, *words: str | Path, settings: Mapping[str, str] | None = None) -> Ended:
    """Run one command in `folder` to its end."""
    done = subprocess.run(
        command(*words), cwd=folder, env={**environment(folder), **(settings or {})},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def here(folder: Path, *words: str | Path, settings: Mapping[str, str] | None = None) -> Ended:
    """Run one command in `folder` to its end, by the same `main` as the process has."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    given = {**environment(folder), **(settings or {})}
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(show, "err", Console(file=err, soft_wrap=True)),
        mock.patch.dict(os.environ, given, clear=True),
        mock.patch.object(sys, "argv", ["repurchase", *map(str, words)]),
    ):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(code, out.getvalue(), err.getvalue())


GOOD = """customer_id,order_id,ordered_at,amount
a,1,2021-01-01,5
a,2,2021-02-01,6
b,3,2021-01-05,7
b,4,2021-03-01,8
"""


def orders_csv(folder: Path, text: str = GOOD) -> Path:
    """Write orders.csv: the text given, or four good orders of two customers."""
    path = folder / "orders.csv"
    path.write_text(text)
    return path


def bundle(folder: Path) -> Path:
    """Copy the trained bundle of the generated shop into `folder`."""
    return shutil.copytree(worlds.trained().folder, folder / "model")
