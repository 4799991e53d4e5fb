"""A program and all that it starts, told to end as one: a process group of its own."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from .windows import Group, options
else:
    from .posix import Group, options

__all__ = ["Group", "options"]
