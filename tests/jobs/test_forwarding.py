"""Signals that are sent to `scratch run` reach its command, and keys pressed on the terminal do so once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.helpers_processes import RECORDER, Scratch, Terminal, is_gone, python, state, until

# Tells of signals as RECORDER does, on a terminal, where nothing closes its stdin; USR1 ends it.
_ON_TERMINAL = """
import os, signal
signal.alarm(120)
watched = {signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH, signal.SIGCONT, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
print("ready", os.getpid(), flush=True)
while (number := signal.sigwaitinfo(watched).si_signo) != signal.SIGUSR1:
    print("got", signal.Signals(number).name, flush=True)
print("end", flush=True)
"""


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH"])
def test_a_signal_reaches_the_command_once(scratch: Scratch, name: str) -> None:
    job = scratch.start("run", "--", *python(RECORDER))
    job.line()
    sent = signal.Signals[f"SIG{name}"]
    marker = signal.SIGUSR2 if sent == signal.SIGUSR1 else signal.SIGUSR1
    for _ in range(3):
        job.send(sent)
        assert job.line() == sent.name
    job.send(marker)
    assert job.lines_through(marker.name) == [marker.name]
    done = job.finish()
    assert (done.status, done.err, scratch.made()) == (0, "", [])


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"])
def test_a_command_that_a_handed_on_signal_ends(scratch: Scratch, name: str) -> None:
    job = scratch.start("run", "--", "sh", "-c", "ulimit -c 0; echo ready; exec sleep 1000")
    job.line()
    job.send(signal.Signals[f"SIG{name}"])
    done = job.finish()
    assert (done.status, done.err, scratch.made()) == (128 + signal.Signals[f"SIG{name}"], "", [])


def test_a_signal_that_comes_before_the_command_has_started_is_kept_for_it(scratch: Scratch) -> None:
    """The signal is pending, and blocked, when the wrapper starts."""
    early = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {15}); os.kill(os.getpid(), 15);"
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    job = scratch.start_program(python(early, *scratch.command("run", "--", *python(RECORDER))))
    assert job.line().startswith("ready")
    assert job.line() == "SIGTERM"
    job.finish()


def test_a_stop_and_its_end_reach_the_command(scratch: Scratch) -> None:
    job = scratch.start("run", "--", *python(RECORDER))
    job.line()
    for _ in range(2):
        job.send(signal.SIGTSTP)
        assert job.line() == "SIGTSTP"
        job.await_stop()
        job.send(signal.SIGCONT)
        assert job.line() == "SIGCONT"
    job.send(signal.SIGUSR1)
    assert job.lines_through("SIGUSR1") == ["SIGUSR1"]
    assert job.finish().status == 0


def test_a_stopped_command_is_stopped_with_its_wrapper_and_goes_on(scratch: Scratch) -> None:
    job = scratch.start("run", "--", "sh", "-c", "echo $$; read line; exit 6")
    child = int(job.line())
    job.send(signal.SIGTSTP)
    job.await_stop()
    until(lambda: state(child) == "T", "the command's stop")
    job.send(signal.SIGCONT)
    assert job.finish().status == 6


def test_a_command_that_stops_itself_is_waited_for(scratch: Scratch) -> None:
    job = scratch.start("run", "--", "sh", "-c", "echo $$; kill -STOP $$; exit 6")
    child = int(job.line())
    until(lambda: state(child) == "T", "the command's stop")
    job.send(signal.SIGCONT)
    assert job.finish().status == 6


def test_ctrl_c_reaches_the_command_once(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(*scratch.command("run", "--", *python(_ON_TERMINAL)))
    terminal.read_until(r"ready \d+\n")
    for key, name in ((b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")):
        terminal.press(key)
        terminal.read_until(f"got {name}\n")
    terminal.resize(30, 100)
    terminal.read_until("got SIGWINCH\n")
    os.kill(terminal.pid, signal.SIGUSR1)
    assert "got" not in terminal.read_until("end\n")
    assert terminal.report() == "ended 0"
    assert scratch.made() == []


def test_control_a_signal_that_is_sent_is_handed_on_from_a_terminal_too(
    scratch: Scratch, on_terminal: Callable[..., Terminal]
) -> None:
    terminal = on_terminal(*scratch.command("run", "--", *python(_ON_TERMINAL)))
    terminal.read_until(r"ready \d+\n")
    os.kill(terminal.pid, signal.SIGINT)
    terminal.read_until("got SIGINT\n")
    os.kill(terminal.pid, signal.SIGUSR1)
    assert "got" not in terminal.read_until("end\n")


def test_ctrl_c_ends_an_ordinary_command(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(*scratch.command("run", "--", "sh", "-c", "echo ready; exec sleep 120"))
    terminal.read_until("ready\n")
    terminal.press(b"\x03")
    assert terminal.report() == f"ended {128 + signal.SIGINT}"
    assert "Traceback" not in terminal.rest()
    assert scratch.made() == []


def test_ctrl_z_and_then_on(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(
        *scratch.command("run", "--", "sh", "-c", "echo ready $$; read line; echo read $line; exit 4")
    )
    child = int(terminal.read_until(r"ready \d+\n").split()[-1])
    terminal.press(b"\x1a")
    assert terminal.report() == "stopped"
    until(lambda: state(child) == "T", "the command's stop")
    assert len(scratch.made()) == 1
    terminal.carry_on()
    until(lambda: state(child) in {"S", "R"}, "the command's going on")
    terminal.press(b"hello\n")
    terminal.read_until("read hello\n")
    assert terminal.report() == "ended 4"


def test_the_command_may_read_the_terminal_and_sees_one(scratch: Scratch, on_terminal: Callable[..., Terminal]) -> None:
    terminal = on_terminal(
        *scratch.command("run", "--", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty size")
    )
    terminal.read_until("24 200\n")
    assert terminal.report() == "ended 0"


def test_a_hangup_of_the_terminal_ends_both_and_leaves_nothing(
    scratch: Scratch, on_terminal: Callable[..., Terminal]
) -> None:
    terminal = on_terminal(*scratch.command("run", "--", "sh", "-c", "echo ready $$; exec sleep 120"))
    child = int(terminal.read_until(r"ready \d+\n").split()[-1])
    terminal.hang_up()
    until(lambda: is_gone(child) and is_gone(terminal.pid), "the end of both")
    until(lambda: scratch.made() == [], "the workspace's removal")
