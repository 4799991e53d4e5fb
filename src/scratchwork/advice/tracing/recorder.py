"""Writing down, inside a traced process, what it makes, moves and removes in temp space.

It runs in every Python process of somebody's program, from 3.8 on, also where scratchwork is not installed: it
imports the smallest modules only, raises nothing, and whatever it can't do it notes by removing the file `complete`,
which works on a full disk too. What it writes is described in `lines`.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from os import close, dup2, fstat, getpid, lstat, unlink, urandom, write

from ..observing import Observer, observe  # noqa: TID252 - it is loaded under another name, by its path
from .lines import EXTRA_SPACES, MARK, RECORD, line

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from scratchwork.advice.observing import Kind, Stack
else:
    import _signal as signal  # without the enums

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_USUAL = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - they are looked at, not used
_MOST_BYTES = 2**29  # of the record, which lies in somebody's temp folder: some four million files
_MOST_STACKS = 5000  # that are remembered: a program may have a new one each time
_MOST_FRAMES = 200  # of a stack that are written
_HIGH = 1000  # descriptors below are the program's, as far as its limit lets us


class Recorder(Observer):
    """Writes a line for each thing, before it happens, with one write(2): death by any means loses nothing of it.

    Safe in several threads. A process made by fork goes on in the same file. If the program closes the descriptor, it
    is opened again. When the record has been removed, nothing is recorded any more.
    """

    def __init__(self, place: str) -> None:
        """`place`: the tracer's workspace."""
        self._own = place + os.sep
        self._path = os.path.join(place, RECORD)
        self._mark = os.path.join(place, MARK)
        self._fd, self._identity, self._length = -1, (0, 0), 0
        self._is_complete = True
        self._stacks: dict[Stack, str] = {}
        self._numbers = count()
        self._pid = 0
        self._tempdir: object = None
        self.spaces, aliases = _spaces(place)
        self._begin_process()
        if aliases:
            self._write(b"".join([line("A", *names) for names in aliases]))

    def making(self, path: str, kind: Kind, stack: Stack) -> None:
        """Write down what is about to be made, and its stack where that is new."""
        try:
            if path.startswith(self._own):
                return
            self._check()
            known = self._stacks.get(stack)
            if known is not None:
                self._write(line("M", self._pid_text, known, kind, path))
                return
            new = f"{self._token}{next(self._numbers)}"
            frames = [str(part) for frame in _shortened(stack) for part in frame]
            if self._write(line("S", new, *frames) + line("M", self._pid_text, new, kind, path)):
                if len(self._stacks) >= _MOST_STACKS:
                    self._stacks.clear()
                self._stacks[stack] = new
        except Exception:  # noqa: BLE001 - the program must not notice
            self.missed += 1

    def removing(self, path: str) -> None:
        """Write down what is about to go, with what it takes."""
        try:
            self._check()
            self._write(line("R", path, str(_allocated(path))))
        except Exception:  # noqa: BLE001
            self.missed += 1

    def moving(self, source: str, target: str) -> None:
        """Write down where something goes, with what it takes, and with what takes whatever had that name."""
        try:
            self._check()
            letter = "V" if target.startswith(self.spaces) else "O"
            self._write(line(letter, source, target, str(_allocated(source)), str(_allocated(target))))
        except Exception:  # noqa: BLE001
            self.missed += 1

    def naming(self, path: str) -> None:
        """Take the folder that the program has set as `tempfile.tempdir` for temp space, too."""
        del path
        try:
            chosen = getattr(sys.modules.get("tempfile"), "tempdir", None)
            if chosen is self._tempdir:
                return
            self._tempdir = chosen
            if isinstance(chosen, (str, bytes)):
                ways = _ways(os.fsdecode(chosen))
                self.spaces += tuple(way for way in ways if way not in self.spaces)
                if len(ways) > 1:
                    self._write(line("A", *ways))
        except Exception:  # noqa: BLE001
            self.missed += 1

    def end(self) -> None:
        """Say at exit whether anything was missed."""
        if self.missed:
            self._lose()

    def _check(self) -> None:
        if self.missed:
            self._lose()
        if getpid() != self._pid:
            self._begin_process()

    def _begin_process(self) -> None:
        before, self._pid = self._pid, getpid()
        self._pid_text = str(self._pid)
        self._token = f"{urandom(6).hex()}."  # the numbers of stacks are this process's own; pids come again
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        self._write(line("P", self._pid_text, str(before), version, sys.executable or "", os.path.dirname(os.__file__)))

    def _write(self, data: bytes) -> bool:
        try:
            descriptor = self._descriptor()
            length = self._length + len(data)
            if length <= _MOST_BYTES and not _is_over_limit(length) and write(descriptor, data) == len(data):
                return True
        except OSError:
            pass
        self._lose()
        return False

    def _descriptor(self) -> int:
        try:
            status = fstat(self._fd)
            if (status.st_dev, status.st_ino) == self._identity:
                if status.st_nlink == 0:  # the tracer has gone: nobody is to find a disk full of what has no name
                    self.spaces = ()
                self._length = status.st_size
                return self._fd
        except OSError:
            pass  # the program has closed it, as daemons close all; what has the number now is not ours
        try:
            low = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))  # never made anew
        except FileNotFoundError:
            self.spaces = ()
            raise
        status = fstat(low)
        self._fd, self._identity, self._length = _moved_up(low), (status.st_dev, status.st_ino), status.st_size
        return self._fd

    def _lose(self) -> None:
        if not self._is_complete:
            return
        try:
            unlink(self._mark)
        except OSError:
            pass  # another process has, or may as well
        self._is_complete = False


