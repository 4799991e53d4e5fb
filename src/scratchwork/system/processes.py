"""Other processes: our children, those we take in, who has a directory open. Linux only; elsewhere none is seen."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

_PR_SET_CHILD_SUBREAPER = 36


if sys.platform == "linux":

    def take_in_orphans() -> bool:
        """Make this process the parent of every descendant whose own parent dies; False where that can't be had.

        prctl(2), PR_SET_CHILD_SUBREAPER, Linux 3.4.
        """
        return _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

    def _prctl(*arguments: int) -> int:
        """Call prctl(2), which the standard library does not wrap.

        By way of what `ctypes` is made of, since importing `ctypes` takes a tenth of the time of a whole `scratch run`.
        """
        try:
            from _ctypes import call_function, dlopen, dlsym
        except ImportError:  # another Python, or a later one that has them no more
            import ctypes

            return int(ctypes.CDLL(None).prctl(*arguments))
        this_program: Any = None  # dlopen(3): NULL; typeshed has it wrong
        return int(call_function(dlsym(dlopen(this_program, 0), "prctl"), arguments))

    class Family:
        """What descends from a process, held by pidfds, so that a pid which is another's by now is noticed.

        What was seen once is remembered when its parents are gone. pidfd_open(2): Linux 5.3. Not safe in several
        threads.
        """

        def __init__(self, of: int) -> None:
            self._of = of
            self._members: dict[int, int] = {}

        def look(self) -> None:
            """See who has come."""
            for pid, parent in _descendants([self._of, *self._members]):
                if pid in self._members:
                    continue
                try:
                    descriptor = os.pidfd_open(pid)
                except OSError:
                    continue
                if _parent(pid) == parent:
                    self._members[pid] = descriptor
                else:
                    os.close(descriptor)

        def send(self, number: int) -> None:
            """Send a signal to all that were seen, as far as we may."""
            from _signal import pidfd_send_signal  # type: ignore[import-not-found] # without `signal`'s enums

            for descriptor in self._members.values():
                try:
                    pidfd_send_signal(descriptor, number)
                except OSError:
                    continue

        def is_left(self) -> bool:
            """Whether any that was seen has not ended: a pidfd can be read when its process has."""
            if not self._members:
                return False
            from select import POLLIN, poll

            ends = poll()
            for descriptor in self._members.values():
                ends.register(descriptor, POLLIN)
            return len(ends.poll(0)) < len(self._members)

        def close(self) -> None:
            """Give the descriptors back, and forget them all."""
            while self._members:
                os.close(self._members.popitem()[1])

    def family() -> list[int]:
        """Return our pid, and those of all that descend from us; quicker than a look at all processes.

        By /proc/PID/task/TID/children (proc(5); Linux 3.5, with CONFIG_PROC_CHILDREN).
        """
        found = [os.getpid()]
        if not os.path.exists(f"/proc/self/task/{found[0]}/children"):
            return found + [pid for pid, _ in _descendants(found)]
        for pid in found:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                        found += map(int, file.read().split())
            except OSError:  # it has ended
                continue
        return found

    def written(pids: Collection[int]) -> int:
        """Return how many bytes these processes have written so far, into whatever: files, pipes, sockets (proc(5)).

        With what their children wrote that ended and that they waited for. Not what was written through a mapping.
        """
        total = 0
        for pid in pids:
            try:
                with open(f"/proc/{pid}/io", "rb") as file:
                    total += int(file.read().split(None, 4)[3])  # rchar: N, wchar: N, ...
            except (OSError, IndexError, ValueError):  # it has ended, or we may not look
                continue
        return total

else:

    def family() -> list[int]:
        """Return our pid: the others can't be seen here."""
        return [os.getpid()]

    def written(pids: Collection[int]) -> int:
        """Return 0: it can't be seen here."""
        del pids
        return 0

    class Family:
        """Nobody: they can't be seen here."""

        def __init__(self, of: int) -> None: ...

        def look(self) -> None:
            """See nobody."""

        def send(self, number: int) -> None:
            """Do nothing."""

        def is_left(self) -> bool:
            """Return False."""
            return False

        def close(self) -> None:
            """Do nothing."""

    def take_in_orphans() -> bool:
        """Return False: there is no such thing here."""
        return False


def signal_descendants(number: int) -> None:
    """Send a signal to every process that descends from us, as far as they can be seen and we may."""
    ours = Family(os.getpid())
    ours.look()
    ours.send(number)
    ours.close()


def children() -> list[int]:
    """Return the pids of our children, zombies included. None of them can be reused until we have waited for it."""
    me = os.getpid()
    return [pid for pid in pids() if _parent(pid) == me]


def _descendants(of: list[int]) -> list[tuple[int, int]]:
    """Return the pids of the descendants of some processes, each with its parent's, parents first."""
    below: dict[int, list[int]] = {}
    for pid in pids():
        below.setdefault(_parent(pid), []).append(pid)
    found = [(pid, parent) for parent in of for pid in below.get(parent, [])]
    for pid, _ in found:
        found += [(child, pid) for child in below.get(pid, []) if pid not in of]
    return found


def holders(paths: Collection[str]) -> dict[str, list[int]]:
    """Return which processes have each of these directories or files open, as far as we may look (proc(5))."""
    found: dict[str, list[int]] = {path: [] for path in paths}
    for pid in pids():
        for path in _open_paths(pid):
            if path in found and pid not in found[path]:
                found[path].append(pid)
    return found


def command(pid: int) -> str:
    """Return the name of a process's program; '' if it is gone or hidden."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def pids() -> list[int]:
    """Return the pids of all processes that we can see."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped, by a signal or a debugger (proc(5): T and t)."""
    return _status(pid)[:1] in {(b"T",), (b"t",)}


def is_group_alive(group: int) -> bool:
    """Whether a process group has a member that has not ended; True where that can't be seen."""
    seen = [status for pid in pids() if (status := _status(pid))]
    return not seen or any(int(status[2]) == group and status[0] not in {b"Z", b"X"} for status in seen)


def _parent(pid: int) -> int:
    status = _status(pid)
    return int(status[1]) if status else -1


def _status(pid: int) -> tuple[bytes, ...]:
    """Return what the kernel says of a process from its state on: state, parent, group, ...; nothing if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return tuple(file.read().rpartition(b")")[2].split())  # the name may hold anything, ')' too
    except OSError:
        return ()


def _open_paths(pid: int) -> Iterator[str]:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for descriptor in descriptors:
        try:
            yield os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            continue
