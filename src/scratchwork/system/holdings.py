"""What a tree really takes: what lies in it, and what was deleted there but is still open in some process."""

from __future__ import annotations

import os
import sys

from scratchwork.system import processes, trees
from scratchwork.system.folders import Folder
from scratchwork.system.trees import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_DELETED = " (deleted)"
_FOREVER = float("inf")


def of_tree(path: str, *, deadline: float = _FOREVER) -> Usage:
    """Return what a tree holds, without its top; nothing if it is gone.

    Deleted files count as far as we may see who has them open (Linux: proc(5), /proc/PID/fd; elsewhere not at all), by
    the name that they had last. Raises TimeoutError when `time.monotonic()` passes `deadline`.
    """
    try:
        return _lying_in(path, deadline) + deleted_in(path)
    except (FileNotFoundError, NotADirectoryError):
        return Usage()


def of_root(path: str, *, deadline: float = _FOREVER) -> Usage:
    """Return what all directories in a root hold together, as `of_tree` does; one that has shut itself is told."""
    found = deleted_in(path)
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return found
    for name in names:
        try:
            usage = _lying_in(os.path.join(path, name), deadline)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it ended meanwhile
        except PermissionError:
            usage = Usage(shut=os.curdir)
        if usage.shut:
            usage.shut = os.path.normpath(os.path.join(name, usage.shut))
        found += usage
    return found


def _lying_in(path: str, deadline: float) -> Usage:
    parent, name = os.path.split(path)
    return trees.measure_in(Folder(parent), name, deadline=deadline)


if sys.platform == "linux":

    def deleted_in(path: str) -> Usage:
        """Return what files take that were deleted below `path` and are still open in processes that we may look at."""
        found = Usage()
        seen: set[tuple[int, int]] = set()
        for status in _deleted_below(path + os.sep):
            identity = status.st_dev, status.st_ino
            if identity not in seen and status.st_nlink == 0 and status.st_mode & 0o170000 == 0o100000:
                seen.add(identity)
                found += Usage(1, 0, status.st_blocks * 512, status.st_size)
        return found

    def open_in(path: str, pids: Collection[int]) -> int:
        """Return how many bytes the files below `path` take that these processes have open for writing."""
        found: dict[tuple[int, int], int] = {}
        for link, _ in _open_below(path + os.sep, pids):
            try:
                if os.lstat(link).st_mode & 0o200:  # the link's own mode says what it was opened for (proc(5))
                    status = os.stat(link)
                    if status.st_mode & 0o170000 == 0o100000:
                        found[status.st_dev, status.st_ino] = status.st_blocks * 512
            except OSError:
                continue
        return sum(found.values())

    def _deleted_below(prefix: str) -> Iterator[os.stat_result]:
        for link, target in _open_below(prefix, processes.pids()):
            if target.endswith(_DELETED):
                try:
                    yield os.stat(link)
                except OSError:
                    continue

    def _open_below(prefix: str, pids: Collection[int]) -> Iterator[tuple[str, str]]:
        """Yield the link in /proc of each descriptor, and the path that it leads to."""
        for pid in pids:
            try:
                descriptors = os.listdir(f"/proc/{pid}/fd")
            except OSError:  # it is gone, or another user's
                continue
            for descriptor in descriptors:
                link = f"/proc/{pid}/fd/{descriptor}"
                try:
                    target = os.readlink(link)
                except OSError:
                    continue
                if target.startswith(prefix):
                    yield link, target

else:

    def deleted_in(path: str) -> Usage:
        """Return nothing: it can't be seen here."""
        del path
        return Usage()

    def open_in(path: str, pids: Collection[int]) -> int:
        """Return 0: it can't be seen here."""
        del path, pids
        return 0
