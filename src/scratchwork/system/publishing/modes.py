"""The permission bits of what is published."""

from __future__ import annotations

import os
import stat

from .closing import close_quietly


def choose(mode: int | None, replaced: os.stat_result | None, *, directory: bool, executable: bool) -> int:
    """Return the mode asked for, else that of what is replaced, else what open(2) or mkdir(2) would have given.

    What is taken over never holds a set-user-id, set-group-id or sticky bit.
    """
    if mode is not None:
        return mode
    if replaced is not None:
        return stat.S_IMODE(replaced.st_mode) & 0o777
    return (0o777 if directory or executable else 0o666) & ~umask()


def umask() -> int:
    """Return the process's umask: from /proc, which doesn't change it (proc(5), Linux 4.7), else by changing it.

    Where it must be changed, other threads make private files for an instant.
    """
    found = _umask_in_proc()
    if found is None:
        found = os.umask(0o077)
        os.umask(found)
    return found


def _umask_in_proc() -> int | None:
    try:
        fd = os.open("/proc/self/status", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:  # no /proc: the other way has its own errors
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        close_quietly(fd)
    _, found, rest = text.partition(b"\nUmask:")
    return int(rest.split(None, 1)[0], 8) if found else None
