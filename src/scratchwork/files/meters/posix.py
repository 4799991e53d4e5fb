"""What a tree may hold and holds, counted by all processes that write into it through our file objects.

A meter is a small file beside its tree: the limits, and what is used as far as is known. Two record locks on it keep
writers apart, which the kernel drops when their process dies:

- the gate, held for an instant to read and change the numbers, or, to count anew, for as long as that takes. Who waits
  for one that was stopped there is told so, and has taken nothing;
- in flight, shared, from when bytes are taken until they are written, so that a recount, which takes it alone, sees
  them all.

Taking comes before writing, so a process that is killed in between leaves the count too high, never too low. So does
whatever removes files without our knowledge, and cutting off what a file object had not taken itself, which is not
given back. That is why nothing is refused before a recount, a walk of the whole tree.

A process has one meter for one tree, which opens the file once, and anew after a fork: a child that shared the open
file would share its locks. On macOS closing any other descriptor of the file drops them (`record_locks.posix`), so
nothing else there may open the file of a meter that this process counts against.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from _thread import RLock

assert sys.platform != "win32"

from scratchwork.errors import QuotaExceeded
from scratchwork.system import holdings, processes
from scratchwork.system.record_locks import exclusive, holder, release, shared

from .numbers import FORMAT, UNLIMITED, Numbers, numbers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchwork.system.trees import Usage

_GATE, _IN_FLIGHT = 0, 1
_PATIENCE = 1.0  # seconds to wait for those who write: one that was stopped in mid-write must not stop all others
_PATIENCE_AT_GATE = 5.0  # seconds to wait for one that was stopped there, by ctrl-Z perhaps, and goes on
_MOST_PATIENCE_AT_GATE = 300.0  # seconds: the longest that a recount may take
_SHORTEST_WAIT, _WAIT, _SELDOM = 0.00005, 0.0005, 0.1  # seconds between looks
_NOT_OPEN, _CLOSED = -1, -2


class Meter:
    """The meter of one tree, as this process uses it. Safe in several threads and processes, and after a fork."""

    _owed_bytes: int
    _owed_files: int

    def __init__(self, tree: str, path: str) -> None:
        """Open the meter of a tree at `path`. Raises OSError."""
        self.tree = tree
        self._path = path
        is_root = os.path.dirname(path) == tree  # a root's meter lies in it, a workspace's beside it
        self._measure = holdings.of_root if is_root else holdings.of_tree
        self.recounts = 0
        """How often the tree was counted anew, as far as we have read."""
        self._fd = _NOT_OPEN
        self._restart()
        self._open()

    def begin(self) -> None:
        """Begin to change the tree: pass the gate, and be in flight. Nests in a thread; `end` ends it.

        Raises TimeoutError if a process that is stopped holds the gate.
        """
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            try:
                if self._fd == _NOT_OPEN:
                    self._open()
                if self._fd >= 0:
                    self._have(exclusive, _GATE)
                    self._have(shared, _IN_FLIGHT)
            except BaseException:
                self.end()
                raise

    def leave_gate(self) -> None:
        """Let others change the numbers again; what we do with what we took is in flight."""
        if self._depth == 1 and self._fd >= 0:
            release(self._fd, _GATE, 1)

    def end(self) -> None:
        """End what `begin` began."""
        try:
            if self._depth == 1 and self._fd >= 0:
                if self._owed_bytes or self._owed_files:
                    self._have(exclusive, _GATE)
                    self.add(0)
                release(self._fd, _GATE, 2)
        finally:
            self._depth -= 1
            self._lock.release()

    def take(self, size: int) -> int | None:
        """Take bytes and leave the gate, if there is room without further ado; return how many are left then.

        The short way of `room`, `add` and `leave_gate`, for nearly all writes.
        """
        if self._depth != 1 or self._owed_bytes or self._fd < 0:
            return None
        data = os.pread(self._fd, FORMAT.size, 0)
        if len(data) != FORMAT.size:
            return None
        limit, limit_files, used, files, is_watched, self.recounts = FORMAT.unpack(data)
        left: int = limit - used - size
        if left < 0:
            return None
        os.pwrite(self._fd, FORMAT.pack(limit, limit_files, used + size, files, is_watched, self.recounts), 0)
        release(self._fd, _GATE, 1)
        return left

    def room(self, size: int) -> int:
        """Return how many of `size` more bytes may be had: all, or less, but that only after a recount. At the gate."""
        now = self.read()
        if now.used + self._owed_bytes + size > now.limit:
            now = self._recounted()
        return min(size, max(0, now.limit - now.used - self._owed_bytes))

    def check_file(self) -> None:
        """Raise QuotaExceeded if there may not be another file, also after a recount. At the gate."""
        if self.read().files >= self.read().limit_files and (now := self._recounted()).files >= now.limit_files:
            raise QuotaExceeded(self.tree, now.files, now.limit_files, 1, "files")

    def add(self, size: int, files: int = 0) -> int:
        """Count so much more, or, negative, less; return how many bytes are left. At the gate."""
        if self._depth > 1:
            # A file of ours that was forgotten is being collected, and so closed, in the middle of another's write.
            self._owed_bytes += size
            self._owed_files += files
            return UNLIMITED
        now = self.read()
        now.used = max(0, now.used + size + self._owed_bytes)
        now.files = max(0, now.files + files + self._owed_files)
        self._owed_bytes = self._owed_files = 0
        self._write(now)
        return now.limit - now.used

    def read(self) -> Numbers:
        """Return what it says. Raises OSError if it can't be read."""
        if self._fd < 0:
            return Numbers(UNLIMITED, UNLIMITED)
        now = numbers_of(os.pread(self._fd, FORMAT.size, 0) or self._read_newborn())
        if now is None:
            raise OSError(errno.EIO, "the meter of a quota is damaged; end what is in this workspace", self._path)
        self.recounts = now.recounts
        return now

    def _read_newborn(self) -> bytes:
        """Read it when another process has made it, and is about to write it."""
        deadline = time.monotonic() + _PATIENCE
        while not (data := os.pread(self._fd, FORMAT.size, 0)) and time.monotonic() < deadline:
            time.sleep(_WAIT)
        return data

    def exceeded(self, wanted: int) -> QuotaExceeded:
        """Return the error that says that so many bytes more can't be had."""
        now = self.read()
        return QuotaExceeded(self.tree, now.used, now.limit, wanted)

    def recount(self) -> Numbers:
        """Count anew what the tree holds, by a full walk, and return what the meter says then."""
        self.begin()
        try:
            return self._recounted()
        finally:
            self.end()

    def measure(self) -> Usage:
        """Walk the tree and return what it takes, with what was deleted but is still open."""
        return self._measure(os.path.realpath(self.tree))  # by which the kernel knows what was deleted there

    def set_limits(self, limit: int, limit_files: int) -> None:
        """Change the limits, for all processes at once; what is used already may be more."""
        self.begin()
        try:
            now = self.read()
            now.limit, now.limit_files = limit, limit_files
            self._write(now)
        finally:
            self.end()

    def close(self) -> None:
        """Close the file, when the tree is gone. What is written to files of it that are still open counts no more."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = _CLOSED

    def restart_after_fork(self) -> None:
        """Start anew in a forked child: record locks are not inherited, and a thread that is not here may have ours."""
        if self._fd >= 0:
            os.close(self._fd)
            self._restart()

    def _restart(self) -> None:
        self._lock = RLock()
        self._depth = 0
        self._owed_bytes = self._owed_files = 0
        """What was taken, or given back, in the middle of another change."""
        self._fd = _NOT_OPEN

    def _open(self) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            self._fd = _CLOSED  # the tree has gone, too

    def _write(self, numbers: Numbers) -> None:
        if self._fd >= 0:
            os.pwrite(self._fd, numbers.text(), 0)

    def _recounted(self) -> Numbers:
        """Count anew, at the gate, when nobody else is in flight; if somebody does not land, all stays as it was."""
        if self._depth == 1 and self._fd >= 0 and self._is_alone():
            try:
                found = self.measure()
            finally:
                shared(self._fd, _IN_FLIGHT)  # so that others may follow once we leave the gate
            now = self.read()
            now.used, now.files = found.length, found.files + found.directories
            now.recounts += 1
            self._write(now)
            self._owed_bytes = self._owed_files = 0  # it has seen them
        return self.read()

    def _have(self, lock: Callable[[int, int], bool], byte: int) -> None:
        """Wait for a lock until we have it. Raises TimeoutError if its holder is stopped, or holds it for very long."""
        pause, began = _SHORTEST_WAIT, 0.0
        while not lock(self._fd, byte):
            began = began or time.monotonic()
            if (waited := time.monotonic() - began) > _PATIENCE_AT_GATE:
                self._complain(waited, byte)
                pause = _SELDOM
            time.sleep(pause)
            pause = min(2 * pause, _WAIT)

    def _complain(self, waited: float, byte: int) -> None:
        """Raise TimeoutError, unless whoever has a lock may be expected to go on, as one who counts a large tree."""
        pid = holder(self._fd, byte)
        is_stopped = pid is not None and processes.is_stopped(pid)
        if is_stopped or waited > _MOST_PATIENCE_AT_GATE:
            who = "a process that we can't see" if pid is None else f"process {pid} ({processes.command(pid)})"
            how = (
                f"which is stopped; let it go on (kill -CONT {pid}), or end it" if is_stopped else "which does not end"
            )
            raise OSError(errno.ETIMEDOUT, f"the quota is being counted by {who}, {how}", self.tree)

    def _is_alone(self) -> bool:
        deadline = time.monotonic() + _PATIENCE
        while not exclusive(self._fd, _IN_FLIGHT):
            if time.monotonic() > deadline:
                return False
            time.sleep(_WAIT)
        return True
