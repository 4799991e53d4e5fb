"""The lease on a workspace: a kernel lock that says that it is alive, held by whoever has its descriptor.

Two kinds, behind one shape (`Leases`): the lock on the directory itself, and, where a directory can't be locked
(NFS, Windows), the lock on a file beside it. flock(2) locks belong to the open file description: the kernel
drops them when the last descriptor that shares it is closed, however its holder died, and a child that is
handed the descriptor keeps them. They are released by closing, never by LOCK_UN, which would free the lock for
all who share it.
"""

from __future__ import annotations

import errno
import os
import stat

from scratchwork.system import locks, names, trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol

    from scratchwork.system.folders import Folder

    LeaseKind = Literal["directory", "file"]

    class Leases(Protocol):
        """How the workspaces of one root are leased. Safe in several threads and processes."""

        kind: LeaseKind

        def take(self, name: str) -> Lease | None:
            """Make the directory `name`, alive; None if the name is taken or a sweeper won the race for it."""

        def join(self, name: str) -> Lease | None:
            """Share the lease of a living workspace; None if nobody holds it or somebody is removing it."""

        def seize(self, name: str) -> Lease | None:
            """Get a workspace that nobody holds, for oneself alone; None if it is alive.

            Raises FileNotFoundError if it is gone, and OSError if it can't be told; that counts as alive.
            """

        def workspace_of(self, name: str) -> str | None:
            """Return the name of the workspace to which an entry of the root belongs as its lease; else None."""

        def remove_empty(self, name: str) -> bool:
            """Remove a workspace whose lease one holds if nothing is in it; else return False."""

        def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
            """Remove a workspace whose lease one holds, and its lease with it."""

        def measure(self, name: str) -> trees.Usage:
            """Return what a workspace takes."""


_DIRECTORY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_LOCK_FILE = ".lock"
REMOVED = ".gone"
"""What a workspace's name ends with once its owner has handed its removal to the background."""

# What flock(2) on a directory says on a file system that has locks for files only (NFS: EBADF), or none.
_NO_LOCKS = frozenset(
    {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EISDIR, errno.EACCES}
)


class Lease:
    """A lock that is held as long as this descriptor, or a copy of it in any process, is open."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the descriptor, for handing on to a child (`pass_fds`); -1 after `release`."""
        return self._fd

    def release(self) -> None:
        """Close the descriptor. Once is enough; more does no harm."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


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
            fd = self._open_new(name)
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
            fd = trees.open_unreadable(name, self._folder.fd)
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

    def remove_empty(self, name: str) -> bool:
        return trees.remove_empty(name, self._folder.fd)

    def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
        return trees.remove(name, self._folder.fd, lease.fileno(), deadline=deadline)

    def measure(self, name: str) -> trees.Usage:
        fd = os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
        try:
            return trees.measure(fd)
        finally:
            os.close(fd)

    def _open_new(self, name: str) -> int:
        try:
            return os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
        except PermissionError:  # the umask took our own right to read it
            os.chmod(name, 0o700, dir_fd=self._folder.fd)
            return os.open(name, _DIRECTORY, dir_fd=self._folder.fd)

    def _check_ours(self, name: str, fd: int) -> None:
        found, named = os.fstat(fd), self._folder.status(name)
        if (found.st_dev, found.st_ino) != (named.st_dev, named.st_ino):
            raise FileNotFoundError(errno.ENOENT, "the name leads to another directory by now", name)
        if found.st_uid != self._folder.owner:
            raise PermissionError(errno.EPERM, f"it belongs to user {found.st_uid}", name)
        if found.st_dev != self._folder.device:
            raise OSError(errno.EXDEV, "another file system is mounted there", name)


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

    def remove_empty(self, name: str) -> bool:
        if not trees.remove_empty(self._folder.at(name), self._folder.fd):
            return False
        self._folder.unlink(name + _LOCK_FILE)
        return True

    def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
        top = None
        try:
            if self._folder.fd is not None:
                top = os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
            removal = trees.remove(self._folder.at(name), self._folder.fd, top, deadline=deadline)  # type: ignore[arg-type,unused-ignore]
        except FileNotFoundError:  # its maker was killed before it made the directory
            removal = trees.Removal()
            removal.complete = True
        except OSError as error:
            removal = trees.Removal()
            removal.failed("", error.strerror or str(error))
        finally:
            _close(-1 if top is None else top)
        if removal.complete:
            self._folder.unlink(name.removesuffix(REMOVED) + _LOCK_FILE)
        return removal

    def measure(self, name: str) -> trees.Usage:
        if self._folder.fd is None:
            return trees.measure(self._folder.at(name))  # type: ignore[arg-type,unused-ignore]
        fd = os.open(name, _DIRECTORY, dir_fd=self._folder.fd)
        try:
            return trees.measure(fd)
        finally:
            os.close(fd)

    def _exists(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(self._folder.status(name).st_mode)
        except FileNotFoundError:
            return False


def probe(folder: Folder) -> LeaseKind | None:
    """Find out by trying which kind of lease works in a folder; None if no lock holds there.

    A lock holds if a second descriptor is refused what the first one has.
    """
    name = f"probe-{names.draw()}"
    if locks.LOCKS_DIRECTORIES and folder.fd is not None:
        os.mkdir(name, 0o700, dir_fd=folder.fd)
        try:
            if _holds(folder, name, os.O_RDONLY | _DIRECTORY):
                return "directory"
        finally:
            os.rmdir(name, dir_fd=folder.fd)
    os.close(folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL))
    try:
        return "file" if _holds(folder, name, os.O_RDWR) else None
    finally:
        folder.unlink(name)


def choose(kind: LeaseKind, folder: Folder) -> Leases:
    """Return the leases of that kind for a folder."""
    return DirectoryLeases(folder) if kind == "directory" else LockFileLeases(folder)


def _holds(folder: Folder, name: str, flags: int) -> bool:
    first = folder.open(name, flags)
    try:
        second = folder.open(name, flags)
        try:
            return locks.exclusive(first) and not locks.exclusive(second)
        finally:
            os.close(second)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    finally:
        os.close(first)


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)
