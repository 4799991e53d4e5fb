"""The lock on a file beside the directory, for file systems and platforms that lock files only."""

from __future__ import annotations

import errno
import os
import stat
import sys

from scratchwork.system import locks, trees

from .lease import FOREVER, REMOVED, Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

    from .lease import LeaseKind

_LOCK_FILE = ".lock"


class LockFileLeases:
    """Leases on a file `NAME.lock` beside each workspace: made before the directory, removed after it."""

    kind: LeaseKind = "file"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def take(self, name: str) -> Lease | None:
        try:
            fd = self._folder.open(name + _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            return None
        try:
            if locks.shared(fd) and os.fstat(fd).st_nlink > 0:
                os.mkdir(self._folder.at(name), 0o700, dir_fd=self._folder.fd)
                return Lease(fd)
        except FileExistsError:
            pass
        except BaseException:
            os.close(fd)
            self._folder.unlink(name + _LOCK_FILE)
            raise
        os.close(fd)
        return None

    def join(self, name: str) -> Lease | None:
        try:
            if (unheld := self.seize(name)) is not None:
                unheld.release()
                return None
            fd = self._folder.open(name + _LOCK_FILE, os.O_RDWR)
        except FileNotFoundError:
            return None
        if locks.shared(fd) and os.fstat(fd).st_nlink > 0:
            return Lease(fd)
        os.close(fd)
        return None

    def seize(self, name: str) -> Lease | None:
        lock_file = name.removesuffix(REMOVED) + _LOCK_FILE
        try:
            fd = self._folder.open(lock_file, os.O_RDWR)
        except FileNotFoundError as error:
            if error.errno == errno.ENOENT and self._exists(name):
                raise OSError(errno.ENOLCK, f"its lock file {lock_file} is missing", name) from None
            raise
        try:
            if locks.exclusive(fd):
                if not os.path.samestat(os.fstat(fd), self._folder.status(lock_file)):
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), lock_file)
                return Lease(fd)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def workspace_of(self, name: str) -> str | None:
        return name.removesuffix(_LOCK_FILE) if name.endswith(_LOCK_FILE) else None

    def remove_empty(self, name: str, lease: Lease) -> bool:
        if not trees.remove_empty(self._folder.at(name), self._folder.fd):
            return False
        self._drop_lock_file(name, lease)
        return True

    def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
        removal = trees.remove_in(self._folder, name, deadline=deadline)
        if removal.complete:
            self._drop_lock_file(name, lease)
        return removal

    def measure(self, name: str, deadline: float = FOREVER) -> trees.Usage:
        return trees.measure_in(self._folder, name, deadline=deadline)

    def _drop_lock_file(self, name: str, lease: Lease) -> None:
        if sys.platform == "win32":
            lease.release()  # what is open can't be deleted there
        self._folder.unlink(name.removesuffix(REMOVED) + _LOCK_FILE)

    def _exists(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(self._folder.status(name).st_mode)
        except FileNotFoundError:
            return False
