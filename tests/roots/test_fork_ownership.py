from __future__ import annotations

import os
from pathlib import Path

import pytest

import scratchwork
from scratchwork import Root, Workspace
from scratchwork.roots import tenure
from tests.helpers_programs import kill, python, running


def _in_child(work: object) -> int:
    """Run something in a forked child that ends as interpreters end; return its status."""
    assert callable(work)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_child_never_removes_its_parents_workspace(root: Root) -> None:
    with root.workspace() as ws:
        (ws / "file").touch()
        assert _in_child(ws.cleanup) == 0
        assert _in_child(tenure._end_all) == 0
        assert _in_child(lambda: ws.__exit__(None, None, None)) == 0
        assert (ws / "file").exists()
        assert root.sweep().alive == 1


def test_control_without_the_comparison_of_pids_it_does(root: Root) -> None:
    with root.workspace() as ws:
        (ws / "file").touch()

        def as_if_it_were_the_parent() -> None:
            ws._tenure.maker = os.getpid()
            ws.cleanup()

        assert _in_child(as_if_it_were_the_parent) == 0
        assert not ws.path.exists()


def test_the_workspace_lives_as_long_as_a_forked_child(temp: Path) -> None:
    program = """
import os, sys, scratchwork
ws = scratchwork.Root("app").workspace()
(ws / "file").touch()
if os.fork() == 0:
    print(ws, os.getpid(), flush=True)
    sys.stdin.readline()
    os._exit(0)
os.wait()
"""
    with running(program) as (process, (path, _)):
        kill(process)
        root = Root("app")
        assert root.sweep().alive == 1
        assert Path(path, "file").exists()
        assert process.stdin is not None
        process.stdin.close()
        while root.sweep().alive:
            os.sched_yield()
    assert not Path(path).exists()


def test_a_forked_child_cleans_what_it_made_itself(temp: Path) -> None:
    program = """
import os, sys, scratchwork
parent = scratchwork.Root("app").workspace("parent")
pid = os.fork()
if pid == 0:
    own = scratchwork.Root("app").workspace("child")
    sys.exit(0)
os.waitpid(pid, 0)
print(*[found.label for found in scratchwork.Root("app").workspaces()])
"""
    assert python(program).stdout == "parent\n"
    assert Root("app").workspaces() == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_clean_their_own_and_leave_ours(temp: Path, method: str) -> None:
    program = f"from tests.roots.multiprocessing_program import main; main({method!r})"
    assert python(program).stdout == "parent\n"
    assert Root("default").workspaces() == []


def test_attaching_keeps_it_alive_after_its_owners_death(temp: Path) -> None:
    program = "import scratchwork; ws = scratchwork.Root('app').workspace(); print(ws, flush=True); input()"
    with running(program) as (process, (path,)):
        with Workspace.attach(path) as attached:
            kill(process)
            root = Root("app")
            assert root.sweep().alive == 1
            assert attached.usage().files == 0
            assert (attached / "x").parent == Path(path)
        assert len(root.sweep().removed) == 1


def test_what_is_dead_gone_or_no_workspace_can_not_be_attached_to(temp: Path) -> None:
    program = "import scratchwork; ws = scratchwork.Root('app').workspace(); print(ws, flush=True); input()"
    with running(program) as (process, (path,)):
        kill(process)
        with pytest.raises(scratchwork.WorkspaceGone, match="nobody holds it"):
            Workspace.attach(path)
    for other in (path + "x", temp, temp / "none" / "job-1-1-0123456789"):
        with pytest.raises(scratchwork.WorkspaceGone):
            Workspace.attach(other)
