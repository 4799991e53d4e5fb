"""By renameat2(2), through `ctypes`, which is loaded when it is first needed: Python has no name for it."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform == "linux"

from .facts import EXCHANGE, NEW, unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
# renameat2(2): a file system that doesn't know the flag, and a kernel before 3.15. EINVAL also means that a directory
# was to go into itself, which callers rule out first.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS})


def rename_new(old_folder: Folder, old: str, new_folder: Folder, new: str) -> None:
    """Rename, but raise FileExistsError where the new name exists."""
    _rename(old_folder, old, new_folder, new, _RENAME_NOREPLACE, NEW)


def exchange(one_folder: Folder, one: str, other_folder: Folder, other: str) -> None:
    """Swap two names, of whatever kind, which both must exist."""
    _rename(one_folder, one, other_folder, other, _RENAME_EXCHANGE, EXCHANGE)


def _rename(old_folder: Folder, old: str, new_folder: Folder, new: str, flag: int, what: str) -> None:
    number = _renameat2(old_folder.fd, old, new_folder.fd, new, flag)
    if number in _UNSUPPORTED:
        raise unsupported(what) from OSError(number, os.strerror(number))
    if number:
        raise OSError(number, os.strerror(number), old, None, new)


def _renameat2(old_fd: int | None, old: str, new_fd: int | None, new: str, flag: int) -> int:
    """Return 0, or the error's number."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # glibc before 2.28
        return errno.ENOSYS
    if call(old_fd, os.fsencode(old), new_fd, os.fsencode(new), flag) == 0:
        return 0
    return ctypes.get_errno()
