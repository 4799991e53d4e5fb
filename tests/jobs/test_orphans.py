"""What a command leaves running is ended, or waited for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.helpers_processes import Running, Scratch, is_gone, python, state, until

# Leaves a process behind as daemons do, forked twice and in a session of its own. It says its pid, then "term" if it is
# told to end, in the file that is named; `stubborn` does not heed it. The command ends when the daemon is ready.
_DAEMON = """
import os, signal, sys
kind, path, levels = sys.argv[1], sys.argv[2], int(sys.argv[3])
ready, done = os.pipe()
def leave(level):
    if os.fork():
        return
    os.setsid()
    if level > 1:
        leave(level - 1)
    signal.alarm(120)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    os.write(log, b"%d\\n" % os.getpid())
    os.write(done, b"x")
    if kind == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        number = signal.sigwaitinfo({signal.SIGTERM, signal.SIGUSR1}).si_signo
        os.write(log, b"%s\\n" % signal.Signals(number).name.encode())
        if kind != "stubborn" or number == signal.SIGUSR1:
            os._exit(0)
leave(levels)
for _ in range(levels):
    os.read(ready, 1)
if kind == "stopped":
    me = int(open(path).read())
    while open(f"/proc/{me}/stat").read().rpartition(")")[2].split()[0] != "T":
        pass
print("left", flush=True)
sys.exit(5)
"""


class Daemons:
    """What the orphans wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[str]:
        return self._path.read_text().split() if self._path.exists() else []

    def pids(self) -> list[int]:
        return [int(line) for line in self.lines() if line.isdecimal()]

    def told(self) -> list[str]:
        return [line for line in self.lines() if not line.isdecimal()]


@pytest.fixture
def daemons(tmp_path: Path) -> Daemons:
    return Daemons(tmp_path / "daemons")


def _start(scratch: Scratch, tmp_path: Path, kind: str, *options: str, levels: int = 1) -> Running:
    job = scratch.start("run", *options, "--", *python(_DAEMON, kind, str(tmp_path / "daemons"), str(levels)))
    assert job.line() == "left"
    return job


def test_an_orphan_is_told_to_end(scratch: Scratch, tmp_path: Path, daemons: Daemons) -> None:
    done = _start(scratch, tmp_path, "obedient", "--grace", "60").finish()
    assert (done.status, done.err) == (5, "")
    assert daemons.told() == ["SIGTERM"]
    assert all(is_gone(pid) for pid in daemons.pids())
    assert scratch.made() == []


def test_an_orphan_that_does_not_heed_it_is_killed_after_the_grace_time(
    scratch: Scratch, tmp_path: Path, daemons: Daemons
) -> None:
    done = _start(scratch, tmp_path, "stubborn", "--grace", "0.2").finish()
    assert (done.status, done.err) == (5, "")
    assert daemons.told() == ["SIGTERM"]
    assert all(is_gone(pid) for pid in daemons.pids())
    assert scratch.made() == []


def test_without_a_grace_time_it_is_killed_at_once(scratch: Scratch, tmp_path: Path, daemons: Daemons) -> None:
    assert _start(scratch, tmp_path, "stubborn", "--grace=0").finish().status == 5
    assert all(is_gone(pid) for pid in daemons.pids())


@pytest.mark.parametrize("kind", ["obedient", "stubborn"])
def test_orphans_on_several_levels(scratch: Scratch, tmp_path: Path, daemons: Daemons, kind: str) -> None:
    done = _start(scratch, tmp_path, kind, "--grace", "0.2" if kind == "stubborn" else "60", levels=4).finish()
    assert done.status == 5
    assert len(daemons.pids()) == 4
    assert all(is_gone(pid) for pid in daemons.pids())
    assert scratch.made() == []


def test_a_stopped_orphan_is_told_too(scratch: Scratch, tmp_path: Path, daemons: Daemons) -> None:
    done = _start(scratch, tmp_path, "stopped", "--grace", "60").finish()
    assert done.status == 5
    assert daemons.told() == ["SIGTERM"]
    assert all(is_gone(pid) for pid in daemons.pids())


