"""What native code prints stays out of standard output; what we print does not."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from campaigns.knapsack.silence import native_output_dropped

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX standard output")


def test_only_what_is_printed_inside_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    native = ctypes.CDLL(None)
    native.puts(b"before")
    with native_output_dropped():
        native.puts(b"inside")
    native.puts(b"after")
    native.fflush(None)
    assert capfd.readouterr().out.split() == ["before", "after"]


def test_an_error_inside_gives_standard_output_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), native_output_dropped():
        raise ValueError("inside")
    print("after")  # noqa: T201
    assert capfd.readouterr().out == "after\n"


def test_a_process_without_standard_output_works_as_well() -> None:
    code = "from campaigns.knapsack.silence import *\nwith native_output_dropped(): pass"
    closed = f"import os, sys; os.close(1); sys.stdout = None\n{code}"
    assert subprocess.run([sys.executable, "-c", closed], check=False).returncode == 0
