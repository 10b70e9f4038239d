"""The wheel holds every package and every file in them that is read at run time.

The build takes the listed packages whole, but for what .gitignore names; so this is judged without building.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL: dict[str, Any] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
PACKAGES: list[str] = WHEEL["packages"]


def git(*words: str) -> list[str]:
    """Return the lines that git says."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_package_is_taken_whole() -> None:
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert ours == set(PACKAGES) == set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert set(WHEEL) == {"packages"} and set(PROJECT["tool"]["hatch"]["build"]) == {"targets"}


@pytest.mark.parametrize("known", ["--cached", "--others"])
def test_nothing_in_the_packages_is_ignored_but_bytecode(known: str) -> None:
    ignored = git("ls-files", known, "--ignored", "--exclude-standard", "--", *PACKAGES)
    assert [name for name in ignored if "__pycache__" not in name] == []


def test_code_reaches_out_of_the_packages_for_the_documentation_and_the_import_path_alone() -> None:
    code = {path: path.read_text() for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    found = [
        str(path.relative_to(ROOT)) for path, text in code.items() if re.search(r"__file__.*parents\[", text)
    ]
    assert sorted(found) == ["features/catalog/document.py", "models/trial.py"]


def test_the_command_of_the_wheel_exists() -> None:
    module, _, name = PROJECT["project"]["scripts"]["repurchase"].partition(":")
    assert callable(getattr(import_module(module), name))
