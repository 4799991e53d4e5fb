"""Giving a thing its name: the one step in which readers see the new instead of the old."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from scratchwork.errors import CannotPublish
from scratchwork.system import renaming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

    from .attempts import Attempt
    from .places import Destination

# link(2): a file system without hard links (EPERM on Linux; the next two elsewhere, or over a network), somebody
# else's file (EPERM, fs.protected_hardlinks), or one that has as many as it may.
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def rename_over(attempt: Attempt, folder: Folder, name: str, destination: Destination) -> None:
    """Give what has a name the destination's, replacing what has that."""
    with attempt.step("rename"):
        os.rename(name, destination.name, src_dir_fd=folder.fd, dst_dir_fd=destination.folder.fd)


def rename_new(attempt: Attempt, folder: Folder, name: str, destination: Destination) -> None:
    """Give what has a name the destination's, or raise DestinationExists."""
    with attempt.step("rename"):
        renaming.rename_new(folder, name, destination.folder, destination.name)


def move_file_new(attempt: Attempt, folder: Folder, name: str, destination: Destination) -> None:
    """Do the same for a file: by a second name for it, where there are hard links, which need no newer system."""
    try:
        with attempt.step("link"):
            os.link(
                name, destination.name, src_dir_fd=folder.fd, dst_dir_fd=destination.folder.fd, follow_symlinks=False
            )
    except CannotPublish as error:
        if error.errno not in NO_LINKS:
            raise
    else:
        _drop_first_name(attempt, folder, name, destination)
        return
    rename_new(attempt, folder, name, destination)


def link_open_file(attempt: Attempt, fd: int, folder: Folder, name: str) -> None:
    """Give an open file without a name one, or raise DestinationExists.

    With a descriptor of a folder Python calls linkat(2) with AT_SYMLINK_FOLLOW, as this needs, and only then.
    """
    with attempt.step("link"):
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder.fd, follow_symlinks=True)


def is_elsewhere(folder: Folder, name: str, destination: Folder) -> bool:
    """Tell whether a name is on another mount than the destination, before it costs to find out.

    By a rename that can't be: to '.', which rename(2) refuses (EBUSY, or EINVAL), but only after it compared mounts.
    No is no promise: a file system may still refuse to move between parts of itself.
    """
    try:
        os.rename(name, ".", src_dir_fd=folder.fd, dst_dir_fd=destination.fd)
    except OSError as error:
        return error.errno == errno.EXDEV
    return False


def _drop_first_name(attempt: Attempt, folder: Folder, name: str, destination: Destination) -> None:
    try:
        with attempt.step("unlink the source"):
            os.unlink(name, dir_fd=folder.fd)
    except BaseException as error:
        _take_back(destination, error)
        raise


def _take_back(destination: Destination, error: BaseException) -> None:
    try:
        destination.folder.unlink(destination.name)
    except OSError as another:
        error.add_note(f"and its second name, {destination.name}, could not be removed: {another}")
