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
        if where:
            self.directories.append(where)
        target = os.open(where or ".", DIRECTORY, dir_fd=self.target)
        try:
            for entry in entries:
                if entry.is_symlink():
                    _copy_symlink(entry.name, fd, target)
                elif entry.is_dir(follow_symlinks=False):
                    os.mkdir(entry.name, 0o700, dir_fd=target)
                elif entry.is_file(follow_symlinks=False):
                    self._copy_file(entry.name, os.path.join(where, entry.name), fd, target)
                elif not self.skip_special:
                    what = os.path.join(where, entry.name)
                    raise OSError(errno.EINVAL, f"'{what}' in it is a device, a pipe or a socket")
        finally:
            close_quietly(target)

    def _copy_file(self, name: str, path: str, source: int, target: int) -> None:
        reading = os.open(name, FILE, dir_fd=source)
        try:
            status = os.fstat(reading)
            if status.st_ino in self.links:
                os.link(
                    self.links[status.st_ino], name, src_dir_fd=self.target, dst_dir_fd=target, follow_symlinks=False
                )
                return
            if status.st_nlink > 1:
                self.links[status.st_ino] = path
            writing = os.open(name, _MAKING, 0o600, dir_fd=target)
            try:
                copy(reading, writing)
                _copy_attributes(reading, writing, status)
            finally:
                close_quietly(writing)
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
