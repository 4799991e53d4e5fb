"""What all platforms say alike."""

from __future__ import annotations

import errno


def unsupported(what: str) -> OSError:
    """Return the error that says that a rename of this kind can't be had here."""
    return OSError(errno.EOPNOTSUPP, f"this system, or that file system, can't {what} in one step")


NEW = "rename without replacing what may have the name"
EXCHANGE = "swap two names"
