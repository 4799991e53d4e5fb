"""Removing a directory that may be empty."""

from __future__ import annotations

import errno
import os

NOT_EMPTY = frozenset({errno.ENOTEMPTY, errno.EEXIST})  # rmdir(2) may say either


def remove_empty(name: str | bytes, dir_fd: int | None) -> bool:
    """Remove a directory if it is empty or gone; False if it is not empty. Raises OSError at all else.

    `remove` tries this on each directory before it enters it: the kernel refuses a mount point here (EBUSY) before
    it looks inside, also one of the same device, which no device number would give away.
    """
    try:
        os.rmdir(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in NOT_EMPTY:
            return False
        raise
    return True
