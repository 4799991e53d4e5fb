"""Walk, measure and remove a tree without ever leaving it.

Iterative, so that no depth is too deep; relative to directory descriptors and `O_NOFOLLOW` at every step, so
that a directory swapped for a symlink leads nowhere; with a bounded number of descriptors; never across a
mount point. What vanishes meanwhile is fine.
"""

from __future__ import annotations

import sys

from .facts import Failure, Removal, Usage

if sys.platform == "win32":
    from .windows import measure, open_unreadable, remove, remove_empty, walk
else:
    from .mending import open_unreadable
    from .posix import measure, remove, remove_empty, walk

__all__ = ["Failure", "Removal", "Usage", "measure", "open_unreadable", "remove", "remove_empty", "walk"]
