"""What is found of what tests leave, and what is said of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.plugin.suites import Session, Suite

APP = """\
import os, tempfile

def export(size):
    folder = tempfile.mkdtemp(prefix="export-")
    for number in range(3):
        with open(os.path.join(folder, f"part{number}"), "wb") as file:
            file.write(b"x" * size)
"""
TESTS = """\
import contextlib, gc, os, subprocess, sys, tempfile
import pytest
import app, scratchwork

held = []

def test_directory():
    app.export(100_000)

@pytest.mark.parametrize("number", range(3))
def test_many(number):
    app.export(2000)

def test_descriptor():
    descriptor, path = tempfile.mkstemp(prefix="gone-")
    os.write(descriptor, b"x" * 50_000)
    os.unlink(path)

def test_nameless():
    held.append(tempfile.TemporaryFile())

def test_two_nameless():
    held.append(tempfile.TemporaryFile())
    with tempfile.TemporaryFile():
        pass

def test_still_open():
    held.append(open(os.path.join(tempfile.gettempdir(), "still-open"), "w"))

def test_child():
    subprocess.run([sys.executable, "-c", "import tempfile; tempfile.mkstemp(prefix='child-')"], check=True)

def test_renamed():
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    os.rename(path, os.path.join(tempfile.gettempdir(), "final"))

def test_abandoned():
    held.append(scratchwork.workspace("abandoned"))

def test_fails_too():
    app.export(10)
    assert False, "its own reason"

@pytest.fixture
def broken():
    yield
    raise ValueError("broken teardown")

def test_teardown_fails_too(broken):
    app.export(20)

def test_clean(tmp_path):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
        open(os.path.join(folder, "a"), "w").close()
        file.write(b"a")
    (tmp_path / "a").write_text("stays")

def test_uses_scratchwork():
    with scratchwork.workspace("whole"), scratchwork.handoff(b"x"):
        pass

def test_uses_a_root():
    with tempfile.TemporaryDirectory() as folder:
        held.append(scratchwork.Root("app", folder))
        held[-1].workspace("whole").cleanup()

@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_garbage():
    gc.disable()
    cycle = [tempfile.TemporaryDirectory(), open(os.path.join(tempfile.gettempdir(), "x"), "w")]
    cycle.append(cycle)
    os.unlink(cycle[1].name)
    gc.enable()

@pytest.mark.scratch_leaks_allow("export-*")
def test_allowed():
    app.export(10)

@pytest.mark.scratch_leaks_allow("other-*")
def test_allowed_another():
    app.export(10)

def test_allowed_for_all():
    tempfile.mkdtemp(prefix="cache-")
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    suite = Suite(tmp_path_factory.mktemp("leaks"))
    suite.write("app.py", APP)
    suite.write("test_leaking.py", TESTS)
    options = "scratch_leaks = error\nscratch_leaks_allow =\n    cache-*\n    numba-*\n"
    suite.write("pytest.ini", f"[pytest]\npythonpath = .\n{options}filterwarnings = error\n")
    return suite


@pytest.fixture(scope="module")
def strict(suite: Suite) -> Session:
    """A session in which leaks are errors."""
    return suite.run("--junitxml", "strict.xml")


def line(text: str) -> int:
    return TESTS[: TESTS.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("test", "what", "where"),
    [
        ("test_directory", "directory export-", f"app.py:4 in export, from test_leaking.py:{line('app.export(100')}"),
        ("test_many[1]", "directory export-", "app.py:4 in export"),
        ("test_descriptor", "open file gone-", f"test_leaking.py:{line('tempfile.mkstemp(prefix')} in test_descriptor"),
        ("test_nameless", "open file ", f"test_leaking.py:{line('tempfile.TemporaryFile()')} in test_nameless"),
        ("test_two_nameless", "open file without a name, one of 2 of which the last is told, ", "in test_two_nameless"),
        ("test_still_open", "file still-open, open as descriptor ", f"test_leaking.py:{line('still-open')} in test_st"),
        ("test_child", "file child-", "made by what Python does not tell of: "),
        ("test_renamed", "file final, ", f"test_leaking.py:{line('tempfile.mkstemp()')} in test_renamed"),
        ("test_abandoned", "directory scratch-", f"test_leaking.py:{line('scratchwork.workspace')} in test_abandoned"),
        ("test_allowed_another", "directory export-", "app.py:4 in export"),
    ],
)
def test_a_leak_is_an_error_that_says_what_and_where(strict: Session, test: str, what: str, where: str) -> None:
    report = strict.report(f"at teardown of {test}")
    assert report.startswith(f"left {what}")
    assert where in report
    assert "scratch_leaks_allow" in report


