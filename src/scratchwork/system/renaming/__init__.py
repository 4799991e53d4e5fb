"""Two renames that rename(2) can't do: one that never replaces, and one that swaps two names in one step.

`rename_new` gives a thing a name that nothing has, or raises FileExistsError; `exchange` swaps two things. Both take
a folder and a name in it, twice. Where the kernel, the C library or the file system can't, they raise OSError with
EOPNOTSUPP and change nothing.
"""

from __future__ import annotations

import sys

if sys.platform == "linux":
    from .linux import exchange, rename_new
elif sys.platform == "darwin":
    from .macos import exchange, rename_new
elif sys.platform == "win32":
    from .windows import exchange, rename_new
else:
    from .bsd import exchange, rename_new

__all__ = ["exchange", "rename_new"]
