"""Removing the junk that other programs left in a folder: what nobody leased, so that only its looks tell.

What goes is ours, matches a pattern, is old in every part, lies on the folder's device, and is neither locked nor in
use by any process that we can see. Anything else is spared, and it is told why. Linux only: elsewhere there is no
telling what is in use.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import sys
import time

assert sys.platform == "linux"

from scratchwork.roots.precious import precious
from scratchwork.roots.store import is_root_name
from scratchwork.system import clocks, inuse, locks, trees, words
from scratchwork.system.clocks import Present
from scratchwork.system.facts import Fact
from scratchwork.system.folders import Folder
from scratchwork.system.inuse import InUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_ANYTHING = ("q", "Zz-9", "_.~", "0 0")
"""Names that have nothing in common: what matches all of them says nothing."""
_LOOK_AGAIN = 1.0  # seconds after which what is in use is looked at again
_MOST_LOOKING = 10  # but what was looked at serves this many times as long as the looking took


class Junk(Fact):
    """Something that is to go, or has gone: what it takes, and its age in seconds by the newest of its times."""

    __slots__ = ("age", "bytes", "files", "path")

    def __init__(self, path: str, files: int = 0, bytes: int = 0, age: float = float("inf")) -> None:  # noqa: A002 - the ledger's word
        self.path = path
        self.files = files
        self.bytes = bytes
        self.age = age


class Unleased(Fact):
    """What was removed, or is to be; (path, why) of what matched and was spared, and of what could not be removed."""

    __slots__ = ("failed", "junk", "spared")

    def __init__(self) -> None:
        self.junk: list[Junk] = []
        self.spared: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str]] = []


class _Spared(Exception):
    """Why something stays."""


def sweep_unleased(
    directory: str,
    patterns: Sequence[str],
    older_than: float,
    *,
    dry_run: bool,
    present: Present | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Unleased:
    """Remove what matches one of the patterns in a directory and is older than so many seconds in every part.

    `patterns`: of names, as fnmatch(3) has them; one that matches everything is refused. Never the directory itself,
    never through a symlink, never a root of anybody's, nor what is `precious`, nor what holds either. What counts is
    the newest of all times inside, but for the access times of directories, which any look into them renews. `present`:
    the time it is. `progress(done, total)` is called as it goes on. Raises ValueError for bad patterns, ages and
    directories, OSError for a directory that can't be read, is a symlink, or where it can't be seen what is in use.
    """
    if not patterns:
        raise ValueError("without a pattern nothing is removed: name what is to go, as 'pip-*'")
    for pattern in patterns:
        if not pattern:
            raise ValueError("an empty pattern matches nothing: name what is to go, as 'pip-*'")
        if all(fnmatch.fnmatchcase(name, pattern) for name in _ANYTHING) or os.sep in pattern:
            raise ValueError(f"{pattern!r} matches anything, or leads elsewhere: name what is to go, as 'pip-*'")
    if not older_than >= 0:
        raise ValueError(f"an age is not negative: {older_than}")
    path = os.path.abspath(directory)
    if os.path.islink(path):
        raise OSError(errno.ELOOP, f"it is a symlink; say {os.path.realpath(path)!r} if that is what you mean", path)
    if is_root_name(os.path.basename(path)):
        raise ValueError(f"{path} is a root of scratchwork: 'scratch sweep' alone looks after it")
    sweep = _Sweep(path, older_than, present or clocks.present(), dry_run=dry_run)
    sweep.run(re.compile("|".join(map(fnmatch.translate, patterns))), progress)
    return sweep.found


class _Sweep:
    """One sweep of a folder under way."""

    def __init__(self, path: str, older_than: float, present: Present, *, dry_run: bool) -> None:
        self.found = Unleased()
        self._folder = Folder(path)
        self._older_than = older_than
        self._present = present
        self._dry_run = dry_run
        self._user = os.geteuid()
        self._precious = precious()
        self._look()

    def run(self, pattern: re.Pattern[str], progress: Callable[[int, int], None] | None) -> None:
        names = sorted(filter(pattern.match, self._folder.names()))
        for done, name in enumerate(names, 1):
            path = os.path.join(self._folder.path, name)
            junk = Junk(path)
            try:
                if self._judge_and_remove(name, junk):
                    self.found.junk.append(junk)
            except FileNotFoundError:
                pass  # somebody was faster
            except _Spared as why:
                self.found.spared.append((path, str(why)))
            except OSError as error:
                self.found.failed.append((path, error.strerror or str(error)))
            if progress is not None:
                progress(done, len(names))

    def _look(self) -> None:
        """Look at what is in use: now and then while a long sweep goes on, since it may change."""
        before = time.monotonic()
        self._in_use = InUse(self._folder.path, () if self._folder.fd is None else (self._folder.fd,))
        took = time.monotonic() - before
        self._look_at = before + max(_LOOK_AGAIN, _MOST_LOOKING * took)

    def _judge_and_remove(self, name: str, junk: Junk) -> bool:
        """Tell whether something is to go, or is gone. Raises _Spared, and OSError."""
        if time.monotonic() > self._look_at:
            self._look()
        _spare_root(name, "it")
        why = self._in_use.of_name(name)
        if why:
            raise _Spared(f"it is {why}")
        status = self._folder.status(name)
        self._judge(status, junk, "")
        held = _hold(status, self._folder.at(name), self._folder.fd, "")
        try:
            if held is not None and stat.S_ISDIR(status.st_mode):
                self._judge_all_in(held, junk)
            if self._dry_run:
                return True
            if held is None or not stat.S_ISDIR(status.st_mode):
                os.unlink(self._folder.at(name), dir_fd=self._folder.fd)
                return True
            removal = trees.remove(name, self._folder.fd, held)
            if not removal.complete:
                self.found.failed.append((junk.path, str(removal.failures[0])))
            return removal.complete
        finally:
            if held is not None:
                os.close(held)

    def _judge_all_in(self, top: int, junk: Junk) -> None:
        for folder, entry in trees.walk(top):
            where = os.path.join(folder, entry.name)
            _spare_root(entry.name, where)
            status = entry.stat(follow_symlinks=False)
            self._judge(status, junk, where)
            held = _hold(status, where, top, where)
            if held is not None:
                os.close(held)

    def _judge(self, status: os.stat_result, junk: Junk, where: str) -> None:
        """Raise _Spared if one part of an entry forbids that it goes; add it to what it takes."""
        if status.st_uid != self._user:
            raise _Spared(f"{where or 'it'} belongs to user {status.st_uid}")
        if status.st_dev != self._folder.device:
            raise _Spared(f"another file system is mounted at {where or 'it'}")
        what = self._precious.get((status.st_dev, status.st_ino))
        if what is not None:
            raise _Spared(f"{where or 'it'} is, or leads to, {what}")
        why = self._in_use.of_file(status)
        if why:
            raise _Spared(f"{where or 'it'} is {why}")
        newest = max(status.st_mtime, status.st_ctime)
        if not stat.S_ISDIR(status.st_mode):  # whose access time any look into it renews, ours too
            newest = max(newest, status.st_atime)
            junk.files += 1
        age = self._present.age(newest)
        if age < -clocks.SLACK:
            raise _Spared(f"{where or 'it'} is from the future: a clock was set")
        if age <= self._older_than:
            raise _Spared(f"{where or 'it'} is not old enough: {words.duration(age)}")
        junk.bytes += status.st_blocks * 512
        junk.age = min(junk.age, age)


def _spare_root(name: str, where: str) -> None:
    """Raise _Spared for a root, of whichever user: only its own sweep knows what in it is kept, or alive."""
    if is_root_name(name):
        raise _Spared(f"{where} is a root of scratchwork: 'scratch sweep' looks after it (--dir, where it isn't known)")


def _hold(status: os.stat_result, name: str, dir_fd: int | None, where: str) -> int | None:
    """Open and lock what can be locked, so that nobody takes it for theirs now; None for anything else.

    The locks of flock(2) are tried, as those of processes in other pid namespaces are not listed in /proc/locks.
    Raises _Spared if somebody has it, or it is another one by now.
    """
    if stat.S_ISSOCK(status.st_mode) and inuse.is_bound(name, dir_fd):
        raise _Spared(f"{where or 'it'} is a socket that a process has")
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        return None
    try:
        descriptor = os.open(name, _OPEN, dir_fd=dir_fd)
    except PermissionError:
        raise _Spared(f"{where or 'it'} can't be looked into") from None
    try:
        now = os.fstat(descriptor)
        if (now.st_dev, now.st_ino, now.st_ctime_ns) != (status.st_dev, status.st_ino, status.st_ctime_ns):
            raise _Spared(f"{where or 'it'} changed while it was looked at")
        if not locks.exclusive(descriptor):
            raise _Spared(f"{where or 'it'} is locked")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
