"""Locks by LockFile, through `msvcrt`. Type-checked only: this module has not been run on Windows yet."""

from __future__ import annotations

import errno
import sys

assert sys.platform == "win32"

import msvcrt

LOCKS_DIRECTORIES = False  # a directory cannot be opened as a file descriptor

# msvcrt.locking reports a region that another process has locked as one of these.
_HELD = frozenset({errno.EACCES, errno.EDEADLK, errno.EAGAIN})


def exclusive(descriptor: int) -> bool:
    """Take a lock that nobody else has; False if anybody has one."""
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


shared = exclusive  # msvcrt knows no shared lock, so nobody can join a workspace on Windows
