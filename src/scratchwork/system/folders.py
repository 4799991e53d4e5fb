"""A directory held open, so that it stays the same one whatever happens to the path that led to it."""

from __future__ import annotations

import os
import sys


class Folder:
    """A directory and its descriptor, closed when nothing refers to it any more; the methods take names inside it.

    Where directories have no descriptors (Windows) `fd` is None and the names are resolved by path. Safe in several
    threads. A forked child may go on using it.
    """

    __slots__ = ("device", "fd", "owner", "path")

    def __init__(self, path: str) -> None:
        """Open `path`; raises OSError if it is a symlink (ELOOP or ENOTDIR) or no directory (ENOTDIR)."""
        self.fd: int | None = None
        self.path = path
        if sys.platform != "win32":
            self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        status = self.status()
        self.device = status.st_dev
        self.owner = status.st_uid

    def __del__(self) -> None:
        if self.fd is not None:
            os.close(self.fd)

    def status(self, name: str | None = None) -> os.stat_result:
        """Return the status of the folder itself, or of `name` in it, of a symlink itself."""
        if name is None:
            return os.lstat(self.path) if self.fd is None else os.fstat(self.fd)
        return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)

    def at(self, name: str) -> str:
        """Return what to pass to an `os` function together with `dir_fd=self.fd`."""
        return name if self.fd is not None else os.path.join(self.path, name)

    def names(self) -> list[str]:
        """Return the names of everything in the folder."""
        return os.listdir(self.path if self.fd is None else self.fd)

    def has(self, name: str) -> bool:
        """Tell whether there is something of that name that we may look at; quicker than an exception."""
        return os.access(self.at(name), os.F_OK, dir_fd=self.fd)

    def open(self, name: str, flags: int) -> int:
        """Open a file in the folder, never through a symlink, made 0600 where `flags` make it."""
        safe = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
        return os.open(self.at(name), flags | safe, 0o600, dir_fd=self.fd)

    def rename(self, old: str, new: str) -> None:
        """Give `old` the name `new`, replacing what had it."""
        os.replace(self.at(old), self.at(new), src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def unlink(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""
        try:
            os.unlink(self.at(name), dir_fd=self.fd)
        except FileNotFoundError:
            pass

    def read(self, name: str, limit: int) -> bytes:
        """Return at most `limit` bytes of a file."""
        descriptor = self.open(name, os.O_RDONLY)
        try:
            return os.read(descriptor, limit)
        finally:
            os.close(descriptor)

    def replace(self, name: str, temporary: str, data: bytes) -> None:
        """Give `name` the content `data` in one step, by way of the file `temporary`.

        A reader sees the old content or the new. Not synced to disk: what this project writes this way is of
        no use after a power cut that also lost what it speaks of.
        """
        descriptor = self.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                written = os.write(descriptor, data)
            finally:
                os.close(descriptor)
            if written != len(data):
                raise OSError(28, os.strerror(28), temporary)  # ENOSPC: a regular file takes all or is full
            self.rename(temporary, name)
        except BaseException:
            self.unlink(temporary)
            raise