@pytest.mark.parametrize("test", ["clean", "uses_scratchwork", "uses_a_root", "garbage", "allowed", "allowed_for_all"])
def test_what_is_no_leak_is_no_error(strict: Session, test: str) -> None:
    assert f"test_{test} " not in strict.out
    assert f"test_{test}\n" not in strict.out


def test_nothing_else_is_wrong(strict: Session) -> None:
    assert strict.counts == {"failed": 1, "passed": 19, "error": 13}


def test_a_failure_is_not_hidden(strict: Session) -> None:
    assert "its own reason" in strict.report("test_fails_too")
    assert strict.report("at teardown of test_fails_too") == ""
    assert "broken teardown" in strict.report("at teardown of test_teardown_fails_too")
    for test in ("test_fails_too", "test_teardown_fails_too"):
        assert f"left by test_leaking.py::{test}\n" in strict.summary, "told of, all the same"


def test_the_summary_begins_with_the_most_bytes_and_puts_together_what_was_made_at_one_place(strict: Session) -> None:
    title, first, where, by, second, _, third, *_ = strict.summary.splitlines()
    assert title.startswith("scratch leaks: 14 things, ")
    assert "  directory export-" in first
    assert "(3 files)" in first
    assert (
        where.split() == f"made at app.py:4 in export, from test_leaking.py:{line('100_000')} in test_directory".split()
    )
    assert by.split() == ["left", "by", "test_leaking.py::test_directory"]
    if sys.platform == "linux":
        assert "  open file gone-" in second
    assert third.endswith("test_descriptor")
    assert "3 things, such as directory export-" in strict.summary
    assert "test_many[0] and 2 more" in strict.summary


def test_the_xml_tells_of_leaks(strict: Session, suite: Suite) -> None:
    (name, value), *more = suite.properties("strict.xml")["test_directory"]
    assert name == "scratch_leak"
    assert not more
    told = json.loads(value)
    assert told["bytes"] >= 300_000
    assert told["by"] == "test_leaking.py::test_directory"


def test_nothing_is_left_after_the_session(strict: Session, suite: Suite) -> None:
    assert suite.left() == []


def test_a_warning_fails_nothing_and_xdist_tells_the_same(strict: Session, suite: Suite) -> None:
    lenient = suite.run("--scratch-leaks=warn", "-n2")
    assert lenient.counts == {"failed": 1, "passed": 19, "error": 1}

    def told(session: Session) -> list[str]:
        return sorted(line for line in session.summary.splitlines() if "made " in line)

    assert told(lenient) == told(strict)
    assert suite.left() == []


def test_off_looks_for_nothing(suite: Suite, tmp_path: Path) -> None:
    session = suite.run("--scratch-leaks=off", env={"TMPDIR": str(tmp_path)})
    assert session.counts == {"failed": 1, "passed": 19, "error": 1}
    assert not session.summary
    assert any(path.name.startswith("export-") for path in tmp_path.iterdir()), "where they always went"
    assert not (tmp_path / suite.root.name).exists(), "no root either"


def test_keep_temp_keeps_what_was_left(suite: Suite, tmp_path: Path) -> None:
    suite.run("-k", "test_directory", env={"TMPDIR": str(tmp_path), "KEEP_TEMP": "1"})
    assert list(tmp_path.glob("scratch-*-pytest/session-*/0/export-*/part1"))
