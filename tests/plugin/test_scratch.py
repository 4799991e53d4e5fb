"""The fixture `scratch`: kept where its test failed, and gone everywhere else, however the session ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scratchwork import Root
from tests.plugin.suites import PATIENCE, Session, Suite

TESTS = """
import os, pytest, tempfile

def write(scratch):
    path = scratch / "out.txt"
    path.write_text("found")
    print("scratch is", scratch)

def test_passes(scratch):
    assert os.path.isdir(scratch)
    write(scratch)

def test_skips(scratch):
    write(scratch)
    pytest.skip("for once")

@pytest.mark.xfail
def test_is_expected_to_fail(scratch):
    write(scratch)
    assert 0

def test_fails_in_call(scratch):
    write(scratch)
    pytest.fail("so be it")

@pytest.fixture
def broken_setup(scratch):
    write(scratch)
    raise ValueError

def test_fails_in_setup(broken_setup):
    pass

@pytest.fixture
def broken_teardown(scratch):
    yield
    write(scratch)
    raise ValueError

@pytest.mark.parametrize("name", ["x" * 300 + "/\\n"])
def test_fails_in_teardown(broken_teardown, name):
    pass
"""
FAILED = ("test_fails_in_call", "test_fails_in_setup", "test_fails_in_teardown")
# Says where its workspaces are, and does not end before it is told to.
WAITS = """
import os, tempfile
def test_waits(scratch):
    (scratch / "precious").write_text("x")
    with open(os.path.join(tempfile.gettempdir(), "precious"), "w"):
        pass
    print("\\nhere", scratch, tempfile.gettempdir(), flush=True)
    input()
    assert (scratch / "precious").exists()
    os.unlink(os.path.join(tempfile.gettempdir(), "precious"))
"""


@pytest.mark.parametrize("options", [(), ("-n2", "--scratch-leaks=error")])
def test_kept_if_the_test_failed_and_the_report_says_where(suite: Suite, options: tuple[str, ...]) -> None:
    suite.write("test_it.py", TESTS)
    session = suite.run("--junitxml", "it.xml", *options)
    assert session.counts == {"passed": 2, "skipped": 1, "xfailed": 1, "failed": 1, "error": 2}
    properties = suite.properties("it.xml")
    kept = set()
    for test in FAILED:
        (told,) = {value for name, pairs in properties.items() for _, value in pairs if name.startswith(test)}
        assert f"- scratch workspace -{'-' * 5}" in session.out
        assert session.out.count(f"\n{told}\n") == 1
        assert Path(told, "out.txt").read_text() == "found"
        kept.add(Path(told))
    assert set(suite.workspaces()) == kept
    assert not any(properties[name] for name in properties if not name.startswith(FAILED))
    labels = [one.label for one in Root.at(suite.root).workspaces()]
    assert "test_it.py::test_fails_in_call" in labels


def test_retention_is_set_by_options(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nscratch_keep_count = 2\nscratch_keep_for = 12h\nscratch_keep_size = 2 MB\n")
    suite.write(
        "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n, scratch): assert 0\n"
    )
    suite.run()
    suite.run("-k", "nothing")
    assert len(suite.workspaces()) == 4, "who asks for no workspace sweeps nothing"
    suite.run("-k", "0")
    assert len(suite.workspaces()) == 3, "two of before, and one"
    retention = Root.at(suite.root).retention
    assert (retention.count, retention.age, retention.bytes) == (2, 12 * 3600, 2_000_000)
    suite.write("pytest.ini", "[pytest]\nscratch_keep_size = much\n")
    assert "'much' is not a number of bytes" in suite.run().out


def test_a_test_that_runs_again_gets_another(suite: Suite) -> None:
    suite.write(
        "conftest.py",
        """
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                reports = runtestprotocol(item, nextitem=nextitem, log=False)
            for report in reports:
                item.ihook.pytest_runtest_logreport(report=report)
            return True
        """,
    )
    suite.write(
        "test_it.py", "seen = []\ndef test_it(scratch):\n    seen.append(scratch.name)\n    assert len(seen) > 1\n"
    )
    assert suite.run().counts == {"passed": 1}
    assert len(suite.workspaces()) == 1, "that of the run that failed"


def waiting(suite: Suite) -> tuple[subprocess.Popen[str], Path, Path]:
    """Start a session, and return it with its test's workspace and temp folder once it waits."""
    process = suite.start("-s", "--scratch-leaks=error", "-k", "test_waits")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("here "):
            _, workspace, temp = line.split()
            return process, Path(workspace), Path(temp)
    raise AssertionError("never came")


