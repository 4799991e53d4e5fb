"""Programs that are recorded as `scratch trace` does it, without the command around them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scratchwork.advice.tracing import running
from scratchwork.advice.tracing.reading import Group, Trace, open_record, read

_HIDDEN = {"TEMP", "TMP", "PYTHONPATH", "COVERAGE_PROCESS_CONFIG"}  # the last: what it writes would be recorded


class Traced:
    """A temp folder, and a record of what programs do in it."""

    def __init__(self, folder: Path) -> None:
        self.temp = folder / "temp"
        self.place = folder / "place"
        self.temp.mkdir()
        self.place.mkdir()
        recording = running.prepare(str(self.place))
        kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        self.environment = {**kept, **recording, "TMPDIR": str(self.temp)}
        self.environment["PYTHONPATH"] = running._INSIDE  # nothing of this process's

    def start(self, body: str, *arguments: str, python: str = sys.executable, **options: Any) -> subprocess.Popen[str]:
        """Start a program that is written in Python."""
        program = "import os, sys, tempfile\n" + textwrap.dedent(body)
        env = self.environment | options.pop("env", {})
        return subprocess.Popen([python, "-c", program, *arguments], env=env, text=True, **options)

    def run(self, body: str, *arguments: str, **options: Any) -> str:
        """Run a program to its end; return what it printed."""
        process = self.start(body, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        return out

    def read(self) -> Trace:
        with open_record(str(self.place)) as record:
            return read(str(self.place), record)

    def total(self) -> Group:
        return self.read().total()

    def by_function(self) -> dict[str, Group]:
        """Return the groups by the function that made what they tell of."""
        return {group.stack[0][2]: group for group in self.read().groups}


@pytest.fixture
def traced(temp: Path) -> Traced:
    return Traced(temp)  # a short path: programs bind sockets in it


@pytest.fixture
def pythons() -> Callable[[str], str]:
    """Give a function that finds a Python of a version, as scripts/test does."""

    def find(version: str) -> str:
        home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        for found in (f"python{version}", *sorted(map(str, home.glob(f"versions/{version}.*/bin/python")))):
            done = subprocess.run(["sh", "-c", f'"{found}" -c pass'], capture_output=True, check=False)
            if done.returncode == 0:
                return found
        pytest.skip(f"no Python {version} here")

    return find
