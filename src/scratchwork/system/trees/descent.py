"""Where a walk stands in a tree: the way from its top down to the current directory, few of them open."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from .mending import open_unreadable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_MOST_OPEN = 32
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})


class CrossesDevice(Exception):
    """The directory to be entered is on another file system."""


class Moved(Exception):
    """Somebody moved the directory that the walk is in, so the way back up is not the way it came."""


class Level:
    """One directory on the way down. `fd` is None while it is closed to save descriptors."""

    __slots__ = ("blocked", "fd", "inode", "name", "pending")

    def __init__(self, name: str, fd: int, inode: int) -> None:
        self.name = name
        self.fd: int | None = fd
        self.inode = inode
        self.pending: list[str] = []  # subdirectories not yet entered
        self.blocked = False  # something in it could not be removed, which has been reported


class Descent:
    """The directories from the top of a tree down to the current one.

    At most `_MOST_OPEN` of them are open, fewer when descriptors run out. Going back up to a closed one opens
    '..' and believes it only if it is the very directory that was left. The top's descriptor is the caller's.
    """

    def __init__(self, top: int) -> None:
        if top < 0:  # os.scandir takes -1 for the current directory
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._device = -1  # asked for at the first step down: most trees have none
        self.levels = [Level("", top, -1)]
        self._open_from = 1  # levels below this index, but for the top, are closed
        self.fd = top

    @property
    def current(self) -> Level:
        """The level that the walk is in."""
        return self.levels[-1]

    def path(self, name: str = "") -> str:
        """Return the path of `name` in the current directory, relative to the top."""
        parts = [level.name for level in self.levels[1:]]
        return "/".join([*parts, name] if name else parts)

    def enter(self, name: str, *, mend: bool = False) -> None:
        """Go into a subdirectory; `mend` lets it change the mode of one that is ours and can't be read.

        Raises CrossesDevice at a mount of another device, and OSError as open(2) does.
        """
        if self._device < 0:
            top = os.fstat(self.fd)
            self._device, self.levels[0].inode = top.st_dev, top.st_ino
        fd = self._open(name, mend=mend)
        status = os.fstat(fd)
        if status.st_dev != self._device:
            os.close(fd)
            raise CrossesDevice(name)
        self.levels.append(Level(name, fd, status.st_ino))
        self.fd = fd
        if len(self.levels) - self._open_from > _MOST_OPEN:
            self._close_oldest()

    def leave(self) -> str:
        """Go back up; return the name of the directory that was left. Raises Moved, or OSError, when it can't."""
        level, parent = self.levels[-1], self.levels[-2]
        if parent.fd is None:
            parent.fd = self._reopen(parent)
            self._open_from = len(self.levels) - 2
        self.levels.pop()
        if level.fd is not None:
            os.close(level.fd)
        self.fd = parent.fd
        return level.name

    def scan(self) -> os._ScandirIterator[str]:
        """Return the entries of the current directory."""
        try:
            return os.scandir(self.fd)
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS:
                raise
            self._close_ancestors()
            return os.scandir(self.fd)

    def close(self) -> None:
        """Close everything but the top."""
        for level in self.levels[1:]:
            if level.fd is not None:
                os.close(level.fd)
        del self.levels[1:]

    def _open(self, name: str, *, mend: bool) -> int:
        try:
            return self._open_once(name, mend=mend)
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS:
                raise
        self._close_ancestors()
        return self._open_once(name, mend=mend)

    def _open_once(self, name: str, *, mend: bool) -> int:
        try:
            return os.open(name, _DIRECTORY, dir_fd=self.fd)
        except PermissionError:
            if not mend:
                raise
        return open_unreadable(name, self.fd)

    def _reopen(self, parent: Level) -> int:
        fd = os.open("..", _DIRECTORY, dir_fd=self.fd)
        status = os.fstat(fd)
        if (status.st_dev, status.st_ino) != (self._device, parent.inode):
            os.close(fd)
            raise Moved(self.path())
        return fd

    def _close_ancestors(self) -> None:
        while self._open_from < len(self.levels) - 1:
            self._close_oldest()

    def _close_oldest(self) -> None:
        level = self.levels[self._open_from]
        if level.fd is not None:
            os.close(level.fd)
            level.fd = None
        self._open_from += 1
