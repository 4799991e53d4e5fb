"""Lending what lies in a workspace to a reader, so that the workspace does not go from under it.

`NAME.lent`, beside the workspace, has a shared lock for each reader, which the kernel drops with the reader's last
process, however it dies. Who ends the workspace waits for the exclusive one, for as long as it has patience, and holds
it until the workspace is gone: so nobody borrows from what is being removed.
"""

from __future__ import annotations

import os
import time
from _thread import RLock

from scratchwork.errors import WorkspaceGone
from scratchwork.system import locks, processes
from scratchwork.system.paths import within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scratchwork.system.folders import Folder

SUFFIX = ".lent"
"""What the name of the file with the locks ends with, after the workspace's."""
PATIENCE = 30.0
"""Seconds that ending a workspace waits for what is lent, unless it is told otherwise."""

_SOONEST, _LATEST = 0.001, 0.05  # seconds between looks: no event tells of another process's lock

_lent: dict[str, list[Loan]] = {}
"""What this process, or the one that it was forked from, has lent and not got back, by the workspace's path."""
_lock = RLock()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # noqa: SLF001


class Loan:
    """Something in a workspace that is in use: a context manager, which gives its path.

    Made by `Workspace.lend`, from when on it counts. Safe in several threads: any may release it.
    """

    __slots__ = ("_fd", "_path", "_top")

    def __init__(self, fd: int, top: str, path: str) -> None:
        self._fd = fd
        self._top = top
        self._path = path
        with _lock:
            _lent.setdefault(top, []).append(self)

    @property
    def path(self) -> Path:
        """The absolute path of what is lent."""
        from pathlib import Path

        return Path(self._path)

    def fileno(self) -> int:
        """Return a descriptor to hand to a child that reads on when we are done: `pass_fds=[loan.fileno()]`."""
        return self._fd

    def release(self) -> None:
        """Give it back: we read no more. Who was handed the descriptor may go on. Once is enough."""
        with _lock:
            loans = _lent.get(self._top, [])
            if self not in loans:
                return
            loans.remove(self)
            if not loans:
                del _lent[self._top]
            fd, self._fd = self._fd, -1
        os.close(fd)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *exception: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Loan {self._path!r}{' (released)' if self._fd < 0 else ''}>"


def lend(folder: Folder, name: str, what: str | os.PathLike[str], has_ended: Callable[[], bool]) -> Loan:
    """Lend what lies in the workspace `name` of a root's folder. See `Workspace.lend`.

    `has_ended`: whether its end has begun, as far as this process knows. It is asked with the lock in hand: who ends it
    says so first, and looks for locks then.
    """
    top = os.path.join(folder.path, name)
    path = within(top, what)
    if has_ended() or not folder.has(name):
        raise WorkspaceGone(top)
    os.lstat(path)  # before anything is made for it
    fd = folder.open(name + SUFFIX, os.O_RDWR | os.O_CREAT)
    try:
        if not locks.shared(fd) or has_ended() or not folder.has(name):
            raise WorkspaceGone(top, "it is being removed")
        os.lstat(path)
    except BaseException:
        os.close(fd)
        if not folder.has(name):
            folder.unlink(name + SUFFIX)
        raise
    return Loan(fd, top, path)


class Recall:
    """Getting back what is lent of a workspace that is to end; a context manager, in which nobody can borrow."""

    __slots__ = ("_fd", "_folder", "_name")

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._fd = -1

    def is_over(self) -> bool:
        """Return whether nothing is lent, now; once it is so, nothing can be."""
        if self._fd < 0:
            if not self._folder.has(self._name + SUFFIX):
                return True
            self._fd = self._folder.open(self._name + SUFFIX, os.O_RDWR)
        return locks.exclusive(self._fd)

    def wait(self, seconds: float) -> None:
        """Wait until nothing is lent. When the time is over, say in the log what still is."""
        began = time.monotonic()
        pause = _SOONEST
        while not self.is_over():
            left = began + seconds - time.monotonic()
            if left <= 0:
                self._complain(seconds)
                return
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LATEST)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        if self._fd >= 0:
            self._folder.unlink(self._name + SUFFIX)
            os.close(self._fd)
            self._fd = -1

    def _complain(self, seconds: float) -> None:
        import logging

        top = os.path.join(self._folder.path, self._name)
        ours = [os.path.relpath(loan._path, top) for loan in list(_lent.get(top, []))]  # noqa: SLF001 - our own
        theirs = [pid for pid in processes.holders([top + SUFFIX])[top + SUFFIX] if pid != os.getpid()]
        told = [*(f"{path!r} by this process" for path in ours)]
        told += [f"something by process {pid} ({processes.command(pid)})" for pid in theirs]
        logging.getLogger("scratchwork").warning(
            "%s: it is removed although it is in use, after %g s of waiting: lent are %s",
            top,
            seconds,
            ", ".join(told) or "parts of it",
        )


def forget_all() -> None:
    """Release all that this process has lent: it exits, and nobody here reads any more."""
    for loans in list(_lent.values()):
        for loan in list(loans):
            loan.release()
