"""Where there are no mount namespaces."""

from __future__ import annotations

import errno

PAGE = 4096
_WHY = "only Linux has mount namespaces"


def enter() -> None:
    """Raise OSError."""
    raise OSError(errno.EOPNOTSUPP, _WHY)


def mount(point: str, size: int, inodes: int | None) -> None:
    """Raise OSError."""
    del size, inodes
    raise OSError(errno.EOPNOTSUPP, _WHY, point)


def uncover(point: str) -> None:
    """Raise OSError."""
    raise OSError(errno.EOPNOTSUPP, _WHY, point)


def refusal() -> str:
    """Return why it can't be had here."""
    return _WHY
