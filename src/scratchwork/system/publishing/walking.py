"""Going through a whole tree, without leaving anything out: what can't be looked at is an error."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from .closing import close_quietly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def visit(
    top: int,
    work: Callable[[str, int, list[os.DirEntry[str]]], None],
    refused: Callable[[str, OSError], None] | None = None,
) -> None:
    """Call `work` for each directory of the tree open as `top`: with its path in the tree, its descriptor, its entries.

    A directory comes before those in it. Raises OSError: EBUSY if another file system is mounted within, as that
    can neither be moved nor removed. With `refused` that is called instead, with the directory's path, and it goes on.
    """
    device = os.fstat(top).st_dev
    pending = [""]
    while pending:
        where = pending.pop()
        try:
            fd, entries = _listed(top, where, device)
        except OSError as error:
            if refused is None:
                raise
            refused(where, error)
            continue
        try:
            pending += [os.path.join(where, entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
            work(where, fd, entries)
        finally:
            close_quietly(fd)


def _listed(top: int, where: str, device: int) -> tuple[int, list[os.DirEntry[str]]]:
    """Return a directory's descriptor, and its entries."""
    fd = os.open(where or ".", DIRECTORY, dir_fd=top)
    try:
        if os.fstat(fd).st_dev != device:
            raise OSError(errno.EBUSY, f"another file system is mounted on '{where}' in it")
        with os.scandir(fd) as scan:
            return fd, list(scan)
    except BaseException:
        close_quietly(fd)
        raise
