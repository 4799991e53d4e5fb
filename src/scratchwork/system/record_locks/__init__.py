"""Locks on single bytes of an open file, which keep processes apart and are dropped when their process dies.

`exclusive` and `shared` never wait: they return whether the lock was had, and change the one that is held already into
the other without dropping it first. `release` lets go of a number of bytes. Not on Windows.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

if sys.platform == "linux":
    from .linux import exclusive, holder, release, shared
else:
    from .posix import exclusive, holder, release, shared

__all__ = ["exclusive", "holder", "release", "shared"]
