"""Locks of an open file description, fcntl(2), Linux 3.15: closing another descriptor of the file does not drop them.

All threads share them, and so does a forked child as long as it has the descriptor open. A kernel that knows none, as
that of some sandboxes, has POSIX locks instead: see `posix`.
"""

from __future__ import annotations

import os
import sys

assert sys.platform == "linux"

from _struct import Struct
from fcntl import F_OFD_SETLK, F_RDLCK, F_SETLK, F_UNLCK, F_WRLCK, fcntl

from scratchwork.system import processes

_FORMAT = Struct("hhqqi")  # struct flock: type, whence (0 is SEEK_SET), start, length, pid


def _probe() -> int:
    descriptor = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl(descriptor, F_OFD_SETLK, _FORMAT.pack(F_UNLCK, 0, 0, 1, 0))
    except OSError:
        return F_SETLK
    finally:
        os.close(descriptor)
    return F_OFD_SETLK


_SET = _probe()
_EXCLUSIVE = [_FORMAT.pack(F_WRLCK, 0, start, 1, 0) for start in range(2)]
_SHARED = [_FORMAT.pack(F_RDLCK, 0, start, 1, 0) for start in range(2)]


def exclusive(descriptor: int, start: int) -> bool:
    """Lock a byte, the first or the second, for us alone; False if anybody else has it."""
    return _lock(descriptor, _EXCLUSIVE[start])


def shared(descriptor: int, start: int) -> bool:
    """Lock a byte, which others may share; False if somebody else has it for himself."""
    return _lock(descriptor, _SHARED[start])


def release(descriptor: int, start: int, length: int) -> None:
    """Unlock so many bytes."""
    fcntl(descriptor, _SET, _FORMAT.pack(F_UNLCK, 0, start, length, 0))


def _lock(descriptor: int, what: bytes) -> bool:
    try:
        fcntl(descriptor, _SET, what)
    except (BlockingIOError, PermissionError):  # fcntl(2): EAGAIN or EACCES
        return False
    return True


def holder(descriptor: int, start: int) -> int | None:
    """Return the pid of a process that has a byte for itself; None if it can't be told. Slow: looks at all processes.

    It goes by the file and what /proc/PID/fdinfo tells of locks (proc(5)): the lock itself knows no process.
    """
    own = os.fstat(descriptor)
    for pid in processes.pids():
        try:
            for name in os.listdir(f"/proc/{pid}/fd") if pid != os.getpid() else ():
                if _is_file(f"/proc/{pid}/fd/{name}", own) and _locks(f"/proc/{pid}/fdinfo/{name}", start):
                    return pid
        except OSError:  # it is gone, or another user's
            continue
    return None


def _is_file(link: str, own: os.stat_result) -> bool:
    try:
        status = os.stat(link)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (own.st_dev, own.st_ino)


def _locks(path: str, start: int) -> bool:
    with open(path, "rb") as file:
        lines = [line.split() for line in file if line.startswith(b"lock:")]
    # lock: 1: OFDLCK ADVISORY WRITE -1 00:1c:5 0 0
    return any(b"WRITE" in words and int(words[-2]) <= start and _end(words[-1]) >= start for words in lines)


def _end(word: bytes) -> int:
    return sys.maxsize if word == b"EOF" else int(word)
