"""No meters: the locks that keep writers apart are not to be had there."""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.errors import QuotaExceeded
    from scratchwork.system.trees import Usage

    from .numbers import Numbers


class Meter:
    """What can't be made."""

    tree: str
    recounts: int

    def __init__(self, tree: str, path: str) -> None:
        """Raise OSError."""
        del path
        raise OSError(errno.EOPNOTSUPP, "quotas work on Linux and macOS only", tree)

    def begin(self) -> None: ...

    def leave_gate(self) -> None: ...

    def end(self) -> None: ...

    def take(self, size: int) -> int | None: ...

    def room(self, size: int) -> int: ...  # type: ignore[empty-body]

    def check_file(self) -> None: ...

    def add(self, size: int, files: int = 0) -> int: ...  # type: ignore[empty-body]

    def read(self) -> Numbers: ...  # type: ignore[empty-body]

    def exceeded(self, wanted: int) -> QuotaExceeded: ...  # type: ignore[empty-body]

    def recount(self) -> Numbers: ...  # type: ignore[empty-body]

    def measure(self) -> Usage: ...  # type: ignore[empty-body]

    def set_limits(self, limit: int, limit_files: int) -> None: ...

    def close(self) -> None: ...

    def restart_after_fork(self) -> None: ...
