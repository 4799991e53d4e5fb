"""Small suites of tests, run by a pytest of their own with a temp folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

PATIENCE = 60.0  # seconds: a bound for what must come, never a measure of how fast
_HIDDEN = re.compile(
    r"PYTHONDONTWRITEBYTECODE|PYTEST_.*|TEMP|TMP|KEEP_TEMP|SCRATCH_WORKSPACE|COLUMNS|(NO|FORCE|PY)_?COLORS?"
)


@dataclass(frozen=True)
class Session:
    """How a session of pytest ended, and what it said."""

    status: int
    out: str

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed, ...; 'error' and not 'errors'."""
        last = next(line for line in reversed(self.out.splitlines()) if re.search(r" in [\d.]+s", line))
        return {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", last)}

    def report(self, test: str) -> str:
        """Return what is said of one test that failed, or whose setup or teardown did."""
        found = re.search(
            rf"^_+ [^\n]*\b{re.escape(test)} _+\n(.*?)(?=^[_=]{{5,}})", self.out, re.MULTILINE | re.DOTALL
        )
        return found[1] if found else ""

    @property
    def summary(self) -> str:
        """What is said of leaks at the end."""
        found = re.search(r"^=+ (scratch leaks: .*?)(?=^[=!]+ |^\d+ |^no tests)", self.out, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""


class Suite:
    """A folder with tests, and the temp folder that its sessions have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "suite"
        self.temp = folder / "t"
        self.root = self.temp / f"scratch-{os.geteuid()}-pytest"
        for made in (self.folder, self.temp):
            made.mkdir()
        self.write("pytest.ini", "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n")
        self.environment = {name: value for name, value in os.environ.items() if not _HIDDEN.fullmatch(name)}
        self.environment |= {"TMPDIR": str(self.temp), "COLUMNS": "200"}

    def write(self, name: str, text: str) -> None:
        """Write a file of the suite."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """Return how a session is started."""
        return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> Session:
        """Run a session to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Session(done.returncode, done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a session that tells on its stdout, and listens on its stdin: give it `-s`."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def workspaces(self) -> list[Path]:
        """Return the workspaces that lie in the root of all sessions."""
        return sorted(path for path in self.root.iterdir() if path.is_dir()) if self.root.is_dir() else []

    def left(self) -> list[str]:
        """Return what lies in the temp folder, but for the root itself and pytest's own."""
        paths = [path for path in self.temp.iterdir() if path != self.root and not path.name.startswith("pytest-of-")]
        return sorted(path.name for path in paths) + [path.name for path in self.workspaces()]

    def properties(self, xml: str) -> dict[str, list[tuple[str, str]]]:
        """Return the properties of each test, by its name, from the XML that a session wrote."""
        found = {}
        for case in ET.parse(self.folder / xml).iter("testcase"):
            pairs = [(one.get("name", ""), one.get("value", "")) for one in case.iter("property")]
            found[case.get("name", "")] = pairs
        return found
