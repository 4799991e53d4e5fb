"""Stands between the modules that publish and the operating system: counts the calls, and spoils one of them."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scratchwork.system import folders
from scratchwork.system.publishing import (
    attributes,
    closing,
    copying,
    directories,
    drafts,
    files,
    modes,
    places,
    placing,
    syncing,
    tree_copies,
    walking,
)
from scratchwork.system.publishing.xattrs import linux as xattrs
from scratchwork.system.renaming import linux as renaming

MODULES = (
    *(attributes, closing, copying, directories, drafts, files, folders, modes),
    *(places, placing, syncing, tree_copies, walking, xattrs),
)
SYSTEM_CALLS = frozenset(
    {
        *("access", "chown", "close", "copy_file_range", "fchmod", "fchown", "fstat", "fsync", "ftruncate", "getxattr"),
        *("link", "listxattr", "lseek", "lstat", "mkdir", "open", "pread", "pwrite", "read", "readlink", "removexattr"),
        *("rename", "replace", "rmdir", "scandir", "sendfile", "setxattr", "stat", "symlink", "unlink", "utime"),
    }
)


class Calls:
    """The names of the calls made; the one at `spoilt` raises an error of that number, or kills the process (None)."""

    def __init__(self, spoilt: int = -1, number: int | None = None) -> None:
        self.names: list[str] = []
        self.spoilt = spoilt
        self.number = number

    def call(self, name: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.names.append(name)
        if len(self.names) - 1 != self.spoilt:
            return real(*arguments, **named)
        if self.number is None:
            os.kill(os.getpid(), signal.SIGKILL)
        assert self.number is not None
        if name == "close":  # close(2): the descriptor is gone all the same
            real(*arguments)
        if name == "access":
            return False
        if name == "renameat2":
            return self.number
        raise OSError(self.number, os.strerror(self.number))


class Os:
    """The module `os`, as a module sees it."""

    def __init__(self, calls: Calls, names: frozenset[str]) -> None:
        self._calls = calls
        self._names = names

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self._names:
            return real
        return lambda *arguments, **named: self._calls.call(name, real, *arguments, **named)


@contextmanager
def counted(calls: Calls) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            # what a folder says when it is closed because nobody refers to it any more, nobody hears
            names = SYSTEM_CALLS - {"close"} if module is folders else SYSTEM_CALLS
            patch.setattr(module, "os", Os(calls, names))
        real = renaming._renameat2
        patch.setattr(renaming, "_renameat2", lambda *arguments: calls.call("renameat2", real, *arguments))
        yield


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def assert_no_more_descriptors(before: set[str]) -> None:
    if descriptors() - before:  # collecting garbage takes longer than all the rest
        gc.collect()
        assert descriptors() <= before
