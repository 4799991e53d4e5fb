"""Trees by path, where directories have no descriptors. Type-checked only: not run on Windows yet.

A tree is named by its path, where `posix` has a descriptor.
"""

from __future__ import annotations

import os
import stat
import time

from .facts import Removal, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchwork.system.folders import Folder

_FOREVER = float("inf")


def walk(top: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (path of its directory within the tree, entry) for everything below the directory `top`."""
    pending = [""]
    while pending:
        where = pending.pop()
        try:
            scan = os.scandir(os.path.join(top, where))
        except OSError:
            continue
        with scan:
            for entry in scan:
                if entry.is_dir(follow_symlinks=False) and not _is_junction(entry):
                    pending.append(os.path.join(where, entry.name))
                yield where, entry


def measure(top: str, *, deadline: float = _FOREVER) -> Usage:
    """Return what the tree below the directory `top` takes."""
    usage = Usage()
    for _, entry in walk(top):
        if time.monotonic() > deadline:
            raise TimeoutError
        if entry.is_dir(follow_symlinks=False):
            usage.directories += 1
        else:
            usage.files += 1
            usage.bytes += entry.stat(follow_symlinks=False).st_size
    return usage


def measure_in(folder: Folder, name: str, *, deadline: float = _FOREVER) -> Usage:
    """Return what the directory `name` of a folder takes."""
    return measure(folder.at(name), deadline=deadline)


def remove_in(folder: Folder, name: str, *, deadline: float = _FOREVER) -> Removal:
    """Remove the directory `name` of a folder, as `remove` does."""
    return remove(folder.at(name), deadline=deadline)


def remove_at(path: str, identity: tuple[int, int]) -> Removal | None:
    """Remove the directory at `path` if it has that device and inode; None if another one has the name by now."""
    removal = Removal()
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        removal.complete = True
        return removal
    if (status.st_dev, status.st_ino) != identity:
        return None
    return remove(path)


def remove(name: str, *, deadline: float = _FOREVER) -> Removal:
    """Remove the directory `name` and all that is in it; a file that somebody has open stays and is told."""
    removal = Removal()
    found = [(where, entry.name, entry.is_dir(follow_symlinks=False)) for where, entry in walk(name)]
    for where, leaf, is_directory in reversed(found):  # what is deeper was found later
        if time.monotonic() > deadline:
            removal.ran_out_of_time = True
            return removal
        _drop(os.path.join(name, where, leaf), os.path.join(where, leaf), removal, is_directory)
    if not removal.failures:
        _drop(name, "", removal, is_directory=True)
    removal.complete = not removal.failures
    return removal


def _drop(path: str, within: str, removal: Removal, is_directory: bool) -> None:  # noqa: FBT001 - private
    try:
        size = os.lstat(path).st_size
        if is_directory:
            os.rmdir(path)
            removal.usage.directories += 1 if within else 0
        else:
            os.chmod(path, stat.S_IWRITE)  # a read-only file can't be deleted
            os.unlink(path)
            removal.usage.files += 1
            removal.usage.bytes += size
    except FileNotFoundError:
        return
    except OSError as error:
        removal.failed(within, error)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether the entry leads elsewhere (a mount point or junction), so that it must not be entered."""
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)
