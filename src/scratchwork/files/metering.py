"""Which quotas the files of a folder count against: those of the trees that it lies in, as far as this process knows.

A process knows the trees of the workspaces that it made or attached to, and the one that it runs in.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from scratchwork.files.meters import Meter, Numbers

SUFFIX = ".quota"
"""What the name of a workspace's meter ends with, after the workspace's."""
ROOT_FILE = "root.quota"
"""The name of a root's meter, which lies in the root."""
WORKSPACE_VARIABLE = "SCRATCH_WORKSPACE"
"""The environment variable that tells a program which workspace it runs in."""

_known: dict[str, Meter] = {}
"""The meters that this process has open, by the real paths of their trees. Most processes know none."""
_without: dict[str, None] = {}
"""The roots that this process has opened when they had no quota, each with a separator: they may be given one."""
_MOST_WITHOUT = 32
_LOOK_AGAIN = 0.05  # seconds after which those are looked at again, when a file is made or opened
_look_at = 0.0
_real_paths: dict[str, tuple[int, int, str]] = {}
"""Device, inode and real path of folders in which files were opened, by the paths that were given."""
_MOST_REAL_PATHS = 1000


class Meters:
    """The meters that one file counts against, the innermost first. A context manager: the gate, and in flight."""

    __slots__ = ("_meters", "left")

    def __init__(self, meters: list[Meter]) -> None:
        self._meters = meters
        self.left = 0
        """The bytes that were left when something was taken last."""

    def __enter__(self) -> Self:
        begun = 0
        try:
            for meter in self._meters:
                meter.begin()
                begun += 1
        except BaseException:
            for meter in self._meters[:begun]:
                meter.end()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for meter in self._meters:
            meter.end()

    def take(self, size: int, least: int) -> int:
        """Take so many bytes, or fewer, but not fewer than `least`; return how many were had, and leave the gate.

        Raises QuotaExceeded, having taken nothing, if that can't be had.
        """
        if len(self._meters) == 1 and (left := self._meters[0].take(size)) is not None:
            self.left = left
            return size
        had = size
        for meter in self._meters:
            room = meter.room(size)
            if room < least:
                raise meter.exceeded(size)
            had = min(had, room)
        self.left = min([meter.add(had) for meter in self._meters])
        self.leave_gate()
        return had

    def take_file(self) -> None:
        """Take a file, and stay at the gate, to give it back if it can't be made. Raises QuotaExceeded."""
        for meter in self._meters:
            meter.check_file()
        for meter in self._meters:
            meter.add(0, 1)

    def recounts(self) -> int:
        """Return how often they were counted anew, as was read when something was taken last."""
        return sum([meter.recounts for meter in self._meters])

    def give(self, size: int, files: int = 0) -> None:
        """Count so much less. At the gate."""
        for meter in self._meters:
            meter.add(-size, -files)

    def give_back(self, size: int, recounts: int) -> None:
        """Count so much less, if none was counted anew since `recounts` was what `recounts()` returned. At the gate."""
        if sum([meter.read().recounts for meter in self._meters]) == recounts:
            self.give(size)

    def leave_gate(self) -> None:
        """Let others pass the gate."""
        for meter in self._meters:
            meter.leave_gate()

    def room(self) -> int:
        """Return how many bytes are left, as far as is known without a recount."""
        numbers = [meter.read() for meter in self._meters]
        return min([now.limit - now.used for now in numbers])


def is_needed() -> bool:
    """Whether this process knows of any meter."""
    _look_at_roots()
    return bool(_known)


def over(folder: str) -> Meters | None:
    """Return the meters of the trees that a folder really lies in, by whatever path; None if it lies in none."""
    _look_at_roots()
    return _over(folder) if _known else None


def over_file(path: str) -> Meters | None:
    """Return the meters of the trees that a file really lies in, which may be elsewhere if its name is a symlink."""
    _look_at_roots()
    if not _known:
        return None
    return _over(os.path.dirname(os.path.realpath(path) if os.path.islink(path) else path))


