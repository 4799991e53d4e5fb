"""Walk, measure and remove a tree without ever leaving it.

Iterative, so that no depth is too deep; relative to directory descriptors and `O_NOFOLLOW` at every step, so
that a directory swapped for a symlink leads nowhere; with a bounded number of descriptors; never across a
mount point. What vanishes meanwhile is fine.
"""

from __future__ import annotations

import sys

from .emptying import remove_empty
from .facts import Failure, Removal, Usage, allocated

if sys.platform == "win32":
    from .windows import measure, measure_in, remove, remove_at, remove_in, walk
else:
    from .posix import measure, measure_in, remove, remove_at, remove_in, walk

__all__ = [
    "Failure",
    "Removal",
    "Usage",
    "allocated",
    "measure",
    "measure_in",
    "remove",
    "remove_at",
    "remove_empty",
    "remove_in",
    "walk",
]
