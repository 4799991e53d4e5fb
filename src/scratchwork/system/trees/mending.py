"""Opening and mending directories that are ours but whose mode keeps us out."""

from __future__ import annotations

import os
import sys

assert sys.platform != "win32"

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

if sys.platform == "linux":

    def open_unreadable(name: str, dir_fd: int | None) -> int:
        """Give ourselves all permissions on a directory of ours, and open it.

        By way of an O_PATH descriptor, which needs no permission and cannot be swapped for something else
        between the two steps; fchmod(2) refuses it, its magic link in /proc does not (proc(5)).
        """
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
        try:
            _refuse_if_not_ours(os.fstat(handle), name)
            os.chmod(f"/proc/self/fd/{handle}", 0o700)
            return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            os.close(handle)

else:

    def open_unreadable(name: str, dir_fd: int | None) -> int:
        """Give ourselves all permissions on a directory of ours, and open it."""
        _refuse_if_not_ours(os.stat(name, dir_fd=dir_fd, follow_symlinks=False), name)
        os.chmod(name, 0o700, dir_fd=dir_fd, follow_symlinks=False)
        return os.open(name, _DIRECTORY, dir_fd=dir_fd)


def make_writable(fd: int) -> bool:
    """Give ourselves all permissions on an open directory; return whether that changed anything."""
    status = os.fstat(fd)
    if status.st_uid != os.geteuid() or status.st_mode & 0o700 == 0o700:
        return False
    os.fchmod(fd, 0o700)
    return True


def _refuse_if_not_ours(status: os.stat_result, name: str) -> None:
    if status.st_uid != os.geteuid():
        raise PermissionError(13, os.strerror(13), name)
