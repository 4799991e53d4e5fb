"""`scratch sweep --unleased`: asked, told, and refused. What goes and what is spared is in roots/test_unleased.py."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers_processes import Scratch, Terminal, until


@pytest.fixture
def junk(tmp_path: Path) -> Path:
    """A folder with a tree in it that is more than a second old, and one that is open."""
    folder = tmp_path / "junk"
    (folder / "pip-a").mkdir(parents=True)
    (folder / "pip-a" / "file").write_bytes(bytes(5000))
    (folder / "pip-open").touch()
    made = os.stat(folder / "pip-open").st_ctime
    (tmp_path / "clock").touch()

    def is_old() -> bool:
        os.utime(tmp_path / "clock")  # the file system's clock, which ticks less often than ours
        return os.stat(tmp_path / "clock").st_ctime > made + 1.1

    until(is_old, "a second")
    return folder


OLD = ("--match", "pip-*", "--older-than", "1s")


def test_without_a_terminal_it_only_says_what_would_go(scratch: Scratch, junk: Path) -> None:
    with (junk / "pip-open").open():
        done = scratch("sweep", "--unleased", str(junk), *OLD)
    assert done.status == 0
    first, second, last = done.out.splitlines()
    assert first.startswith(f"would remove {junk}/pip-a (")
    assert first.endswith(", 1 file, 1s old)")
    assert second.startswith(f"spared {junk}/pip-open: it is open by {os.getpid()} (")
    assert last.startswith("would remove 1 (1 file, ")
    assert last.endswith("); spared: 1")
    assert done.err == "scratch: nothing was removed; --yes does it\n"
    assert sorted(os.listdir(junk)) == ["pip-a", "pip-open"]


def test_a_dry_run(scratch: Scratch, junk: Path) -> None:
    done = scratch("sweep", "--unleased", str(junk), *OLD, "--dry-run")
    assert (done.status, done.err) == (0, "")
    assert len(os.listdir(junk)) == 2


def test_yes(scratch: Scratch, junk: Path) -> None:
    done = scratch("sweep", "--unleased", str(junk), *OLD, "--yes")
    assert (done.status, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == ["removed", "removed", "removed"]
    assert os.listdir(junk) == []


def test_json(scratch: Scratch, junk: Path) -> None:
    with (junk / "pip-open").open():
        told = scratch("sweep", "--unleased", str(junk), *OLD, "--json").json()
    assert told["dry_run"] is True
    [would] = told["junk"]
    assert (would["path"], would["files"]) == (f"{junk}/pip-a", 1)
    assert would["bytes"] >= 5000
    assert [one["path"] for one in told["spared"]] == [f"{junk}/pip-open"]
    assert told["failed"] == []
    assert len(os.listdir(junk)) == 2
    assert scratch("sweep", "--unleased", str(junk), *OLD, "--json", "--yes").json()["dry_run"] is False
    assert os.listdir(junk) == []


def test_by_default_twelve_hours(scratch: Scratch, junk: Path) -> None:
    done = scratch("sweep", "--unleased", str(junk), "--match", "pip-*", "--yes")
    assert "not old enough" in done.out
    assert len(os.listdir(junk)) == 2


@pytest.mark.parametrize(("answer", "left"), [(b"y\n", 0), (b"n\n", 2), (b"\n", 2)])
def test_on_a_terminal_it_asks(
    scratch: Scratch, junk: Path, on_terminal: Callable[..., Terminal], answer: bytes, left: int
) -> None:
    terminal = on_terminal(*scratch.command("sweep", "--unleased", str(junk), *OLD))
    terminal.read_until(r"would remove 2 \(.*\); spared: 0\n")
    terminal.read_until(r"Remove it\? \[y/N\]: ")
    terminal.press(answer)
    assert terminal.report() == "ended 0"
    assert len(os.listdir(junk)) == left
    assert ("removed 2 (" in terminal.rest()) == (left == 0)


def test_on_a_terminal_no_answer_is_no(scratch: Scratch, junk: Path, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(*scratch.command("sweep", "--unleased", str(junk), *OLD))
    terminal.read_until(r"\[y/N\]: ")
    terminal.press(b"\x04")
    assert terminal.report() == "ended 130"
    assert len(os.listdir(junk)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Name what is to go"),
        (("--match", ""), "an empty pattern matches nothing"),
        (("--match", "a*", "--match", ""), "an empty pattern matches nothing"),
        (("--match", "*"), "'*' matches anything"),
        (("--match", "../x*"), "leads elsewhere"),
        (("--match", "a*", "--older-than", "2 parsecs"), "is not a time span"),
        (("--match", "a*", "--older-than", "-1h"), "is negative"),
        (("--match", "a*", "--app", "x"), "--app, --dir and --seconds are not for --unleased"),
        (("--match", "a*", "--yes", "--dry-run"), "Either --dry-run or --yes"),
    ],
)
def test_a_wrong_command_line(scratch: Scratch, junk: Path, options: tuple[str, ...], message: str) -> None:
    done = scratch("sweep", "--unleased", str(junk), *options)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("option", [("--match", "a*"), ("--older-than", "1h"), ("--yes",)])
def test_what_belongs_to_unleased(scratch: Scratch, option: tuple[str, ...]) -> None:
    done = scratch("sweep", *option)
    assert done.status == 2
    assert "belong to --unleased DIR" in done.err


def test_the_help_has_its_examples_one_a_line(scratch: Scratch) -> None:
    lines = [line.strip() for line in scratch("sweep", "--help").out.splitlines()]
    assert "scratch sweep --dry-run" in lines
    assert "scratch sweep --unleased /tmp --match 'pip-build-env-*' --older-than 12h" in lines


def test_a_folder_that_is_none(scratch: Scratch, tmp_path: Path) -> None:
    assert scratch("sweep", "--unleased", str(tmp_path / "none"), *OLD).status == 3
    (tmp_path / "link").symlink_to(tmp_path)
    done = scratch("sweep", "--unleased", str(tmp_path / "link"), *OLD)
    assert done.status == 10
    assert f"it is a symlink; say '{tmp_path}'" in done.err
    root = scratch.temp / f"scratch-{os.geteuid()}-default"
    scratch.kept()
    done = scratch("sweep", "--unleased", str(root), *OLD)
    assert done.status == 2
    assert "is a root of scratchwork" in done.err


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("chattr") is None, reason="needs root and chattr")
def test_what_can_not_be_removed_is_named(scratch: Scratch, junk: Path) -> None:
    done = subprocess.run(["chattr", "+i", str(junk / "pip-a" / "file")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no immutable files here: {done.stderr}")
    os.utime(junk / "pip-a")
    try:
        swept = scratch("sweep", "--unleased", str(junk), "--match", "pip-*", "--older-than", "0", "--yes")
    finally:
        subprocess.run(["chattr", "-i", str(junk / "pip-a" / "file")], check=True)
    assert swept.status == 1
    assert swept.err.startswith(f"scratch: could not be removed: {junk}/pip-a: file: ")
    assert swept.err.count("\n") == 1
    assert os.listdir(junk) == ["pip-a"]
