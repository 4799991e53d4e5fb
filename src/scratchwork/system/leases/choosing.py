"""Which kind of lease a folder gets: found out by trying."""

from __future__ import annotations

import errno
import os
import sys

from scratchwork.system import locks, names

from .lockfile import LockFileLeases

if sys.platform != "win32":
    from .directory import DirectoryLeases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

    from .lease import LeaseKind, Leases

# What flock(2) on a directory says on a file system that has locks for files only (NFS: EBADF), or none.
_NO_LOCKS = frozenset(
    {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EISDIR, errno.EACCES}
)


def probe(folder: Folder) -> LeaseKind | None:
    """Find out by trying which kind of lease works in a folder; None if no lock holds there.

    A lock holds if a second descriptor is refused what the first one has.
    """
    name = f"probe-{names.draw()}"
    if locks.LOCKS_DIRECTORIES and folder.fd is not None:
        os.mkdir(name, 0o700, dir_fd=folder.fd)
        try:
            if _holds(folder, name, os.O_RDONLY):
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
    if sys.platform != "win32" and kind == "directory":
        return DirectoryLeases(folder)
    return LockFileLeases(folder)


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
