"""A project to lint, the command that does it by the tests' own rules, and these rules in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scratchwork.advice.lint import checking
from scratchwork.advice.lint.rules.registry import CHECKS, RULES
from tests.advice.lint.sample import ENTRY, install
from tests.helpers_processes import SOURCE, Finished, Running, Scratch

REPOSITORY = str(Path(__file__).parents[3])
Write = Callable[..., Path]


class Lint(Scratch):
    """`scratch lint` in a project, by the tests' own rules."""

    def __init__(self, temp: Path, project: Path) -> None:
        super().__init__(temp)
        self.project = project
        self.environment["PYTHONPATH"] = os.pathsep.join([SOURCE, REPOSITORY])

    def command(self, *arguments: str) -> list[str]:
        """Return how it is started."""
        return [sys.executable, "-c", ENTRY, "lint", *arguments]

    def start(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> Running:
        """Start it in the project."""
        return super().start(*arguments, env=env, **{"cwd": self.project, **options})

    def lines(self, *arguments: str) -> list[str]:
        """Return its report."""
        return self(*arguments).out.splitlines()

    def given(self, source: bytes, *arguments: str) -> Finished:
        """Run it with a source on its stdin."""
        running = self.start("-", *arguments)
        out, err = running.process.communicate(source, timeout=30)
        return Finished(running.process.returncode, out.decode(), err.decode())


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    path = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(path))
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "p"
    path.mkdir()
    return path


@pytest.fixture
def write(project: Path) -> Write:
    """Give a function that writes a file of the project, with the folders above it."""

    def write(name: str, text: str | bytes = "") -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def lint(tmp_path: Path, project: Path, cache_home: Path) -> Iterator[Lint]:
    temp = tmp_path / "lint-t"
    temp.mkdir()
    command = Lint(temp, project)
    yield command
    command.close()
    assert list(temp.iterdir()) == [], "nothing stays in the temp folder"


@pytest.fixture
def sample_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests' own rules in this process."""
    rules, checks, check = dict(RULES), dict(CHECKS), checking.check_source
    install()
    yield
    RULES.clear()
    RULES.update(rules)
    CHECKS.clear()
    CHECKS.update(checks)
    monkeypatch.setattr(checking, "check_source", check)
