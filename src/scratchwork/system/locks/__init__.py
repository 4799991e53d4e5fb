"""A lock on an open file, which the kernel drops when the last descriptor that shares it is closed.

`shared` and `exclusive` never wait: they return whether the lock was had, and pass every error other than
'would block' on, since an error says nothing about who holds the lock.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .windows import LOCKS_DIRECTORIES, exclusive, shared
else:
    from .posix import LOCKS_DIRECTORIES, exclusive, shared

__all__ = ["LOCKS_DIRECTORIES", "exclusive", "shared"]