def test_orphans_are_waited_for(scratch: Scratch, tmp_path: Path, daemons: Daemons) -> None:
    job = _start(scratch, tmp_path, "stubborn", "--orphans", "wait")
    (pid,) = daemons.pids()
    until(lambda: _parent(pid) == job.pid, "the adoption")
    assert len(scratch.made()) == 1
    job.send(signal.SIGUSR1)
    assert job.finish().status == 5
    assert daemons.told() == ["SIGUSR1"]
    assert scratch.made() == []


def test_a_term_while_waiting_for_orphans_begins_the_grace_time(
    scratch: Scratch, tmp_path: Path, daemons: Daemons
) -> None:
    job = _start(scratch, tmp_path, "stubborn", "--orphans", "wait", "--grace", "0.2")
    (pid,) = daemons.pids()
    until(lambda: _parent(pid) == job.pid, "the adoption")
    job.send(signal.SIGTERM)
    assert job.finish().status == 5
    assert set(daemons.told()) == {"SIGTERM"}
    assert is_gone(pid)
    assert scratch.made() == []


def test_a_term_that_comes_when_the_command_has_just_ended_is_for_the_orphans(scratch: Scratch) -> None:
    """The wrapper is stopped meanwhile, so that it finds the signal and the command's end together."""
    program = (
        "import os, signal, sys; signal.alarm(120); orphan = os.fork()\n"
        "if orphan == 0: signal.pause()\n"
        "print(os.getpid(), orphan, flush=True); sys.stdin.readline()"
    )
    job = scratch.start("run", "--orphans", "wait", "--", *python(program))
    command, orphan = map(int, job.line().split())
    job.send(signal.SIGSTOP)
    job.await_stop()
    assert job.process.stdin is not None
    job.process.stdin.write(b"\n")
    job.process.stdin.flush()
    until(lambda: state(command) == "Z", "the command's end")
    job.send(signal.SIGTERM)
    job.send(signal.SIGCONT)
    assert job.finish().status == 0
    assert is_gone(orphan)


def test_an_orphan_that_lets_go_of_all_descriptors_is_ended_too(scratch: Scratch) -> None:
    program = (
        "import os, signal, sys; r, w = os.pipe(); pid = os.fork()\n"
        "if pid == 0:\n"
        "    os.setsid(); signal.alarm(120); os.closerange(0, w); os.closerange(w + 1, 1000); os.write(w, b'x')\n"
        "    os.close(w); signal.pause()\n"
        "os.read(r, 1); print(pid, flush=True)"
    )
    done = scratch("run", "--", *python(program))
    assert done.status == 0
    assert is_gone(int(done.out))


def test_an_orphan_that_ends_by_itself_costs_nothing(scratch: Scratch) -> None:
    done = scratch("run", "--grace", "60", "--", "sh", "-c", "(exit 3) & exit 2")
    assert (done.status, done.err) == (2, "")


def test_a_child_of_an_earlier_program_is_not_the_commands_status(scratch: Scratch) -> None:
    """A process that is our child already, since our program was started by exec: its end is not the command's."""
    program = "import os, sys; os.fork() or os._exit(9); os.execvp(sys.argv[1], sys.argv[1:])"
    done = scratch.start_program(python(program, *scratch.command("run", "--", "sh", "-c", "exit 4"))).finish()
    assert done.status == 4


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) if state(pid) else -1


def test_the_orphans_keep_the_workspace_until_they_end(scratch: Scratch, tmp_path: Path, daemons: Daemons) -> None:
    job = _start(scratch, tmp_path, "stubborn", "--orphans", "wait")
    (pid,) = daemons.pids()
    job.send(signal.SIGKILL)
    job.process.wait()
    assert [one["state"] for one in scratch.ls()] == ["alive"]
    os.kill(pid, signal.SIGUSR1)
    until(lambda: is_gone(pid), "the orphan's end")
    assert scratch("sweep", "--json").json()[0]["removed"] != []
    assert scratch.made() == []
