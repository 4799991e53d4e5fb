"""What a record says, put together with what is there now: what was made, by which calls, and what of it is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from scratchwork.advice.tracing.lines import MARK, RECORD, fields_of
from scratchwork.system import processes, trees

Stack = tuple[tuple[str, int, str], ...]
"""The calls that led to it, the innermost first: file, line and function of each."""

_DIRECTORY, _KIND = 0o040000, 0o170000  # stat.S_IFDIR, stat.S_IFMT


@dataclass
class Group:
    """What one stack made. Bytes are what is allocated on the device, as `du` counts, a file with several links once.

    `made`: files, directories and the like, `left`, `moved_out` (of temp space) and `anonymous` (that never had a name)
    among them. `unseen`: what is left in its directories and was made by what was not followed: C libraries, other
    programs. `bytes_made`: of what was removed, just before that, of what was moved out, and of what is left; nothing
    of anonymous files, and of what others removed. `paths` are those that are left, and `held_by` the processes that
    have one of them open.
    """

    stack: Stack
    made: int = 0
    left: int = 0
    moved_out: int = 0
    anonymous: int = 0
    unseen: int = 0
    bytes_made: int = 0
    bytes_left: int = 0
    paths: list[str] = field(default_factory=list)
    held_by: list[int] = field(default_factory=list)

    def add(self, other: Group) -> None:
        """Count what another one made, too."""
        for name in ("made", "left", "moved_out", "anonymous", "unseen", "bytes_made", "bytes_left"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.paths += other.paths
        self.held_by = sorted({*self.held_by, *other.held_by})

    def rank(self) -> tuple[int, int, int, int]:
        """Return what to sort by: who left most, then who made most."""
        return self.bytes_left, self.left, self.bytes_made, self.made


@dataclass(frozen=True)
class Process:
    """A Python process that the tracer met: its version, and whether it could be followed."""

    pid: int
    version: str
    executable: str
    followed: bool


@dataclass(frozen=True)
class Trace:
    """What the record says. The groups that left most come first, then those that made most.

    `is_complete`: whether nothing of what was seen is known to be lost. `libraries`: the folders of the standard
    libraries of the Pythons that were followed.
    """

    groups: list[Group]
    processes: list[Process]
    libraries: tuple[str, ...]
    is_complete: bool

    def total(self) -> Group:
        """Return all groups together."""
        total = Group(())
        for group in self.groups:
            total.add(group)
        return total


def open_record(place: str) -> IO[bytes]:
    """Return the record in the tracer's workspace, to be read when the program has ended, even if it has removed it."""
    return open(os.path.join(place, RECORD), "rb")


def read(place: str, record: IO[bytes]) -> Trace:
    """Read the record in the tracer's workspace, and look at what is left."""
    reading = _Reading()
    for line in record:
        reading.take(fields_of(line.rstrip(b"\n")))
    _settle(reading)
    groups = sorted(reading.groups.values(), key=Group.rank, reverse=True)
    is_complete = os.path.lexists(os.path.join(place, MARK))
    return Trace(groups, reading.processes, tuple(reading.libraries), is_complete)


@dataclass(slots=True)
class _Thing:
    """Something that was made: by whom, the bytes when they were last looked at, and its path before the last move."""

    group: Group
    is_directory: bool
    bytes: int = 0
    origin: str = ""


