"""POSIX record locks, fcntl(2): they belong to the process, and go when it closes any descriptor of the file.

Type-checked only: this module has not been run on macOS yet.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, lockf


def exclusive(descriptor: int, start: int) -> bool:
    """Lock a byte for us alone; False if anybody else has it."""
    return _lock(descriptor, LOCK_EX, start)


def shared(descriptor: int, start: int) -> bool:
    """Lock a byte, which others may share; False if somebody else has it for himself."""
    return _lock(descriptor, LOCK_SH, start)


def release(descriptor: int, start: int, length: int) -> None:
    """Unlock so many bytes."""
    lockf(descriptor, LOCK_UN, length, start)


def _lock(descriptor: int, kind: int, start: int) -> bool:
    try:
        lockf(descriptor, kind | LOCK_NB, 1, start)
    except (BlockingIOError, PermissionError):  # fcntl(2): EAGAIN or EACCES
        return False
    return True


def holder(descriptor: int, start: int) -> int | None:
    """Return None: it can't be told here."""
    del descriptor, start
    return None
