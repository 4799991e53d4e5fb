"""Locks by flock(2): they belong to the open file description, so a forked or spawned child shares them."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

LOCKS_DIRECTORIES = True
_SHARED = LOCK_SH | LOCK_NB
_EXCLUSIVE = LOCK_EX | LOCK_NB


def shared(descriptor: int) -> bool:
    """Take a lock that others may share; False if somebody has the exclusive one."""
    try:
        flock(descriptor, _SHARED)
    except BlockingIOError:
        return False
    return True


def exclusive(descriptor: int) -> bool:
    """Take a lock that nobody else has; False if anybody has one."""
    try:
        flock(descriptor, _EXCLUSIVE)
    except BlockingIOError:
        return False
    return True
