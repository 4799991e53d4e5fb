"""Whoever is killed, the workspace lives as long as its job, and no longer."""

from __future__ import annotations

import os
import signal

import pytest

from tests.helpers_processes import Scratch, is_gone, python, until

# Says its pid, and ends when its stdin is closed.
_WAIT = "import os, signal, sys; signal.alarm(120); print(os.getpid(), flush=True); sys.stdin.read()"
_LET_GO = "import os; os.closerange(3, 1000); " + _WAIT


def test_a_killed_command(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(_WAIT))
    os.kill(int(job.line()), signal.SIGKILL)
    assert job.finish().status == 128 + signal.SIGKILL
    assert scratch.made() == []


@pytest.mark.parametrize("keep", ["never", "failure"])
def test_if_the_wrapper_is_killed_the_workspace_lives_as_long_as_the_command(scratch: Scratch, keep: str) -> None:
    job = scratch.start("run", "--keep", keep, "--", *python(_WAIT))
    command = int(job.line())
    (name,) = scratch.made()
    job.send(signal.SIGKILL)
    job.process.wait()

    swept = scratch("sweep", "--json").json()[0]
    assert (swept["alive"], swept["removed"]) == (1, [])
    (found,) = scratch.ls()
    assert (found["name"], found["state"]) == (name, "alive")
    assert [one["pid"] for one in found["held_by"]] == [command]
    assert scratch("rm", name).status == 9

    assert job.process.stdin is not None
    job.process.stdin.close()
    until(lambda: is_gone(command), "the command's end")
    swept = scratch("sweep", "--json").json()[0]
    if keep == "never":
        assert [one["name"] for one in swept["removed"]] == [name]
        assert scratch.made() == []
    else:
        assert [one["name"] for one in swept["kept"]] == [name]
        assert [one["state"] for one in scratch.ls()] == ["kept"]


def test_control_a_command_that_lets_go_of_the_lease_leaves_a_dead_workspace(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(_LET_GO))
    job.line()
    assert [one["state"] for one in scratch.ls()] == ["alive"]
    job.send(signal.SIGKILL)
    job.process.wait()
    assert [one["state"] for one in scratch.ls()] == ["dead"]
    scratch("sweep")
    assert scratch.made() == []


def test_both_killed(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(_WAIT))
    command = int(job.line())
    os.killpg(job.pid, signal.SIGKILL)
    job.process.wait()
    until(lambda: is_gone(command), "the command's end")
    assert [one["state"] for one in scratch.ls()] == ["dead"]
    (ended,) = scratch("sweep", "--json").json()[0]["removed"]
    assert (ended["outcome"], ended["pid"]) == ("reclaimed", job.pid)
    assert scratch.made() == []


def test_the_next_run_removes_what_a_killed_one_left(scratch: Scratch) -> None:
    name = scratch.dead()
    assert scratch.made() == [name]
    assert scratch("run", "--", "true").status == 0
    assert scratch.made() == []


def test_wrapper_and_command_both_hold_it(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(_WAIT))
    command = int(job.line())
    assert [one["pid"] for one in scratch.ls()[0]["held_by"]] == sorted([job.pid, command])
    job.finish()


def test_a_root_with_lock_files_for_leases_does_all_that_too(scratch: Scratch) -> None:
    scratch("run", "--", "true")
    (scratch.root / "root.conf").write_text("lease=file\n")
    job = scratch.start("run", "--", *python(_WAIT))
    command = int(job.line())
    job.send(signal.SIGKILL)
    job.process.wait()
    (found,) = scratch.ls()
    assert (found["state"], [one["pid"] for one in found["held_by"]]) == ("alive", [command])
    assert job.process.stdin is not None
    job.process.stdin.close()
    until(lambda: is_gone(command), "the command's end")
    scratch("sweep")
    assert sorted(os.listdir(scratch.root)) == ["ledger.jsonl", "root.conf"]
