from __future__ import annotations

import os
from pathlib import Path

import pytest

from scratchwork import Root
from tests.helpers_programs import kill, python, running

# A process that has a workspace, starts the next one inside it, and says so; the last one makes a file and waits.
CHAIN = """
import os, subprocess, sys, scratchwork
from scratchwork.roots import store
{patch}
ws = scratchwork.Root("chain").workspace()
path = os.fspath(ws)
os.environ.update(TMPDIR=path, SCRATCH_WORKSPACE=path)
(ws / "file").touch()
print(os.getpid(), path, end=" ", flush=True)
if len(sys.argv) > 1:
    subprocess.run([sys.executable, "-c", {program!r}, *sys.argv[2:]])
else:
    print(flush=True)
    sys.stdin.readline()
"""


def chain(patch: str = "") -> str:
    """Return the program; `patch` is what each process does first."""
    program = CHAIN.format(patch=patch, program="import os; exec(os.environ['PROGRAM'])")
    os.environ["PROGRAM"] = program
    return "import os; exec(os.environ['PROGRAM'])"


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROGRAM", "")


def test_all_the_workspaces_it_lies_in_live_as_long_as_the_innermost(temp: Path, clean_environment: None) -> None:
    outer = Root("chain")
    with running(chain(), "one", "two") as (process, words):
        pids, paths = [int(word) for word in words[::2]], words[1::2]
        assert len(paths) == 3
        assert paths[2].startswith(paths[1] + "/")
        kill(process)
        os.kill(pids[1], 9)
        assert outer.sweep().alive == 1
        assert Root.at(os.path.dirname(paths[1])).sweep().alive == 1
        assert Path(paths[2], "file").exists()
        assert process.stdin is not None
        process.stdin.close()  # the innermost ends
        while outer.sweep().alive:
            os.sched_yield()
    assert not Path(paths[0]).exists()


@pytest.mark.parametrize("patch", ["store._join_outer = lambda path: []", "store.labels.parse = lambda name: None"])
def test_control_without_joining_it_is_swept_from_under_it(temp: Path, clean_environment: None, patch: str) -> None:
    outer = Root("chain")
    with running(chain(patch), "one") as (process, words):
        assert len(words) == 4
        kill(process)
        assert len(outer.sweep().removed) == 1
        assert not Path(words[3]).exists()


def test_a_workspace_elsewhere_is_not_joined(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Root("outer").workspace() as ws:
        monkeypatch.setenv("SCRATCH_WORKSPACE", os.fspath(ws))
        assert Root("app")._store.outer == []
        inner = Root("app", dir=ws.path)._store.outer
        assert len(inner) == 1
        monkeypatch.setenv("SCRATCH_WORKSPACE", str(temp))
        assert Root("app", dir=ws.path)._store.outer == []
        for lease in inner:
            lease.release()


INSTALL = """
import scratchwork, sys, tempfile
ws = scratchwork.install("app", keep=sys.argv[1])
made = tempfile.mkdtemp()
print(ws, made, flush=True)
sys.stdin.readline()
"""


def test_killed_all_of_it_goes_with_the_next_sweep(temp: Path) -> None:
    with running(INSTALL, "never") as (process, (path, made)):
        assert made.startswith(path + "/")
        assert Root("app").sweep().alive == 1
        kill(process)
        assert len(Root("app", sweep_first=False).sweep().removed) == 1
    assert not Path(path).exists()


def test_killed_with_failures_kept_it_is_kept(temp: Path) -> None:
    with running(INSTALL, "failure") as (process, (_, made)):
        kill(process)
    assert [found.state for found in Root("app").workspaces()] == ["kept"]
    assert Path(made).exists()


def test_ended_well_nothing_is_left_and_nothing_said(temp: Path) -> None:
    program = INSTALL.replace("sys.stdin.readline()", "")
    done = python("import warnings; warnings.simplefilter('error')\n" + program, "failure")
    assert done.stderr == ""
    assert Root("app").workspaces() == []
    assert [ended.outcome for ended in Root("app").history()] == ["cleaned"]


def test_children_of_all_kinds_use_it_and_leave_it(temp: Path) -> None:
    program = """
import os, subprocess, sys, tempfile, scratchwork
ws = scratchwork.install("app")
for command in (
    [sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"],
    ["sh", "-c", "mktemp"],
    ["sh", "-c", "echo $SCRATCH_WORKSPACE"],
    [sys.executable, "-c", "import scratchwork; print(scratchwork.install('inner'))"],
):
    print(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout, end="", flush=True)
if os.fork() == 0:
    print(tempfile.mkdtemp(), flush=True)
    sys.exit()
os.wait()
print(ws, ws.path.exists())
"""
    *made, last = python(program).stdout.splitlines()
    path, exists = last.split()
    assert exists == "True"
    assert len(made) == 5
    assert all(one == path or one.startswith(path + "/") for one in made)
    assert not Path(path).exists()
    assert [ended.outcome for ended in Root("app").history()] == ["cleaned"]


def test_java_is_told_too(temp: Path) -> None:
    program = "import os, scratchwork; ws = scratchwork.install('app'); print(ws, os.environ['JDK_JAVA_OPTIONS'])"
    path, option = python(program).stdout.split()
    assert option == f"-Djava.io.tmpdir={path}"


NAMED = """
import sys
from scratchwork import tempfile
import scratchwork
{first}
ws = scratchwork.install("app")
named = tempfile.NamedTemporaryFile(delete=False)
print(ws, named.name, tempfile.mkdtemp(), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("first", ["", "tempfile.gettempdir()"], ids=["at first use", "found before"])
def test_our_own_tempfile_works_in_it_too(temp: Path, first: str) -> None:
    with running(NAMED.format(first=first)) as (process, (path, *made)):
        assert all(one.startswith(path + "/") for one in made)
        kill(process)
    assert len(Root("app", sweep_first=False).sweep().removed) == 1
    assert not any(Path(one).exists() for one in made)


REPLACED = """
import os, sys, tempfile, multiprocessing.util
from tempfile import mkdtemp as kept
import scratchwork
ws = scratchwork.install("app", replace_tempfile=True)
named = tempfile.NamedTemporaryFile()
try:
    tempfile.mkdtemp(prefix="../out")
except ValueError:
    print("refused")
print(os.fspath(named) == named.name, named.name.startswith(os.fspath(ws)), kept.__module__)
print(multiprocessing.util.get_temp_dir().startswith(os.fspath(ws)))
tempfile.tempdir = sys.argv[1]
print(os.path.dirname(tempfile.mkdtemp()) == sys.argv[1], tempfile.gettempdir() == sys.argv[1])
"""


def test_our_functions_can_take_the_place_of_the_originals(temp: Path) -> None:
    assert python(REPLACED, str(temp)).stdout.split() == ["refused", "True", "True", "tempfile", "True", "True", "True"]


def test_after_it_has_ended_another_is_made(temp: Path) -> None:
    program = "import scratchwork; one = scratchwork.install('app'); again = scratchwork.install('app')\n"
    program += "one.cleanup(); two = scratchwork.install('app'); print(one is again, one is two, two.path.exists())"
    assert python(program).stdout.split() == ["True", "False", "True"]
