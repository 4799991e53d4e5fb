"""Running a command with every Python process in it recording what it makes in temp space."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from scratchwork.advice.tracing.lines import EXTRA_SPACES, MARK, RECORD, VARIABLE
from scratchwork.advice.tracing.reading import Trace, open_record, read
from scratchwork.errors import ScratchError
from scratchwork.roots import default

OWN_FAILURE = 125
CANNOT_EXECUTE = 126
NOT_FOUND = 127

_INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
_PATH = "PYTHONPATH"


class CannotTrace(ScratchError):
    """A command that was to be traced can't be started; `status`: what the exit status is then, as a shell has it."""

    def __init__(self, command: str, why: str, status: int) -> None:
        super().__init__(f"{command}: {why}")
        self.status = status


def trace(arguments: Sequence[str], *, spaces: Sequence[str] = ()) -> tuple[int, Trace]:
    """Run a command to its end; return its status as a shell has it (128+n for signal n), and what was seen.

    `spaces`: folders that count as temp space besides TMPDIR, TEMP, TMP, /tmp, /var/tmp, /dev/shm and what the program
    sets as `tempfile.tempdir`. The command keeps the terminal, and what is sent to this process is handed on to it.
    What it leaves running goes on, and is not waited for. Once a process: it takes over the process's signals.

    Raises CannotTrace, with the exit status for it, if the command can't be started, and CannotMakeWorkspace.
    """
    run = _supervised()
    with default.workspace("trace") as ws:
        place = os.path.realpath(ws)
        environment = {**os.environ, **prepare(place, spaces)}
        with open_record(place) as record:
            try:
                outcome = run(arguments[0], list(arguments), environment)
            except FileNotFoundError:
                raise CannotTrace(arguments[0], "no such command", NOT_FOUND) from None
            except OSError as error:
                raise CannotTrace(arguments[0], error.strerror or str(error), CANNOT_EXECUTE) from None
            return outcome if outcome >= 0 else 128 - outcome, read(place, record)


def _supervised() -> Callable[[str, list[str], Mapping[str, str]], int]:
    """Return what runs a program: from here on signals are held for it."""
    if sys.platform == "win32":
        raise CannotTrace("trace", "it works on Linux and macOS only", OWN_FAILURE)
    else:  # noqa: RET506 - so that type checkers see it
        from scratchwork.jobs.supervision import Supervisor

        supervisor = Supervisor(orphans="leave", grace=0.0)

        def run(program: str, arguments: list[str], environment: Mapping[str, str]) -> int:
            outcome = supervisor.run(program, arguments, environment)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # of who does not want to wait for the report
            return outcome

        return run


def prepare(place: str, spaces: Sequence[str] = ()) -> dict[str, str]:
    """Make the files of a record in a directory; return what to add to the environment of a program to be recorded."""
    folders = [os.fsencode(os.path.abspath(space)) for space in spaces]
    contents = {RECORD: b"", MARK: b"", EXTRA_SPACES: b"".join(folder + b"\0" for folder in folders)}
    for name, content in contents.items():
        with open(os.path.join(place, name), "wb") as file:
            file.write(content)
    inherited = os.environ.get(_PATH)
    return {VARIABLE: place, _PATH: f"{_INSIDE}{os.pathsep}{inherited}" if inherited else _INSIDE}
