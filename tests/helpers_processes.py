"""The command `scratch` as a real process, for the tests of what it does: alone, and on a terminal of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import scratchwork

ENTRY = "import sys; from scratchwork.cli import main; sys.exit(main())"
SOURCE = str(Path(scratchwork.__file__).parent.parent)
PATIENCE = 30.0  # seconds: a bound for what must come, never a measure of how fast
_HIDDEN = ("SCRATCH_WORKSPACE", "KEEP_TEMP", "JDK_JAVA_OPTIONS", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TEMP", "TMP")

# A program that tells of each signal it gets, one line each, and ends when its stdin is closed. It sits in sigwaitinfo,
# so that two equal signals are two lines.
RECORDER = """
import os, signal, sys, threading
signal.alarm(120)
watched = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
           signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
def end():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
print("ready", os.getpid(), flush=True)
while True:
    print(signal.Signals(signal.sigwaitinfo(watched).si_signo).name, flush=True)
"""

# What a shell with job control does: leads a session on the terminal at descriptor 0, runs the command as the
# foreground group, tells on descriptor `report` how it is, and continues it when told to on descriptor `orders`.
_SHELL = """
import fcntl, os, signal, sys, termios
report, orders, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
go, ready = os.pipe()
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.close(ready)
    os.read(go, 1)
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.close(go), os.close(report), os.close(orders)
    os.execvp(command[0], command)
os.setpgid(child, child)
os.tcsetpgrp(0, child)
os.write(report, b"started %d\\n" % child)
os.write(ready, b"x")
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.tcsetpgrp(0, os.getpgrp())
    os.write(report, b"stopped\\n")
    if not os.read(orders, 1):
        break
    os.tcsetpgrp(0, child)
    os.killpg(child, signal.SIGCONT)
os.write(report, b"ended %d\\n" % os.waitstatus_to_exitcode(status))
"""


def python(program: str, *arguments: str) -> list[str]:
    """Return how to start a program that is written in Python, quickly."""
    return [sys.executable, "-I", "-S", "-c", program, *arguments]


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that no event tells of."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.005)


def state(pid: int) -> str:
    """Return the state of a process as proc(5) has it: R S T Z ...; '' if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def is_gone(pid: int) -> bool:
    """Whether a process has ended; it may not have been waited for."""
    return state(pid) in {"", "Z", "X"}


@dataclass(frozen=True)
class Finished:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Return what it printed, as data."""
        return json.loads(self.out)


class Running:
    """A command under way. It can be read line by line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.pid = process.pid
        self._text = b""

    def line(self) -> str:
        """Return the next line of its stdout; '' at its end."""
        assert self.process.stdout is not None
        while b"\n" not in self._text:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            assert ready, f"no line came; so far: {self._text!r}"
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                rest, self._text = self._text, b""
                return rest.decode()
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    def lines_through(self, last: str) -> list[str]:
        """Return all lines up to and with one that says `last`."""
        lines = [self.line()]
        while lines[-1] != last:
            assert lines[-1], f"ended before {last!r}: {lines}"
            lines.append(self.line())
        return lines

    def send(self, number: int) -> None:
        """Send a signal to the process itself, not to its group."""
        self.process.send_signal(number)

    def await_stop(self) -> None:
        """Wait until it has been stopped."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def finish(self) -> Finished:
        """Close its stdin and wait for its end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return Finished(self.process.returncode, (self._text + (out or b"")).decode(), (err or b"").decode())


