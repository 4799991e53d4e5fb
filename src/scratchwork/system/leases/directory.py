"""The lock on the directory itself."""

from __future__ import annotations

import errno
import os
import stat
import sys

assert sys.platform != "win32"

from scratchwork.system import locks, trees
from scratchwork.system.trees.mending import open_unreadable

from .lease import FOREVER, Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

    from .lease import LeaseKind

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def was_removed(fd: int) -> bool:
    """Tell whether a sweeper removed the directory between our making it and our locking it.

    The lock then is on a directory without a name: nobody would see it held, and everything written by path
    would fail. A link count of 0 gives it away (fstat(2)). The kill test's control takes this check out.
    """
    status = os.fstat(fd)
    if status.st_nlink == 0:
        return True
    if status.st_mode & 0o777 != 0o700:  # an unusual umask took from what mkdir(2) was asked for
        os.fchmod(fd, 0o700)
    return False


class DirectoryLeases:
    """Leases on the directories themselves."""

    kind: LeaseKind = "directory"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def take(self, name: str) -> Lease | None:
        parent = self._folder.fd
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            return None
        fd = -1
        try:
            try:
                fd = os.open(name, _DIRECTORY, dir_fd=parent)
            except PermissionError:  # the umask took our own right to read it
                os.chmod(name, 0o700, dir_fd=parent)
                fd = os.open(name, _DIRECTORY, dir_fd=parent)
            if locks.shared(fd) and not was_removed(fd):
                return Lease(fd)
        except FileNotFoundError:
            return None  # a sweeper saw it before it was locked
        except BaseException:
            _close(fd)
            os.rmdir(name, dir_fd=parent)
            raise
        _close(fd)
        return None

    def join(self, name: str) -> Lease | None:
        try:
            if (unheld := self.seize(name)) is not None:
                unheld.release()
                return None
            fd = os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
        except FileNotFoundError:
            return None
        if locks.shared(fd) and not was_removed(fd):
            return Lease(fd)
        os.close(fd)
        return None

    def seize(self, name: str) -> Lease | None:
        mode = None
        try:
            fd = os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
        except PermissionError:  # its job has shut it, perhaps for good: the lock needs it open
            mode = stat.S_IMODE(self._folder.status(name).st_mode)
            fd = open_unreadable(name, self._folder.fd)
        try:
            if locks.exclusive(fd):
                self._check_ours(name, fd)
                return Lease(fd)
            if mode is not None:
                os.fchmod(fd, mode)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def workspace_of(self, name: str) -> str | None:
        del name
        return None

    def remove_empty(self, name: str, lease: Lease) -> bool:
        del lease
        return trees.remove_empty(name, self._folder.fd)

    def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
        return trees.remove(name, self._folder.fd, lease.fileno(), deadline=deadline)

    def measure(self, name: str, deadline: float = FOREVER) -> trees.Usage:
        return trees.measure_in(self._folder, name, deadline=deadline)

    def _check_ours(self, name: str, fd: int) -> None:
        found, named = os.fstat(fd), self._folder.status(name)
        if (found.st_dev, found.st_ino) != (named.st_dev, named.st_ino):
            raise FileNotFoundError(errno.ENOENT, "the name leads to another directory by now", name)
        if found.st_uid != self._folder.owner:
            raise PermissionError(errno.EPERM, f"it belongs to user {found.st_uid}", name)
        if found.st_dev != self._folder.device:
            raise OSError(errno.EXDEV, "another file system is mounted there", name)


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)
