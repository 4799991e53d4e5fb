"""By renameatx_np(2), through `ctypes`. Type-checked only: not run on macOS yet."""

from __future__ import annotations

import errno
import os
import sys

assert sys.platform == "darwin"

from .facts import EXCHANGE, NEW, unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder

_RENAME_SWAP = 2
_RENAME_EXCL = 4
_UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EINVAL})  # renameatx_np(2): the file system, or the flag


def rename_new(old_folder: Folder, old: str, new_folder: Folder, new: str) -> None:
    """Rename, but raise FileExistsError where the new name exists."""
    _rename(old_folder, old, new_folder, new, _RENAME_EXCL, NEW)


def exchange(one_folder: Folder, one: str, other_folder: Folder, other: str) -> None:
    """Swap two names, of whatever kind, which both must exist."""
    _rename(one_folder, one, other_folder, other, _RENAME_SWAP, EXCHANGE)


def _rename(old_folder: Folder, old: str, new_folder: Folder, new: str, flag: int, what: str) -> None:
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).renameatx_np
    if call(old_folder.fd, os.fsencode(old), new_folder.fd, os.fsencode(new), flag) == 0:
        return
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        raise unsupported(what) from OSError(number, os.strerror(number))
    raise OSError(number, os.strerror(number), old, None, new)
