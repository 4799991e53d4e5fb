"""Where no such rename is known. Type-checked only."""

from __future__ import annotations

from .facts import EXCHANGE, NEW, unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.folders import Folder


def rename_new(old_folder: Folder, old: str, new_folder: Folder, new: str) -> None:  # noqa: ARG001
    """Say that it can't be had."""
    raise unsupported(NEW)


def exchange(one_folder: Folder, one: str, other_folder: Folder, other: str) -> None:  # noqa: ARG001
    """Say that it can't be had."""
    raise unsupported(EXCHANGE)