def begin(place: str) -> None:
    """Record what this process and its forks do from now on."""
    recorder = Recorder(place)
    observe(recorder)
    import atexit

    atexit.register(recorder.end)


def _spaces(place: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the folders of temporary files, each with a separator at its end; and (other name, real name) of some."""
    with open(os.path.join(place, EXTRA_SPACES), "rb") as file:
        extra = [os.fsdecode(name) for name in file.read().split(b"\0") if name]
    named = [value for variable in _VARIABLES for value in (os.environ.get(variable),) if value]
    ways = [_ways(folder) for folder in (*extra, *named, *_USUAL)]
    return tuple({name: None for names in ways for name in names}), [names for names in ways if len(names) > 1]


def _ways(folder: str) -> tuple[str, ...]:
    return tuple({path.rstrip(os.sep) + os.sep: None for path in (os.path.abspath(folder), os.path.realpath(folder))})


def _allocated(path: str) -> int:
    """Return the bytes that go with a name: none where it has others; -1 where there is no such thing."""
    try:
        status = lstat(path)
    except OSError:
        return -1
    is_directory = status.st_mode & 0o170000 == 0o040000
    size: int = getattr(status, "st_blocks", status.st_size // 512) * 512
    return size if is_directory or status.st_nlink == 1 else 0


def _shortened(stack: Stack) -> Stack:
    left_out = len(stack) - _MOST_FRAMES
    if left_out <= 0:
        return stack
    half = _MOST_FRAMES // 2
    return (*stack[:half], ("", 0, f"({left_out} calls left out)"), *stack[-half:])


def _is_over_limit(length: int) -> bool:
    """Whether the program would be killed for so long a file (`ulimit -f`), since it ignores SIGXFSZ no more."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGXFSZ) != signal.SIG_IGN:
        from resource import RLIMIT_FSIZE, getrlimit

        return 0 <= getrlimit(RLIMIT_FSIZE)[0] < length
    return False


def _moved_up(descriptor: int) -> int:
    """Return the descriptor under a high number, so that the program gets the low ones that it would get without us.

    Between the look and the taking another thread may get that number only if it has all those below it open.
    """
    if sys.platform == "win32":
        return descriptor
    limit = os.sysconf("SC_OPEN_MAX")
    top = min(_HIGH, limit if limit > 0 else _HIGH) - 1
    for high in range(top, max(top - 64, descriptor), -1):
        try:
            fstat(high)
        except OSError:
            dup2(descriptor, high, inheritable=False)
            close(descriptor)
            return high
    return descriptor
