"""By MoveFile, which never replaces; nothing swaps two names. Type-checked only: not run on Windows yet."""

from __future__ import annotations

import os
import sys

assert sys.platform == "win32"

from .facts import EXCHANGE, unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder


def rename_new(old_folder: Folder, old: str, new_folder: Folder, new: str) -> None:
    """Rename, but raise FileExistsError where the new name exists."""
    os.rename(old_folder.at(old), new_folder.at(new))


def exchange(one_folder: Folder, one: str, other_folder: Folder, other: str) -> None:  # noqa: ARG001
    """Say that it can't be had."""
    raise unsupported(EXCHANGE)