class Scratch:
    """The command with a temp folder of its own."""

    def __init__(self, temp: Path) -> None:
        self.temp = temp
        self.root = temp / f"scratch-{os.geteuid()}-default"
        self.environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        self.environment |= {"TMPDIR": str(temp), "PYTHONPATH": SOURCE, "TERM": "xterm-256color"}
        self._running: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        """Return how the command is started."""
        return [sys.executable, "-c", ENTRY, *arguments]

    def __call__(self, *arguments: str, **options: Any) -> Finished:
        """Run the command to its end. `options`: `cwd`, `stdin`, and `env` with what to add to the environment."""
        return self.start(*arguments, **{"stdin": subprocess.DEVNULL, **options}).finish()

    def start(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> Running:
        """Start the command, in a process group of its own."""
        return self.start_program(self.command(*arguments), env=env, **options)

    def start_program(self, command: Sequence[str], *, env: dict[str, str] | None = None, **options: Any) -> Running:
        """Start any program in the command's environment."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        options.setdefault("process_group", 0)
        process: Any = subprocess.Popen(command, env=self.environment | (env or {}), **options)
        self._running.append(process)
        return Running(process)

    def made(self) -> list[str]:
        """Return the names of the workspaces that lie in the default root."""
        return sorted(path.name for path in self.root.iterdir() if path.is_dir()) if self.root.is_dir() else []

    def ls(self) -> list[dict[str, Any]]:
        """Return what `scratch ls` tells."""
        found: list[dict[str, Any]] = self("ls", "--json").json()
        return found

    def kept(self, *arguments: str) -> str:
        """Make a kept workspace and return its name."""
        finished = self("run", "--json", "--keep", "always", *arguments, "--", "true")
        path: str = json.loads(finished.err.splitlines()[-1])["path"]
        return os.path.basename(path)

    def dead(self, label: str = "dead") -> str:
        """Make a dead workspace, as a killed process leaves it, and return its name."""
        program = (
            "import os, signal, sys; from scratchwork import Root\n"
            "ws = Root('default', sweep_first=False).workspace(sys.argv[1])\n"
            "print(ws.name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        return self.start_program([sys.executable, "-c", program, label]).finish().out.strip()

    def alive(self, label: str = "alive") -> tuple[Running, str]:
        """Start a job that lives until its stdin is closed; return it and the name of its workspace."""
        job = self.start("run", "--label", label, "--", "sh", "-c", 'echo "$SCRATCH_WORKSPACE"; exec cat')
        return job, os.path.basename(job.line())

    def close(self) -> None:
        """End what is still running."""
        for process in self._running:
            if process.returncode is None:
                process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()


class Terminal:
    """A session with job control on a pseudo-terminal, and one command in its foreground."""

    def __init__(self, scratch: Scratch, command: Sequence[str], *, env: dict[str, str] | None = None) -> None:
        self._fd, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 200))
        report, report_end = os.pipe()
        orders_end, self._orders = os.pipe()
        self._report = os.fdopen(report, "rb")
        shell = python(_SHELL, str(report_end), str(orders_end), *command)
        self._shell = scratch.start_program(
            shell,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=[report_end, orders_end],
            start_new_session=True,
            process_group=None,
        )
        for descriptor in (slave, report_end, orders_end):
            os.close(descriptor)
        self.text = ""
        self.pid = int(self.report().split()[1])

    def report(self) -> str:
        """Return what the shell tells next: 'started PID', 'stopped' or 'ended STATUS'."""
        return self._report.readline().decode().strip()

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._fd, key)

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window."""
        termios.tcsetwinsize(self._fd, (rows, columns))

    def carry_on(self) -> None:
        """Do what the shell's `fg` does."""
        os.write(self._orders, b"c")

    def read_until(self, pattern: str) -> str:
        """Read what is shown until it matches; return what was shown up to there, and forget it."""
        while (found := re.search(pattern, self.text)) is None:
            assert self._read(), f"never shown: {pattern!r} in {self.text!r}"
        shown, self.text = self.text[: found.end()], self.text[found.end() :]
        return shown

    def rest(self) -> str:
        """Return all that is still shown until the command and its shell have ended."""
        while self._read():
            pass
        return self.text

    def hang_up(self) -> None:
        """Close the window."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        """Close the window and give back the descriptors."""
        self.hang_up()
        os.close(self._orders)
        self._report.close()

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], PATIENCE)
        assert ready, f"nothing more was shown; so far: {self.text!r}"
        try:
            more = os.read(self._fd, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return False
        self.text += more.decode(errors="replace").replace("\r\n", "\n")
        return bool(more)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    temp = tmp_path / "t"
    temp.mkdir()
    command = Scratch(temp)
    yield command
    command.close()


@pytest.fixture
def on_terminal(scratch: Scratch) -> Iterator[Callable[..., Terminal]]:
    """Give a function that starts a command on a terminal of its own."""
    terminals: list[Terminal] = []

    def start(*command: str, env: dict[str, str] | None = None) -> Terminal:
        terminals.append(Terminal(scratch, command, env=env))
        return terminals[-1]

    yield start
    for terminal in terminals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(terminal.pid, signal.SIGKILL) if not is_gone(terminal.pid) else None
        terminal.close()
