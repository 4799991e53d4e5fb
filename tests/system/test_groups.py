"""A program and all that it starts, told to end as one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scratchwork.system import groups, processes
from tests.helpers_processes import is_gone, python, state, until
from tests.helpers_programs import running


class Led(groups.Group):
    """A group with its leader."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(process)
        self.pid = process.pid
        self.wait, self.poll = process.wait, process.poll


@contextmanager
def group(script: str) -> Iterator[tuple[Led, list[int]]]:
    """Start a shell in a group of its own; give it and the pids that it prints. All of them are killed at the end."""
    with open(os.devnull) as lease:
        process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, **groups.options(lease.fileno()))
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    led = Led(process)
    try:
        yield led, pids
    finally:
        led.close()
        for pid in (process.pid, *pids):
            if not is_gone(pid):
                os.kill(pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_it_is_a_group_of_its_own() -> None:
    with group("echo $$; read line; exec sleep 1000") as (process, _):
        assert os.getpgid(process.pid) == process.pid != os.getpgrp()


def test_all_of_it_is_told() -> None:
    with group("sleep 1000 & echo $!; wait; exec sleep 1000") as (process, (pid,)):
        process.tell(kill=False)
        assert process.wait() == -signal.SIGTERM
        until(lambda: is_gone(pid), "its end")


def test_what_left_the_group_is_told_while_its_leader_lives() -> None:
    with group("setsid sleep 1000 & echo $!; wait") as (process, (pid,)):
        until(lambda: os.getpgid(pid) == pid, "a group of its own")
        process.tell(kill=False)
        until(lambda: is_gone(pid), "its end")


def test_what_is_stopped_hears_it() -> None:
    with group("echo; kill -STOP $$; sleep 1000") as (process, _):
        os.waitpid(process.pid, os.WUNTRACED)
        process.tell(kill=False)
        assert process.wait() == -signal.SIGTERM


def test_what_is_deaf_is_killed() -> None:
    with group("trap '' TERM; echo; exec sleep 1000") as (process, _):
        process.tell(kill=False)
        assert process.poll() is None
        process.tell(kill=True)
        assert process.wait() == -signal.SIGKILL


def test_whether_anybody_is_left() -> None:
    with group("sleep 1000 & echo $!") as (process, (pid,)):
        process.wait()
        assert process.is_left()
        process.tell(kill=False)
        until(lambda: not process.is_left(), "its end")
        assert is_gone(pid)
        process.tell(kill=True)  # nobody hears it


_DOES_NOT_REAP = """
import subprocess, sys
from scratchwork.system import groups, processes
if not processes.take_in_orphans():
    sys.exit("no subreaper")
process = subprocess.Popen(["sh", "-c", "sleep 1000 & echo $!"], stdout=subprocess.PIPE, process_group=0)
pid = int(process.stdout.readline())
process.wait()
print(process.pid, pid, flush=True)
sys.stdin.readline()
print(groups.Group(process).is_left(), flush=True)
"""


@pytest.mark.skipif(not processes.pids(), reason="nobody can tell without /proc")
def test_who_has_ended_and_is_not_waited_for_is_not_left() -> None:
    """In a container the first process, which inherits orphans, often waits for none: they stay as zombies."""
    with running(_DOES_NOT_REAP) as (process, (_, pid)):
        os.kill(int(pid), signal.SIGTERM)
        until(lambda: state(int(pid)) == "Z", "its end")
        out, _ = process.communicate("look\n")
        assert out == "False\n"


def test_control_who_runs_is() -> None:
    with running(_DOES_NOT_REAP) as (process, (_, pid)):
        out, _ = process.communicate("look\n")
        os.kill(int(pid), signal.SIGKILL)
        assert out == "True\n"


def test_nobody_else_is_told() -> None:
    other = subprocess.Popen(python("import sys; sys.stdin.read()"), stdin=subprocess.PIPE)
    with group("sleep 1000 & echo $!; wait") as (process, _):
        process.tell(kill=True)
        process.wait()
    assert other.poll() is None
    other.communicate()
    assert other.returncode == 0


def test_what_left_the_group_is_killed_when_its_leader_is_gone() -> None:
    """It was seen when the group was told to end, and is held since."""
    with group("setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 1000' & wait") as (process, (pid,)):
        process.tell(kill=False)
        assert process.wait() == -signal.SIGTERM
        assert process.is_left()
        assert not is_gone(pid)
        process.tell(kill=True)
        until(lambda: is_gone(pid), "its end")
        until(lambda: not process.is_left(), "the news of it")


def test_closed_it_tells_nobody_any_more() -> None:
    with group("echo; exec sleep 1000") as (process, _):
        process.close()
        process.tell(kill=True)
        assert process.poll() is None


def test_whether_the_leader_has_ended_is_told_without_reaping_it() -> None:
    with group("echo; read line") as (process, _):
        os.kill(process.pid, signal.SIGKILL)
        until(process.has_led, "its end")
        assert state(process.pid) == "Z"
        process.wait()
        assert process.has_led()
