"""Closing what nothing hangs on any more."""

from __future__ import annotations

import os


def close_quietly(fd: int) -> None:
    """Close what was only read, or synced if that was wanted: an error of close(2) has nothing to say about it."""
    try:
        os.close(fd)
    except OSError:
        pass
