"""A workspace that a process makes when it first needs one, and that lasts until the process exits."""

from __future__ import annotations

import os
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchwork.roots.workspace import Workspace

# One for all: it is held while a workspace is made, once a process. Re-entrant: one that is collected meanwhile ends.
_lock = RLock()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # noqa: SLF001


class Standing:
    """An `os.PathLike` that leads to this process's workspace, and makes it if there is none.

    Safe in several threads. A forked child makes one of its own. After kill -9 the next sweep removes it.
    """

    __slots__ = ("_make", "_workspace")

    def __init__(self, make: Callable[[], Workspace]) -> None:
        """`make` makes the workspace."""
        self._make = make
        self._workspace: Workspace | None = None

    def close(self) -> None:
        """End this process's workspace now instead of at exit; who needs one then gets another.

        In a forked child that lets go of the parent's. Raises CleanupIncomplete.
        """
        with _lock:
            ws, self._workspace = self._workspace, None
            if ws is not None:
                ws.cleanup()

    def __fspath__(self) -> str:
        with _lock:
            ws = self._workspace
            # Cleaners of the temp folder may have removed it from under a program that runs for weeks.
            if ws is None or ws._tenure.maker != os.getpid() or ws.has_ended or not os.path.isdir(ws):  # noqa: SLF001 - our own
                self.close()
                self._workspace = ws = self._make()
                ws._tenure.lasts_until_exit()  # noqa: SLF001 - our own
            return os.fspath(ws)
