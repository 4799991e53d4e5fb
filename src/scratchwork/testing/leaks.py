"""What was left in a place: what lies there, and what is open there still."""

from __future__ import annotations

import fnmatch
import gc
import os
import stat

from scratchwork.roots import labels
from scratchwork.roots.store import root_prefix
from scratchwork.system.facts import Fact
from scratchwork.system.folders import Folder
from scratchwork.system.trees import allocated, measure_in
from scratchwork.system.words import plural
from scratchwork.testing.descriptors import descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scratchwork.advice.observing import Stack
    from scratchwork.testing.places import Place

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "named pipe",
}
_STANDING = "standing"  # the label of the workspace that a process keeps until it exits: no test's


class Leak(Fact):
    """One thing that was left.

    `what`: what it is, in words. `name`: its path in the place. `bytes`: what it takes on the disk. `stack`: the calls
    that made it, empty if nobody saw them: then a C library made it, or another program.
    """

    __slots__ = ("bytes", "name", "stack", "what")

    def __init__(self, what: str, name: str, bytes: int, stack: Stack) -> None:  # noqa: A002 - the ledger's word
        self.what = what
        self.name = name
        self.bytes = bytes
        self.stack = stack

    def matches(self, patterns: Iterable[str]) -> bool:
        """Tell whether its name is one of these patterns, as `fnmatch` has them."""
        return any(fnmatch.fnmatchcase(self.name, pattern) for pattern in patterns)


class _Open(Fact):
    """A descriptor that leads into a place: its number, its path there, and the file's identity."""

    __slots__ = ("descriptor", "identity", "is_deleted", "path", "status")

    def __init__(self, descriptor: int, path: str, status: os.stat_result) -> None:
        self.descriptor = descriptor
        self.is_deleted = status.st_nlink == 0
        self.path = path
        self.identity = (descriptor, status.st_dev, status.st_ino)
        self.status = status


def find(place: Place, allowed: Sequence[str], told: set[Stack]) -> list[Leak]:
    """Return what was left in a place since it was last looked at, and forget how it was made.

    `allowed`: patterns of names that may be left. What only garbage refers to is no leak: where something seems to be
    left, the garbage is collected first, and then it is looked again. `told`: where the leaks up to now were made, and
    these are added: collecting all garbage takes long, so that is done once for each, and later of the young only.
    """
    if place.is_untouched():
        return []
    origins = _origins(place, _names(place), _opened(place))
    if not origins:
        place.forget()
        return []
    gc.collect(1 if origins <= told else 2)
    names, opened = _names(place), _opened(place)
    told |= _origins(place, names, opened)
    found = [*_lying(place, names, opened), *_open_only(place, names, opened)]
    place.known.update(names)
    place.known_open.update(one.identity for one in opened)
    place.forget()
    return [leak for leak in found if not leak.matches(allowed)]


def _origins(place: Place, names: list[str], opened: list[_Open]) -> set[Stack]:
    """Return the lines that made what is left."""
    paths = {os.path.join(place.path, name) for name in names} | {one.path for one in opened}
    return {place.origin(path)[:1] for path in paths}


def _names(place: Place) -> list[str]:
    """Return the new names of what lies in a place: of a root those of its workspaces, since roots are to stay."""
    names = []
    for name in place.names():
        if name.startswith(root_prefix()) and os.path.isdir(os.path.join(place.path, name)):
            names += [os.path.join(name, one) for one in os.listdir(os.path.join(place.path, name)) if _counts(one)]
        else:
            names.append(name)
    return sorted(name for name in names if name not in place.known)


def _counts(name: str) -> bool:
    """Tell whether a name in a root is that of a workspace that somebody has left."""
    told = labels.parse(name)
    return told is not None and told.label != _STANDING


def _is_roots_own(name: str) -> bool:
    """Tell whether a path in a place is that of a root, or in one, but in no workspace that somebody has left."""
    parts = name.split(os.sep)
    for part, below in zip(parts, [*parts[1:], ""], strict=True):
        if part.startswith(root_prefix()):
            return not _counts(below)
    return False


def _lying(place: Place, names: list[str], opened: list[_Open]) -> Iterator[Leak]:
    folder = Folder(place.path)
    for name in names:
        path = os.path.join(place.path, name)
        try:
            status = folder.status(name)
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special file")
            size = allocated(status)
            what = f"{kind} {name}"
            if kind == "directory":
                usage = measure_in(folder, name)
                size = usage.bytes
                what += f" ({plural(usage.files, 'file')})"
        except FileNotFoundError:  # somebody removed it meanwhile
            continue
        except OSError as error:
            what, size = f"{name} ({error.strerror})", 0
        inside = path + os.sep
        numbers = [str(one.descriptor) for one in opened if one.path == path or one.path.startswith(inside)]
        if numbers:
            what += f", open as descriptor {', '.join(numbers)}"
        yield Leak(what, name, size, place.origin(path))


def _open_only(place: Place, names: list[str], opened: list[_Open]) -> Iterator[Leak]:
    """Yield what is open and lies there no more, or lies in what may be left."""
    lying = tuple(os.path.join(place.path, name) for name in names)
    for one in opened:
        if one.path in lying or one.path.startswith(tuple(path + os.sep for path in lying)):
            continue
        name = one.path[len(place.inside) :]
        stack = place.made.get(one.path, ())
        what = f"open {_KINDS.get(stat.S_IFMT(one.status.st_mode), 'special file')}"
        if one.is_deleted and os.path.basename(name) == f"#{one.status.st_ino}" and place.anonymous:  # O_TMPFILE
            what += " without a name"
            stack = place.anonymous[-1]
            if len(set(place.anonymous)) > 1:  # nothing tells which of them it is
                what += f", one of {len(place.anonymous)} of which the last is told"
        else:
            what += f" {name}{' (deleted)' if one.is_deleted else ''}"
        size = allocated(one.status) if one.is_deleted else 0
        yield Leak(f"{what}, descriptor {one.descriptor}", name, size, stack)


def _opened(place: Place) -> list[_Open]:
    """Return the new descriptors that lead into a place; none where the system does not tell (Windows)."""
    found = []
    for descriptor, path in descriptors():
        if path.startswith(place.inside) and not _is_roots_own(path[len(place.inside) :]):
            try:
                one = _Open(descriptor, path, os.fstat(descriptor))
            except OSError:  # closed meanwhile, by another thread
                continue
            if one.identity not in place.known_open:
                found.append(one)
    return found
