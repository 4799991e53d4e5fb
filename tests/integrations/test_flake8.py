"""The rules in flake8 itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from scratchwork.integrations.flake8 import Plugin
from tests.advice.lint.conftest import REPOSITORY, sample_rules
from tests.helpers_processes import SOURCE

__all__ = ["sample_rules"]

FLAKE8 = (
    "import sys; from tests.advice.lint.sample import install; install(); from flake8.main.cli import main; "
    "sys.exit(main())"
)


def flake8(folder: Path, *arguments: str, program: str = FLAKE8) -> list[str]:
    """Return what it prints of the files in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", program, "--isolated", "--jobs", "1", *arguments, "."],
        cwd=folder,
        env={"PYTHONPATH": f"{SOURCE}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "p"
    path.mkdir()
    source = "import tempfile\n\nx = 'é', tempfile.mktemp()\ny = tempfile.mktemp()  # noqa: SCR301\nprint()\nrun()\n"
    (path / "a.py").write_bytes(b"\xef\xbb\xbf" + source.replace("\n", "\r\n").encode())
    return path


def test_flake8_finds_and_shows_them(folder: Path) -> None:
    first = "./a.py:3:10: SCR301 a name, and no file: use NamedTemporaryFile"
    assert flake8(folder, "--select", "SCR") == [first, "./a.py:6:1: SCR601 not flushed"], "all are asked for"
    assert flake8(folder, "--extend-ignore", "F,SCR4") == [first], "what is off by default is so here"
    assert flake8(folder, "--extend-ignore", "F", "--extend-select", "SCR601")[1:] == ["./a.py:6:1: SCR601 not flushed"]
    assert flake8(folder, "--extend-ignore", "F,SCR3") == []
    assert len(flake8(folder, "--select", "SCR301", "--disable-noqa")) == 2


def test_it_is_found_without_being_asked_for() -> None:
    done = subprocess.run([sys.executable, "-m", "flake8", "--version"], capture_output=True, text=True, check=True)
    assert "scratchwork:" in done.stdout


@pytest.mark.usefixtures("sample_rules")
def test_what_is_too_deep_for_it_is_left_alone() -> None:
    assert list(Plugin(ast.parse(""), ["x = " + "-" * 100_000 + "1\n"]).run()) == []


@pytest.mark.usefixtures("sample_rules")
def test_alone() -> None:
    source = "tempfile.mktemp()\n"
    (found,) = Plugin(ast.parse(source), [source]).run()
    assert found == (1, 0, "SCR301 a name, and no file: use NamedTemporaryFile", Plugin)
