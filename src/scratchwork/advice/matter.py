"""What lies in a directory: in our roots, and what nobody leased, by whose it is."""

from __future__ import annotations

import re
import time

from scratchwork.roots.store import is_root_name, root_prefix
from scratchwork.system import trees
from scratchwork.system.facts import Fact
from scratchwork.system.folders import Folder
from scratchwork.system.trees import Usage

# What mkstemp(3), mktemp(1) and tempfile draw at the end of a name: letters and digits mixed, which no person chooses.
_DRAWN = re.compile(r"(.*[-._]|tmp\.?)(?=\w*[0-9])(?=\w*[a-zA-Z])\w{6,12}", re.ASCII)


class Heap(Fact):
    """What belongs together: how many entries, what they take, and the seconds since the newest of them was changed."""

    __slots__ = ("age", "count", "owner", "stem", "usage")

    def __init__(self, owner: int, stem: str) -> None:
        self.owner = owner
        self.stem = stem
        self.count = 0
        self.usage = Usage()
        self.age = float("inf")

    def add(self, usage: Usage, age: float) -> None:
        """Add one entry."""
        self.count += 1
        self.usage += usage
        self.age = min(self.age, age)


class Matter(Fact):
    """What lies in a directory; `complete` unless the time ran out.

    `heaps`: by owner and stem of names, what belongs to no root. `roots`: other users' roots, by owner. What can't be
    looked into counts without what is in it.
    """

    __slots__ = ("complete", "heaps", "roots")

    def __init__(self) -> None:
        self.heaps: dict[tuple[int, str], Heap] = {}
        self.roots: dict[int, Heap] = {}
        self.complete = True

    def of_owners(self) -> dict[int, Heap]:
        """Return a heap for each owner of anything that belongs to no root, the one with the most bytes first."""
        found: dict[int, Heap] = {}
        for one in self.heaps.values():
            owner = found.setdefault(one.owner, Heap(one.owner, ""))
            owner.count += one.count
            owner.usage += one.usage
            owner.age = min(owner.age, one.age)
        return dict(sorted(found.items(), key=lambda item: -item[1].usage.bytes))

    def worst(self, owner: int, age: float) -> Heap | None:
        """Return an owner's greatest heap of generated names of which all are older than so many seconds."""
        old = [one for one in self.heaps.values() if one.owner == owner and one.age > age and one.stem.endswith("*")]
        return max(old, key=lambda one: (one.usage.bytes, one.count), default=None)


def look(path: str, *, seconds: float) -> Matter:
    """Return what lies in a directory, but for our own roots. Stops looking when the time has run out."""
    matter = Matter()
    deadline = time.monotonic() + seconds
    folder = Folder(path)
    now = time.time()
    for name in folder.names():
        try:
            status = folder.status(name)
            is_root = is_root_name(name)
            if status.st_dev != folder.device or (is_root and name.startswith(root_prefix())):
                continue  # somebody's mount, which is no matter of this file system; or what others look at
            usage = Usage(1, 0, getattr(status, "st_blocks", 0) * 512)
            if status.st_mode & 0o170000 == 0o040000:
                usage = Usage(0, 1, usage.bytes) + _measured(folder, name, deadline)
        except TimeoutError:
            matter.complete = False
            break
        except OSError:
            continue  # it has gone
        owner, age = status.st_uid, now - max(status.st_mtime, status.st_ctime)
        if is_root:
            matter.roots.setdefault(owner, Heap(owner, "")).add(usage, age)
        else:
            stem = stem_of(name)
            matter.heaps.setdefault((owner, stem), Heap(owner, stem)).add(usage, age)
    return matter


def _measured(folder: Folder, name: str, deadline: float) -> Usage:
    try:
        return trees.measure_in(folder, name, deadline=deadline)
    except PermissionError:
        return Usage()


def stem_of(name: str) -> str:
    """Return a pattern for names that the same program gives: 'pip-build-env-*' of 'pip-build-env-4z1k8vtq'."""
    found = _DRAWN.fullmatch(name)
    return f"{found[1]}*" if found else name
