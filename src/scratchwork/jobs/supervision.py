"""Starting a program and standing by it until it, and all that it started, has ended.

The program stays in our process group, so that the terminal's keys reach it without us. What is sent to us alone we
hand on. On Linux its orphaned descendants become our children, so none is lost sight of.
"""

from __future__ import annotations

import errno
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

assert sys.platform != "win32"

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
else:
    try:
        import _signal as signal  # without the enums, see system.signals
    except ImportError:
        import signal

from scratchwork.system import processes, signals

_FORWARDED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
)
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
_AWAITED = (*_FORWARDED, signal.SIGCHLD)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_AGAIN = 0.05  # seconds between looks at what is left when everything has been told to end


class Supervisor:
    """Stands by one program. One a process: it takes over the process's signals and its children."""

    def __init__(self, *, orphans: Literal["end", "wait", "leave"], grace: float, file_size: int | None = None) -> None:
        """Prepare: from here on signals are held for the program.

        `orphans`: what becomes of descendants that outlive the program: "end" (SIGTERM, and SIGKILL after
        `grace` seconds), "wait" for them, until a signal tells us to end (TERM, INT, HUP, QUIT), or "leave" them.
        `file_size`: the most bytes that a file may get (setrlimit(2), RLIMIT_FSIZE).
        """
        self._ends_orphans = orphans == "end"
        self._grace = grace
        self._file_size = file_size
        self.stopped_for: OSError | None = None
        """Why the program was made to end, if it was."""
        self._ending: _Ending | None = None
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how the program ended
        self._blocked_before = signals.hold(_AWAITED)
        self._takes_in = orphans != "leave" and processes.take_in_orphans()

    def run(self, program: str, arguments: list[str], environment: Mapping[str, str]) -> int:
        """Run a program to its end; return its exit status, or minus the signal that killed it.

        `program` is looked for in PATH unless it contains a slash. Raises OSError if it can't be started. Every
        inheritable descriptor goes to it.
        """
        child = self._start(program, arguments, environment)
        status = self._until_ended(child)
        self._finish_orphans()
        return status

    def stop(self, error: OSError) -> None:
        """Make the program end with all that it started: SIGTERM, and SIGKILL after the grace time. For any thread.

        Called again, it ends the grace time.
        """
        if self.stopped_for is not None:
            self._grace = 0.0
        self.stopped_for = error
        os.kill(os.getpid(), signal.SIGCHLD)  # which wakes us

    def _start(self, program: str, arguments: list[str], environment: Mapping[str, str]) -> int:
        try:
            return self._spawn(program, arguments, environment)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
        # A script without '#!': execvp(3), and so env and timeout, give it to the shell.
        return self._spawn("/bin/sh", ["sh", program, *arguments[1:]], environment)

    def _spawn(self, program: str, arguments: list[str], environment: Mapping[str, str]) -> int:
        def spawn() -> int:
            return os.posix_spawnp(
                program, arguments, environment, setsigmask=self._blocked_before, setsigdef=_IGNORED_BY_PYTHON
            )

        return spawn() if self._file_size is None else _limited(self._file_size, spawn)

    def _until_ended(self, child: int) -> int:
        while True:
            received = self._next()
            statuses = dict(_reap()[0])
            if received is not None:  # it may cross the program's end: then it is for those who are left
                self._forward(received, processes.children() if child in statuses else [child])
            if child in statuses:
                return os.waitstatus_to_exitcode(statuses[child])
            if self.stopped_for is not None:
                self._end(processes.children() or [child])

    def _finish_orphans(self) -> None:
        while self._takes_in and _reap()[1]:
            if self._ends_orphans or self.stopped_for is not None:
                self._end(processes.children())
            received = self._next()
            if received is not None:
                self._forward(received, processes.children())

    def _end(self, children: list[int]) -> None:
        """Go on with the end of all that is left: from the first call on there is no waiting for anybody."""
        if self._ending is None:
            self._ends_orphans = True
            self._ending = _Ending()
        if self.stopped_for is not None:  # all at once, and not each when its parent has gone: they are not to go on
            self._ending.tell_descendants(self._grace)
        self._ending.tell(children, self._grace)

    def _next(self) -> signals.Received | None:
        """Return the next signal to hand on; None at the end of a child, or when it is time to look again."""
        received = signals.wait(_AWAITED, _AGAIN if self._ending is not None else None)
        if received is None or received.number == signal.SIGCHLD:
            return None
        if received.number in _ENDING:
            self._ends_orphans = True  # whoever ends us does not want to wait, even if the program is gone by now
        return received

    @staticmethod
    def _forward(received: signals.Received, pids: list[int]) -> None:
        if not received.from_terminal:
            for pid in pids:
                _kill(pid, received.number)
        if received.number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)


class _Ending:
    """Children of ours on the way to their end: SIGTERM, once each, and SIGKILL when the grace time is over.

    By `tell` only our own children are signalled: their pids stay theirs until we have waited for them. When one of
    them ends, its children become ours, and their turn comes.
    """

    __slots__ = ("_began", "_has_told_descendants", "_told")

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told: set[int] = set()
        self._has_told_descendants = False

    def tell_descendants(self, grace: float) -> None:
        """Tell all that descend from us, once, and kill them when it is late."""
        if not self._has_told_descendants:
            processes.signal_descendants(signal.SIGTERM)
            self._has_told_descendants = True
        elif self._is_late(grace):
            processes.signal_descendants(signal.SIGKILL)

    def tell(self, children: list[int], grace: float) -> None:
        """Tell those that don't know yet, or, when it is late, all."""
        left = set(children)
        late = self._is_late(grace)
        for pid in left if late else left - self._told:
            _kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            _kill(pid, signal.SIGCONT)  # a stopped one would not hear it
        self._told |= left

    def _is_late(self, grace: float) -> bool:
        return time.monotonic() >= self._began + grace


def _limited(size: int, spawn: Callable[[], int]) -> int:
    """Start a program whose files may get no longer than that, nor its children's.

    It starts with our own soft limit, lowered for an instant; its hard one is lowered at once.
    """
    from resource import RLIMIT_FSIZE, getrlimit, setrlimit

    soft, hard = getrlimit(RLIMIT_FSIZE)
    limit = min(size, *(most for most in (soft, hard) if most >= 0), size)
    setrlimit(RLIMIT_FSIZE, (limit, hard))
    try:
        child = spawn()
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
    if sys.platform == "linux":
        from resource import prlimit

        try:
            prlimit(child, RLIMIT_FSIZE, (limit, limit))
        except OSError:
            pass  # it has ended, or another user's it is (setuid)
    return child


def _reap() -> tuple[list[tuple[int, int]], bool]:
    """Wait for the children that have ended; return their pids and statuses, and whether others are left."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if pid == 0:
            return ended, True
        ended.append((pid, status))


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # it is gone, or has become another user's (setuid)