def finish(process: subprocess.Popen[str], text: str = "\n") -> Session:
    out, _ = process.communicate(text, timeout=PATIENCE)
    return Session(process.returncode, out)


def killed(suite: Suite) -> tuple[Path, Path]:
    """Return the two workspaces of a session that was killed in the middle."""
    process, workspace, temp = waiting(suite)
    process.kill()
    finish(process, "")
    assert process.returncode == -signal.SIGKILL
    assert (workspace / "precious").exists()
    return workspace, temp.parent


QUICK = "def test_quick(scratch): pass\n"


def test_a_killed_session_is_reclaimed_by_the_next(suite: Suite) -> None:
    suite.write("test_it.py", WAITS + QUICK)
    workspace, session = killed(suite)
    assert suite.workspaces() == sorted([workspace, session])
    assert suite.run("-k", "test_quick").counts["passed"] == 1
    assert suite.left() == []


def test_control_without_the_sweep_it_is_not(suite: Suite) -> None:
    suite.write("test_it.py", WAITS + QUICK)
    left = killed(suite)
    suite.write("conftest.py", "from scratchwork import Root\nRoot.sweep = lambda self, **_: None\n")
    assert suite.run("-k", "test_quick").counts["passed"] == 1
    assert suite.workspaces() == sorted(left)


def test_two_sessions_at_once_leave_each_other_alone(suite: Suite) -> None:
    suite.write("test_it.py", WAITS + QUICK)
    process, workspace, temp = waiting(suite)
    assert suite.run("-k", "test_quick", "--scratch-leaks=error").counts["passed"] == 1
    assert suite.workspaces() == sorted([workspace, temp.parent])
    assert finish(process).counts["passed"] == 1
    assert suite.left() == []


def test_control_without_the_leases_they_do_not(suite: Suite) -> None:
    suite.write("test_it.py", WAITS + QUICK)
    suite.write(
        "conftest.py",
        """
        import os
        from scratchwork import Root
        real = Root.workspace
        def unleased(self, *arguments, **options):
            workspace = real(self, *arguments, **options)
            workspace._tenure.lease.release()
            return workspace
        Root.workspace = unleased
        """,
    )
    process, workspace, temp = waiting(suite)
    (suite.folder / "conftest.py").unlink()
    assert suite.run("-k", "test_quick", "--scratch-leaks=error").counts["passed"] == 1
    assert not workspace.exists()
    assert not temp.exists()
    process.kill()
    finish(process, "")


@pytest.mark.parametrize("options", [(), ("--scratch-leaks=error",)])
def test_without_the_plugin_there_is_none_of_it(suite: Suite, options: tuple[str, ...]) -> None:
    suite.write("test_it.py", QUICK)
    session = suite.run("-p", "no:scratchwork", *options)
    assert ("fixture 'scratch' not found" in session.out) != bool(options)
    assert ("unrecognized arguments: --scratch-leaks" in session.out) == bool(options)


def test_who_only_has_it_installed_pays_nothing(suite: Suite) -> None:
    suite.write(
        "test_it.py",
        """
        import sys, tempfile
        def test_it():
            assert tempfile.tempdir is None or "scratch" not in tempfile.tempdir
            assert not any(name.startswith(("scratchwork.roots", "scratchwork.testing")) for name in sys.modules)
        """,
    )
    assert suite.run().counts == {"passed": 1}
    assert os.listdir(suite.temp) == []


def test_pytest_may_be_started_by_who_has_imported_the_package(suite: Suite) -> None:
    suite.write("test_it.py", QUICK)
    program = "import sys, scratchwork, pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=suite.folder,
        env=suite.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stderr


def test_the_readme_s_options_are_those_that_there_are(suite: Suite) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    suite.write("pytest.ini", readme.partition("```ini\n")[2].partition("```")[0])
    suite.write(
        "test_it.py", "import os, tempfile\ndef test_it(): os.mkdir(f'{tempfile.gettempdir()}/my-cache')\n" + QUICK
    )
    assert suite.run("--strict-config").counts == {"passed": 2}


def test_a_wrong_option_is_told(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nscratch_leaks = loud\n")
    assert "scratch_leaks is one of off, warn, error, not 'loud'" in suite.run().out
    (suite.folder / "pytest.ini").unlink()
    suite.root.mkdir(mode=0o777)
    suite.root.chmod(0o777)
    session = suite.run("--scratch-leaks=error")
    assert "--scratch-leaks=error: " in session.out
    assert str(suite.root) in session.out
    assert session.status == pytest.ExitCode.USAGE_ERROR
