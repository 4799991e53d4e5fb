"""What this process has made and is to remove: by itself alone, at its exit at the latest.

The one truth about who may remove something is whether it is in here. A forked child starts with nothing, so it
never removes what its parent made, whatever its copies of the parent's objects do.
"""

from __future__ import annotations

import atexit
import os
import sys
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    class Owner(Protocol):
        """An object that made something in the file system."""

        def remove_forgotten(self) -> None:
            """Remove it now, since the process ends. Not called in a process that did not make it."""


_owned: dict[int, ref[Owner]] = {}
_arranged = False
process = os.getpid()
"""The process that this is; asking for it is a system call."""


def own(owner: Owner) -> None:
    """From now on, what `owner` made is removed when this process ends, unless it is disowned before.

    Safe in several threads. Does not keep `owner` alive.
    """
    _owned[id(owner)] = ref(owner)
    if not _arranged:
        _arrange()


def disown(owner: Owner) -> bool:
    """Let go of what `owner` made; return whether it was this process's to remove until now."""
    return _owned.pop(id(owner), None) is not None


def owns(owner: Owner) -> bool:
    """Return whether what `owner` made is this process's to remove."""
    return id(owner) in _owned


@atexit.register
def remove_all() -> None:
    """Remove all that is still owned, the newest first: what was made later may lie in what was made before."""
    while _owned:
        _, reference = _owned.popitem()
        owner = reference()
        if owner is not None:
            try:
                owner.remove_forgotten()
            except Exception:  # noqa: BLE001 - the others must go, too
                sys.excepthook(*sys.exc_info())


def _arrange() -> None:
    """In a child of `multiprocessing`, which ends by os._exit and runs no atexit callbacks, ask it to call us."""
    global _arranged  # noqa: PLW0603 - once a process
    _arranged = True
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, remove_all, exitpriority=_AFTER_ALL_OTHERS)


_AFTER_ALL_OTHERS = -1_000_000  # those of a priority below 0 run after the process's own children have been joined


def _forget_the_parents() -> None:
    global _arranged, process  # noqa: PLW0603 - once a process
    _owned.clear()
    _arranged = False
    process = os.getpid()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_forget_the_parents)


class Owned:
    """Something at a path that this process made, and removes in the end unless it is to stay."""

    if TYPE_CHECKING:
        _path: str | bytes
        _delete: bool
        _maker: int
        """The process that made it."""

        def remove_forgotten(self) -> None:
            """Remove it now, since the process ends."""

    @property
    def delete(self) -> bool:
        """Whether it is removed in the end; may be changed until then."""
        return self._delete

    @delete.setter
    def delete(self, value: bool) -> None:
        self._delete = value
        if not value:
            disown(self)
        elif self._maker == process:
            own(self)

    def keep(self) -> Path:
        """Decide that it stays, where it is, and return its path.

        Inside a workspace it stays as long as the workspace does.
        """
        from pathlib import Path

        self.delete = False
        return Path(os.fsdecode(self._path))


def warn_of_another(path: str | bytes) -> None:
    """Say that what has the name now is not what we made, and is left alone."""
    import warnings

    warnings.warn(
        f"{os.fsdecode(path)!r} is not what was made under that name: it is left alone", RuntimeWarning, stacklevel=4
    )


def warn_of_forgotten(what: str) -> None:
    """Say, as `tempfile` does, that something was left to the garbage collector or to the exit."""
    import warnings

    warnings.warn(f"Implicitly cleaning up {what}", ResourceWarning, stacklevel=4)
