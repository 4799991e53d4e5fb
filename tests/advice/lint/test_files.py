"""Which files are looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scratchwork.advice.lint.files import NEVER_WALKED, find_files
from scratchwork.advice.lint.patterns import matches


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def found(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return list(find_files(paths or (".",), exclude))


def test_python_source_below_a_folder_in_order(write: Callable[..., Path]) -> None:
    for name in ("b.py", "a.py", "c/d.py", "c/d.txt", "c/e", "c/f.pyc"):
        write(name)
    assert found() == ["a.py", "b.py", os.path.join("c", "d.py")]
    assert found("c") == [os.path.join("c", "d.py")]


def test_what_is_named_whatever_it_is_called_and_once(write: Callable[..., Path]) -> None:
    for name in ("script", "a.py", "build/b.py"):
        write(name)
    assert found("script", "a.py", ".", "./a.py") == ["script", "a.py"]
    assert found("build/b.py", "build", exclude=("build",)) == ["build/b.py"]


@pytest.mark.parametrize("folder", NEVER_WALKED)
def test_what_others_wrote_is_left_out(write: Callable[..., Path], folder: str) -> None:
    write(f"{folder}/a.py")
    write(f"x/{folder}/a.py")
    assert found() == []
    assert found(f"x/{folder}") == [f"x/{folder}/a.py"], "it was asked for"


def test_a_virtual_environment_is_known_by_what_is_in_it(write: Callable[..., Path]) -> None:
    write(".venv-3.12/pyvenv.cfg")
    write(".venv-3.12/lib/a.py")
    assert found() == []
    assert found(".venv-3.12") == [".venv-3.12/lib/a.py"], "it was asked for"


def test_symlinks(write: Callable[..., Path], project: Path, tmp_path: Path) -> None:
    write("folder/a.py")
    (project / "round.py").symlink_to("folder")
    (project / "folder" / "up").symlink_to("..")
    (project / "linked.py").symlink_to("folder/a.py")
    (project / "broken.py").symlink_to("nowhere")
    assert found() == ["broken.py", os.path.join("folder", "a.py"), "linked.py"]


def test_exclusion(write: Callable[..., Path]) -> None:
    for name in ("a.py", "b_pb2.py", "old/c.py", "src/old/d.py", "src/e.py"):
        write(name)
    assert found(exclude=("old", "*_pb2.py")) == ["a.py", os.path.join("src", "e.py")]
    assert found(exclude=("./old/",)) == ["a.py", "b_pb2.py", "src/e.py", "src/old/d.py"], "only here"
    assert found(exclude=("src/*",)) == ["a.py", "b_pb2.py", "old/c.py"]


@pytest.mark.parametrize(
    ("pattern", "path", "is_match"),
    [
        ("tests/*", "tests/a/b.py", True),
        ("tests/*", "src/tests/a.py", False),
        ("tests", "src/tests/a.py", True),
        ("tests", "src/tests.py", False),
        ("a.py", "x/a.py", True),
        ("src/a.py", "src/a.py", True),
    ],
)
def test_patterns(project: Path, pattern: str, path: str, is_match: bool) -> None:
    assert matches(str(project / path), [pattern], str(project)) is is_match
