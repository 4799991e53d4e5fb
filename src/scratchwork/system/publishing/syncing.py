"""Making things outlast a power cut: a file, a folder's entries, a whole tree."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from .closing import close_quietly
from .walking import FILE, visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

if sys.platform == "darwin":
    import fcntl

    def sync(fd: int) -> None:
        """Write an open file to the disk itself: fsync(2) of macOS leaves it in the drive's cache."""
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)

else:

    def sync(fd: int) -> None:
        """Write an open file, or directory, to the disk."""
        os.fsync(fd)


def sync_folder(folder: Folder) -> None:
    """Write a folder's entries to the disk; those of a file system that has no such thing last anyhow, or never."""
    assert folder.fd is not None
    try:
        sync(folder.fd)
    except OSError as error:
        if error.errno != errno.EINVAL:  # fsync(2)
            raise


def sync_tree(top: int) -> None:
    """Write a directory and all that is in it to the disk; raises OSError if part of it can't be opened."""

    def sync_entries(_: str, fd: int, entries: list[os.DirEntry[str]]) -> None:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                _sync_file(entry.name, fd)
        sync(fd)

    visit(top, sync_entries)


def _sync_file(name: str, folder: int) -> None:
    fd = os.open(name, FILE, dir_fd=folder)
    try:
        sync(fd)
    finally:
        close_quietly(fd)
