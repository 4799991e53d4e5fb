"""A program and all that it starts, told to end as one: a process group of its own."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .windows import await_end, is_left, options, tell
else:
    from .posix import await_end, is_left, options, tell

__all__ = ["await_end", "is_left", "options", "tell"]