class _Reading:
    """Follows what the lines tell. All of it was written just before it was tried, and may have failed."""

    def __init__(self) -> None:
        self.groups: dict[Stack, Group] = {}
        self.processes: list[Process] = []
        self.libraries: dict[str, None] = {}
        self.things: dict[str, _Thing] = {}
        """By the path that each has now, or had when it was last heard of."""
        self.out: list[tuple[str, str, _Thing]] = []
        """What was moved out of temp space, with the paths from and to."""
        self._stacks: dict[bytes, Group] = {}
        self._aliases: dict[str, str] = {}
        self._moved_away: set[str] = set()
        """What may still be removed there is a copy's source, and was counted."""

    def take(self, fields: list[bytes]) -> None:
        """Take one line. What can't be understood is passed over."""
        letter, *rest = fields or [b""]
        takers: dict[bytes, Callable[..., None]] = {
            b"M": self._made,
            b"R": self._removed,
            b"V": self._moved,
            b"O": self._moved_out,
            b"S": self._stack,
            b"P": self._process,
            b"A": self._alias,
            b"X": self._not_followed,
        }
        take = takers.get(letter)
        try:
            if take is not None:
                take(*rest)
        except (TypeError, ValueError, IndexError):
            pass  # another number of fields, no number where one belongs: the record was tampered with

    def _stack(self, number: bytes, *parts: bytes) -> None:
        words = [os.fsdecode(part) for part in parts]
        stack = tuple((words[at], int(words[at + 1]), words[at + 2]) for at in range(0, len(words), 3))
        self._stacks[number] = self.groups.setdefault(stack, Group(stack))

    def _process(self, pid: bytes, parent: bytes, version: bytes, executable: bytes, library: bytes) -> None:
        del parent
        self.processes.append(Process(int(pid), version.decode(), os.fsdecode(executable), followed=True))
        self.libraries[os.fsdecode(library)] = None

    def _alias(self, name: bytes, real: bytes) -> None:
        self._aliases[os.fsdecode(name)] = os.fsdecode(real)

    def _path(self, name: bytes) -> str:
        """Return the real path of something: `shutil.rmtree` removes by it what was made by another."""
        path = os.fsdecode(name)
        for alias, real in self._aliases.items():
            if path.startswith(alias):
                return real + path[len(alias) :]
        return path

    def _not_followed(self, pid: bytes, version: bytes, executable: bytes) -> None:
        self.processes.append(Process(int(pid), version.decode(), os.fsdecode(executable), followed=False))

    def _made(self, pid: bytes, number: bytes, kind: bytes, name: bytes) -> None:
        del pid
        group = self._stacks.get(number)
        if group is None:  # its stack was lost
            group = self._stacks[number] = self.groups.setdefault((), Group(()))
        group.made += 1
        if kind == b"anonymous":
            group.anonymous += 1
            return
        path = self._path(name)
        old = self.things.get(path)
        if old is not None and old.origin and old.origin not in self.things:  # nothing is here: its move failed
            self.things[old.origin] = self.things.pop(path)
            self._moved_away.discard(old.origin)
            old.origin = ""
        self._is_over(path)
        self._moved_away.discard(path)
        self.things[path] = _Thing(group, kind == b"directory")

    def _removed(self, name: bytes, size: bytes) -> None:
        path, taken = self._path(name), max(0, int(size))
        thing = self.things.get(path)
        if thing is not None:
            thing.bytes, thing.origin = taken, ""
        elif path not in self._moved_away and (owner := self._owner(path)) is not None:
            owner.bytes_made += taken

    def _moved(self, source: bytes, target: bytes, size: bytes, replaced: bytes) -> None:
        before, after = self._path(source), self._path(target)
        if before == after or int(size) < 0:
            return
        if (old := self.things.get(after)) is not None:
            old.bytes = max(0, int(replaced))
            self._is_over(after)
        for path, thing in self._taken_away(before):
            thing.origin = path
            self.things[after + path[len(before) :]] = thing
            if path == before:
                thing.bytes = int(size)

    def _moved_out(self, source: bytes, target: bytes, size: bytes, replaced: bytes) -> None:
        del replaced
        before, after = self._path(source), self._path(target)
        for path, thing in self._taken_away(before):
            if path == before:
                thing.bytes = max(0, int(size))
            self.out.append((path, after + path[len(before) :], thing))

    def _taken_away(self, path: str) -> list[tuple[str, _Thing]]:
        """Return what has this path, with what is in it where it is a directory, and forget that it is there."""
        thing = self.things.get(path)
        if thing is None:
            return []
        inside = [one for one in self.things if one.startswith(path + os.sep)] if thing.is_directory else []
        self._moved_away.update((path, *inside))
        return [(one, self.things.pop(one)) for one in (path, *inside)]

    def _is_over(self, path: str) -> None:
        """Count what had this path until now."""
        thing = self.things.pop(path, None)
        if thing is not None:
            thing.group.bytes_made += thing.bytes

    def _owner(self, path: str) -> Group | None:
        """Return who made the directory that something unknown lies in."""
        while (parent := os.path.dirname(path)) != path:
            thing = self.things.get(parent)
            if thing is not None:
                return thing.group
            path = parent
        return None


def _settle(reading: _Reading) -> None:
    """Count what is left, and what is not."""
    _settle_moved_out(reading)
    sizes = _Sizes()
    places: dict[str, Group] = {}
    folders: dict[str, Group] = {}
    for path, thing in reading.things.items():
        place = _where(path, thing.origin if thing.origin not in reading.things else "")
        if place is None:
            thing.group.bytes_made += thing.bytes
            continue
        places[place] = thing.group
        if thing.is_directory:
            folders[place] = thing.group
        thing.group.left += 1
        thing.group.paths.append(place)
        _count_left(thing.group, sizes.of(place))
    for path, entry in _inside(folders):
        if path not in places:
            owner = _nearest(path, folders)
            owner.unseen += 1
            _count_left(owner, sizes.of(path, entry))
    for path, pids in processes.holders(places).items():
        places[path].held_by = sorted({*places[path].held_by, *pids})


def _settle_moved_out(reading: _Reading) -> None:
    for source, target, thing in reading.out:
        if source not in reading.things and os.path.lexists(source):  # the move failed
            reading.things[source] = thing
        else:
            thing.group.moved_out += 1
            thing.group.bytes_made += thing.bytes or _Sizes().of(target)


def _count_left(group: Group, taken: int) -> None:
    group.bytes_left += taken
    group.bytes_made += taken


class _Sizes:
    """Says what is allocated, of a file with several names once."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def of(self, path: str, entry: os.DirEntry[str] | None = None) -> int:
        try:
            status = os.lstat(path) if entry is None else entry.stat(follow_symlinks=False)
        except OSError:
            return 0
        identity = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and status.st_mode & _KIND != _DIRECTORY:
            if identity in self._seen:
                return 0
            self._seen.add(identity)
        return trees.allocated(status)


def _where(path: str, origin: str) -> str | None:
    """Return where a thing is: at its path, or where it was before a move that failed."""
    return next((one for one in (path, origin) if one and os.path.lexists(one)), None)


def _inside(folders: dict[str, Group]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the path and entry of everything in some directories, once where one lies in another."""
    if sys.platform == "win32":
        return  # nothing is traced there
    for folder in folders:
        if any(above in folders for above in _above(folder)):
            continue
        try:
            top = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            continue
        try:
            for parent, entry in trees.walk(top):
                yield os.path.join(folder, parent, entry.name), entry
        finally:
            os.close(top)


def _nearest(path: str, folders: dict[str, Group]) -> Group:
    return next(folders[above] for above in _above(path) if above in folders)


def _above(path: str) -> Iterable[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent
