"""Copying a whole tree to another device: content, modes, owners, extended attributes, times, holes and hard links."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform != "win32"

from . import attributes
from .closing import close_quietly
from .copying import copy
from .walking import DIRECTORY, FILE, visit

_MAKING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def copy_what_fits(source: int, target: int) -> list[tuple[str, OSError]]:
    """Copy as much as can be copied, as `copy_tree` does; return what could not, by its path, and why.

    Of a file that does not fit nothing stays: half of it would look like the whole. Devices, pipes and sockets are
    skipped. What lies in a directory that could not be made is not named besides.
    """
    copying = _RescuingCopy(source, target)
    copying.run()
    return copying.lost


def copy_tree(source: int, target: int, *, skip_special: bool = False) -> None:
    """Copy what is in one open directory into another, which is empty; the attributes of that itself are not set.

    Raises OSError at the first thing that can't be copied: also EINVAL at a device, a pipe or a socket, unless those
    are to be skipped. What may not be had, as an owner when we are not root, is left out, and with it set-user-id bits.
    """
    _TreeCopy(source, target, skip_special=skip_special).run()


class _TreeCopy:
    __slots__ = ("directories", "links", "skip_special", "source", "target")

    def __init__(self, source: int, target: int, *, skip_special: bool) -> None:
        self.skip_special = skip_special
        self.source = source
        self.target = target
        self.links: dict[int, str] = {}  # where in the target the first link to an inode is
        self.directories: list[str] = []

    def run(self) -> None:
        visit(self.source, self._copy_entries)
        for where in reversed(self.directories):  # last, since a mode may shut it and each entry changes its time
            self._finish_directory(where)

    def _copy_entries(self, where: str, fd: int, entries: list[os.DirEntry[str]]) -> None:
        target = os.open(where or ".", DIRECTORY, dir_fd=self.target)
        if where:
            self.directories.append(where)
        try:
            for entry in entries:
                self._copy_entry(entry, where, fd, target)
        finally:
            close_quietly(target)

    def _copy_entry(self, entry: os.DirEntry[str], where: str, fd: int, target: int) -> None:
        if entry.is_symlink():
            _copy_symlink(entry.name, fd, target)
        elif entry.is_dir(follow_symlinks=False):
            os.mkdir(entry.name, 0o700, dir_fd=target)
        elif entry.is_file(follow_symlinks=False):
            self._copy_file(entry.name, os.path.join(where, entry.name), fd, target)
        elif not self.skip_special:
            what = os.path.join(where, entry.name)
            raise OSError(errno.EINVAL, f"'{what}' in it is a device, a pipe or a socket")

    def _copy_file(self, name: str, path: str, source: int, target: int) -> None:
        reading = os.open(name, FILE, dir_fd=source)
        try:
            status = os.fstat(reading)
            if status.st_ino in self.links:
                os.link(
                    self.links[status.st_ino], name, src_dir_fd=self.target, dst_dir_fd=target, follow_symlinks=False
                )
                return
            writing = os.open(name, _MAKING, 0o600, dir_fd=target)
            try:
                copy(reading, writing)
                _copy_attributes(reading, writing, status)
            finally:
                close_quietly(writing)
            if status.st_nlink > 1:
                self.links[status.st_ino] = path
        finally:
            close_quietly(reading)

    def _finish_directory(self, where: str) -> None:
        source = os.open(where, DIRECTORY, dir_fd=self.source)
        try:
            target = os.open(where, DIRECTORY, dir_fd=self.target)
            try:
                _copy_attributes(source, target, os.fstat(source))
            finally:
                close_quietly(target)
        finally:
            close_quietly(source)


class _RescuingCopy(_TreeCopy):
    """Goes on after what can't be copied."""

    __slots__ = ("lost",)

    def __init__(self, source: int, target: int) -> None:
        super().__init__(source, target, skip_special=True)
        self.lost: list[tuple[str, OSError]] = []

    def run(self) -> None:
        visit(self.source, self._copy_entries, self._lose)
        for where in reversed(self.directories):
            try:
                self._finish_directory(where)
            except OSError as error:
                self._lose(where, error)

    def _copy_entries(self, where: str, fd: int, entries: list[os.DirEntry[str]]) -> None:
        if any(where == path or where.startswith(path + "/") for path, _ in self.lost):
            return
        try:
            super()._copy_entries(where, fd, entries)
        except OSError as error:
            self._lose(where, error)

    def _copy_entry(self, entry: os.DirEntry[str], where: str, fd: int, target: int) -> None:
        try:
            super()._copy_entry(entry, where, fd, target)
        except OSError as error:
            self._lose(os.path.join(where, entry.name), error)
            try:
                os.unlink(entry.name, dir_fd=target)  # what there is of it, which leaves room for others
            except OSError:
                pass  # there is nothing

    def _lose(self, where: str, error: OSError) -> None:
        self.lost.append((where or os.curdir, error))


def _copy_attributes(source: int, target: int, status: os.stat_result) -> None:
    attributes.write(target, attributes.read(source, strict=False))
    attributes.set_times(target, status)


def _copy_symlink(name: str, source: int, target: int) -> None:
    os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)
    made = os.stat(name, dir_fd=target, follow_symlinks=False)
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
        except PermissionError:
            pass  # it says nothing about what it leads to