def _over(folder: str) -> Meters | None:
    found = [_known[tree] for tree in _upwards(_real(folder)) if tree in _known]
    return Meters(found) if found else None


def _look_at_roots() -> None:
    """See whether a root has been given a quota since it was opened; seldom, as each look is a system call."""
    global _look_at  # noqa: PLW0603 - two threads may look at once
    if not _without or (now := time.monotonic()) < _look_at:
        return
    _look_at = now + _LOOK_AGAIN
    for prefix in list(_without):
        if os.access(prefix + ROOT_FILE, os.F_OK):
            join_root(prefix[: -len(os.sep)])


def _real(folder: str) -> str:
    """Return the real path of a folder, at the price of one system call if that was asked for before."""
    try:
        status = os.stat(folder)
    except OSError:
        return os.path.realpath(folder)  # whatever is wrong with it, who opens something there is told
    device, inode, real = _real_paths.get(folder, (0, 0, ""))
    if (device, inode) != (status.st_dev, status.st_ino):
        if len(_real_paths) >= _MOST_REAL_PATHS:
            _real_paths.clear()
        real = os.path.realpath(folder)
        _real_paths[folder] = status.st_dev, status.st_ino, real
    return real


def _upwards(path: str) -> Iterator[str]:
    """Yield a path, and all folders that it lies in."""
    while True:
        yield path
        parent = os.path.dirname(path)
        if parent == path:
            return
        path = parent


def make(tree: str, path: str, numbers: Numbers) -> Meter:
    """Make the meter of a tree at `path`, and count against it from now on. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        os.write(descriptor, numbers.text())
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)
    return _open(tree, path)


def _open(tree: str, path: str) -> Meter:
    # All that opening and writing need is imported now, before anything is opened: a child that is forked while another
    # thread imports it would wait for that thread for ever.
    from scratchwork.files import metered, opening  # noqa: F401
    from scratchwork.files.meters import Meter

    opened = Meter(tree, path)
    meter = _known.setdefault(os.path.realpath(tree), opened)
    if meter is not opened:
        opened.close()  # another thread was as quick
    return meter


def join(folder: str) -> None:
    """Count against the meters of all trees that a folder lies in, from now on. Raises OSError.

    A meter lies in a directory of ours that nobody else may write to; any other is somebody's trap.
    """
    for tree in _upwards(_real(folder)):
        for path in (tree + SUFFIX, os.path.join(tree, ROOT_FILE)):
            if tree not in _known and os.access(path, os.F_OK) and _is_private(os.path.dirname(path)):
                _open(tree, path)


def join_root(root: str) -> None:
    """Count against a root's meter, as `join` does, as soon as it has one."""
    join(root)
    real = _real(root)
    for path in (root, real):
        if real in _known:
            _without.pop(path + os.sep, None)
        else:
            _without[path + os.sep] = None
    if len(_without) > _MOST_WITHOUT:
        for prefix in list(_without):
            if not os.path.isdir(prefix):
                _without.pop(prefix, None)


def _is_private(folder: str) -> bool:
    if sys.platform == "win32":
        return True
    status = os.stat(folder)
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def join_own() -> None:
    """Count against the meters of the workspace that this process runs in, if it runs in one, and of its root."""
    own = os.environ.get(WORKSPACE_VARIABLE)
    if own:
        try:
            join(own)
            join_root(os.path.dirname(own))
        except OSError:
            pass  # it is damaged, or not ours: then somebody else is to blame for what happens there


def known(tree: str) -> Meter | None:
    """Return the meter of a tree, if this process has it open."""
    _look_at_roots()
    return _known.get(os.path.realpath(tree)) if _known else None


def forget(tree: str) -> None:
    """Count no more against the meter of a tree, which has gone."""
    meter = _known.pop(os.path.realpath(tree), None)
    if meter is not None:
        meter.close()


def _restart_after_fork() -> None:
    for meter in _known.values():
        meter.restart_after_fork()


if sys.platform != "win32":  # which does not fork
    os.register_at_fork(after_in_child=_restart_after_fork)
