"""`scratch lint`, as a person, a script or an editor sees it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.advice.lint.conftest import Lint, cache_home, lint, project, write
from tests.helpers_processes import Finished, Scratch, Terminal

__all__ = ["cache_home", "lint", "project", "write"]

Write = Callable[..., Path]
SUMMARY = "no mistakes (1 file looked at)\n"


@pytest.fixture
def bad(write: Write) -> Path:
    return write("src/a.py", "x = tempfile.mktemp()\ny = open(x)\n")


LINES = "src/a.py:1:5: SCR301 a name, and no file: use NamedTemporaryFile\nsrc/a.py:2:5: SCR401 no newline\n"


# Finding


def test_nothing_to_say(lint: Lint, write: Write) -> None:
    write("a.py", "x = 1\n")
    assert lint() == Finished(0, "", SUMMARY)
    assert lint("--json") == Finished(0, "[]\n", "")


@pytest.mark.usefixtures("bad")
def test_one_line_a_mistake(lint: Lint) -> None:
    done = lint()
    assert done == Finished(1, LINES, "2 mistakes in 1 file; --fix can mend 1 (1 file looked at)\n")
    assert lint() == done, "from the cache"
    assert lint("--no-cache") == done
    assert lint("--exit-zero").status == 0


def test_the_cache_is_where_it_belongs(lint: Lint, bad: Path, cache_home: Path) -> None:
    lint("--no-cache")
    assert not cache_home.exists()
    lint()
    assert [path.suffix for path in (cache_home / "scratchwork" / "lint").iterdir()] == [".json"]
    assert sorted(path.name for path in bad.parents[1].iterdir()) == ["src"]


def test_what_can_not_be_read_hides_nothing(lint: Lint, bad: Path, write: Write) -> None:
    write("b.py", "def (\n")
    write("c.py", b"\n\n\xff")
    done = lint()
    assert done.status == 1
    assert done.out.startswith("b.py:1:5: SCR001 can't be parsed: ")
    assert "c.py:3:1: SCR001 can't be decoded as utf-8" in done.out
    assert done.out.endswith(LINES)


def test_the_real_rules(scratch: Scratch, write: Write, project: Path) -> None:
    write("b.py", "def (\n")
    done = scratch("lint", cwd=project)
    assert (done.status, done.out[:17]) == (1, "b.py:1:5: SCR001 ")
    assert "SCR001" in scratch("lint", "--rules").out


@pytest.mark.usefixtures("bad")
def test_choosing(lint: Lint, write: Write) -> None:
    first, second = LINES.splitlines()
    assert lint.lines("--select", "SCR3,SCR6") == [first]
    assert lint.lines("--ignore", "scr301") == [second]
    assert lint.lines("--exclude", "src") == []
    assert lint.lines("--exclude", "src", "src/a.py") == [first, second]
    assert lint.lines("--exclude", "src", "--force-exclude", "src/a.py") == []
    write("pyproject.toml", '[tool.scratchwork.lint]\nper-file-ignores = {"src/*" = ["SCR4"]}\n')
    assert lint.lines() == [first]
    write("src/a.py", "x = tempfile.mktemp()  # noqa: SCR301\n")
    assert lint.lines() == []


@pytest.mark.usefixtures("bad")
@pytest.mark.parametrize("arguments", [(), ("--json",), ("--diff",)])
def test_where_nobody_takes_the_report(lint: Lint, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = lint(*arguments, stdout=full)
    assert done.status == 5
    assert done.err.startswith("scratch: No space left on device")
    assert done.err.count("\n") == 1


# What is wrong with a command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.py",), "Path 'nowhere.py' does not exist"),
        (("--explain", "SCR9"), "There is no rule 'SCR9'; --rules lists them."),
        (("--select", "E5"), "the command line: '--select' names 'E5'"),
        (("--diff", "--json"), "--diff is a format of its own."),
        (("--stdin-filename", "a.py"), "--stdin-filename is for the path '-'."),
        (("-", "."), "'-' stands alone."),
    ],
)
def test_a_wrong_command_is_one_line(lint: Lint, arguments: tuple[str, ...], message: str) -> None:
    done = lint(*arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("scratch: ")
    assert done.err.count("\n") == 1


def test_wrong_settings_are_one_line(lint: Lint, write: Write) -> None:
    path = write("pyproject.toml", "[tool.scratchwork.lint]\nselct = []\n")
    why = "[tool.scratchwork.lint] has no key 'selct'; did you mean 'select'?"
    assert lint() == Finished(2, "", f"scratch: {path}: {why}\n")


def test_without_libcst_it_still_finds(lint: Lint, bad: Path, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "libcst.py").write_text("raise ModuleNotFoundError('no', name='libcst')\n")
    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "without"), lint.environment["PYTHONPATH"]])}
    assert lint(env=env).out == LINES
    done = lint("--fix", env=env)
    assert done.status == 2
    assert done.err.startswith("scratch: Mending needs libcst: pip install 'scratchwork[lint]'.")
    assert bad.read_text().endswith("open(x)\n")


# Mending


def test_fix(lint: Lint, bad: Path) -> None:
    bad.chmod(0o640)
    done = lint("--fix")
    assert done.out == LINES.splitlines(keepends=True)[0]
    assert done.err == "mended 1 mistake; 1 mistake left in 1 file (1 file looked at)\n"
    assert done.status == 1
    assert bad.read_text() == 'x = tempfile.mktemp()\ny = open(x, newline="")\n'
    assert bad.stat().st_mode & 0o777 == 0o640
    assert os.listdir(bad.parent) == ["a.py"]


def test_fix_of_everything_is_a_success(lint: Lint, write: Write) -> None:
    path = write("a.py", "open(open(x), delete=1)\nfile = 1\nrun()\n")
    done = lint("--fix", "--extend-select", "SCR601")
    assert done == Finished(0, "", "mended 4 mistakes; no mistakes left (1 file looked at)\n")
    assert path.read_text() == 'open(open(x, newline=""), newline="")\nfile = 1\nfile.flush()\nrun()\n'


def test_fix_mends_only_what_is_wanted(lint: Lint, write: Write) -> None:
    text = "open(x)  # noqa: SCR401\nopen(y, newline='', delete=1)\n"
    path = write("a.py", text)
    assert lint("--fix", "--ignore", "SCR5").status == 0
    assert path.read_text() == text


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfx = '\xc3\xa9'\r\nopen(x)\r\n",
        b"# coding: latin-1\nx = '\xe9'\nopen(x)",
        b"x = 1\ropen(x)\r",
        b"if x:\n\topen(x)   \n        \n  # odd\n\x0c\r\n",
    ],
)
def test_fix_changes_nothing_else(lint: Lint, write: Write, data: bytes) -> None:
    path = write("a.py", data)
    assert lint("--fix").status == 0
    assert path.read_bytes() == data.replace(b"open(x)", b'open(x, newline="")')


def test_fix_goes_through_a_symlink(lint: Lint, write: Write, project: Path) -> None:
    path = write("real", "open(x)\n")
    (project / "a.py").symlink_to("real")
    assert lint("--fix").status == 0
    assert (project / "a.py").is_symlink()
    assert path.read_text() == 'open(x, newline="")\n'


def test_fix_leaves_a_read_only_file(lint: Lint, project: Path, tmpfs: Callable[[Path, str], Path]) -> None:
    place = tmpfs(project / "place", "size=1m")
    (place / "a.py").write_text("open(x)\n")
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    done = lint("--fix", cwd=place)
    assert done.status == 1
    assert done.err.startswith("scratch: not mended: a.py: it is read-only\n")


def test_diff_changes_nothing(lint: Lint, bad: Path, scratch: Scratch) -> None:
    before = bad.read_bytes()
    done = lint("--diff")
    assert done.status == 1
    assert done.err == "would mend 1 mistake of 2\n"
    assert bad.read_bytes() == before
    patch = scratch.start_program(["patch", "-p0"], cwd=lint.project)
    out, _ = patch.process.communicate(done.out.encode(), timeout=30)
    assert patch.process.returncode == 0, out
    assert bad.read_text() == 'x = tempfile.mktemp()\ny = open(x, newline="")\n'


def test_a_diff_of_a_last_line_without_an_end(lint: Lint, write: Write) -> None:
    write("a.py", "open(x)")
    assert lint("--diff").out == (
        "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-open(x)\n\\ No newline at end of file\n"
        '+open(x, newline="")\n\\ No newline at end of file\n'
    )


# Editors


def test_stdin(lint: Lint, write: Write) -> None:
    assert lint.given(b"open(x)\n").out == "<stdin>:1:1: SCR401 no newline\n"
    write("pyproject.toml", '[tool.scratchwork.lint]\nper-file-ignores = {"t/*" = ["SCR4"]}\n')
    assert lint.given(b"open(x)\n", "--stdin-filename", "t/a.py") == Finished(0, "", SUMMARY)
    assert lint.given(b"open(x)\n", "--stdin-filename", "a.py", "--json").json()[0]["path"] == "a.py"


def test_stdin_mended(lint: Lint) -> None:
    source = "tempfile.mktemp('é')\r\nopen(x)\r\n"
    done = lint.given(source.encode(), "--fix")
    assert done.out == source.replace("(x)", '(x, newline="")')
    assert done.err == "<stdin>:1:1: SCR301 a name, and no file: use NamedTemporaryFile\n"
    assert done.status == 1
    assert lint.given(b"open(x)\n", "--fix") == Finished(0, 'open(x, newline="")\n', "")
    assert lint.given(b"def (\n", "--fix").out == "def (\n"
    assert '+open(x, newline="")\n' in lint.given(b"open(x)\n", "--diff").out


# Reports


@pytest.mark.usefixtures("bad")
def test_json_says_it_all(lint: Lint, project: Path) -> None:
    done = lint("--format", "json", "--output", "report.json")
    assert (done.status, done.out) == (1, "")
    first, second = json.loads((project / "report.json").read_text())
    assert first == {
        "path": "src/a.py",
        "code": "SCR301",
        "name": "guessable-name",
        "message": "a name, and no file: use NamedTemporaryFile",
        "line": 1,
        "column": 5,
        "end_line": 1,
        "end_column": 22,
        "fixable": False,
    }
    assert second["fixable"]


@pytest.mark.usefixtures("bad")
@pytest.mark.parametrize(
    ("form", "begin", "end"),
    [
        ("text", "src/a.py:1:5: SCR301 a name", "SCR401 no newline\n"),
        ("github", "::warning file=src/a.py,line=1,endLine=1,col=5,", "::SCR401 no newline\n"),
        ("sarif", '{\n  "$schema": ', "}\n"),
    ],
)
def test_each_format_in_a_file(lint: Lint, project: Path, form: str, begin: str, end: str) -> None:
    done = lint("--format", form, "--output", "report", "src")
    assert (done.status, done.out) == (1, "")
    text = (project / "report").read_text()
    assert text.startswith(begin)
    assert text.endswith(end)


@pytest.mark.usefixtures("bad")
def test_colours_on_a_terminal_only(lint: Lint, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal("sh", "-c", 'cd "$0" && "$@"', str(lint.project), *lint.command(), env=_path_of(lint))
    shown = terminal.rest()
    assert "\x1b[1msrc/a.py:1:5:\x1b[0m \x1b[31mSCR301\x1b[0m a name" in shown
    plain = on_terminal(
        "sh", "-c", 'cd "$0" && "$@"', str(lint.project), *lint.command(), env={**_path_of(lint), "NO_COLOR": "1"}
    )
    assert "\x1b[31m" not in plain.rest()


def _path_of(lint: Lint) -> dict[str, str]:
    return {name: lint.environment[name] for name in ("PYTHONPATH", "XDG_CACHE_HOME")}


# Rules


def test_explain(lint: Lint) -> None:
    done = lint("--explain", "scr301", env={"COLUMNS": "40"})
    assert done.out == (
        "SCR301 (guessable-name)\n\nA name without a file.\n\nBetween the name and the file anybody\nmay make one.\n"
    )
    assert lint("--explain", "SCR601").out.startswith("SCR601 (unflushed); off by default; --fix can mend some of it\n")
    assert lint("--explain", "SCR301", "--json").json()["summary"] == "a name without a file"


def test_the_table_of_rules(lint: Lint) -> None:
    rows = lint.lines("--rules")
    assert rows[0].split() == ["CODE", "NAME", "ON", "FIX", "WHAT", "IT", "FINDS"]
    assert [row.split()[0] for row in rows[1:]] == ["SCR001", "SCR301", "SCR401", "SCR501", "SCR601"]
    assert [row["by_default"] for row in lint("--rules", "--json").json()] == [True, True, True, True, False]
