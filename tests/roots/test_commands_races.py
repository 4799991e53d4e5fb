"""A command that is ended at the worst moment."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from scratchwork import Root
from scratchwork.roots.commands import Command
from tests.helpers_processes import is_gone, until
from tests.helpers_programs import running

# What interrupts, and where: when the program is there and nobody knows its pid yet.
_IN_THE_FORK = """
start = subprocess._fork_exec
def start_and_interrupt(*arguments):
    pid = start(*arguments)
    os.kill(os.getpid(), signal.SIGINT)
    return pid
subprocess._fork_exec = start_and_interrupt
"""
_WHEN_A_THREAD_STARTS = """
start = threading.Thread.start
def start_and_interrupt(thread):
    start(thread)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread.start = start_and_interrupt
"""
_RUN = """
with scratchwork.Root("app").workspace("interrupted") as ws:
    try:
        ws.run(["sh", "-c", "echo $$; exec sleep 1000"])
    except BaseException as error:
        print(type(error).__name__ + "\\n", end="", flush=True)
"""


@pytest.mark.parametrize(
    "interrupt", [_IN_THE_FORK, _WHEN_A_THREAD_STARTS], ids=["in the fork", "when a thread starts"]
)
def test_ctrl_c_while_it_is_being_started_ends_it(temp: object, interrupt: str) -> None:
    program = f"import os, signal, subprocess, sys, threading, scratchwork\n{interrupt}\n{_RUN}"
    with running(program) as (process, (first,)):
        assert process.stdout is not None
        told = {first, process.stdout.readline().strip()}  # '' if it was ended before it could tell its pid
        pids = [int(word) for word in told if word.isdecimal()]
        try:
            assert "KeyboardInterrupt" in told
            assert process.wait() == 0
            assert all(is_gone(pid) for pid in pids)
        finally:
            for pid in pids:
                if not is_gone(pid):
                    os.kill(pid, signal.SIGKILL)


def test_nobody_is_told_to_end_after_it_has_ended(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pid may be another's by then: who stops it may be in the middle of that."""
    ended = threading.Event()
    late: list[int] = []
    killpg = os.killpg

    def slow(leader: int, number: int) -> None:
        if ended.is_set():
            late.append(leader)
        else:
            killpg(leader, number)

    def stop() -> None:
        until(lambda: command._process is not None, "the process")
        command.stop(ZeroDivisionError("stopped"))

    monkeypatch.setattr(os, "killpg", slow)
    with root.workspace() as ws:
        command = Command(ws._tenure, ["sleep", "1000"], grace=0.01)
        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(ZeroDivisionError, match="stopped"):
            command.run()
        ended.set()
        stopper.join()
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
    assert late == []
