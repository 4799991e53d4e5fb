"""Where a workspace goes: the first candidate that has what the job needs, tried and not guessed."""

from __future__ import annotations

import os

from scratchwork.errors import NoSuitablePlace
from scratchwork.system import mounts, tempdirs, trials, words
from scratchwork.system.amounts import bytes_of, count_of
from scratchwork.system.facts import Fact
from scratchwork.system.memory import memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scratchwork.roots.quota import Quota

KINDS = ("fast", "disk", "executable")
_FOR_MEMORY = ("/dev/shm",)  # noqa: S108 - a candidate, looked at like any other
_ENOUGH_MEMORY = 256 * 2**20


class Placement(Fact):
    """What a workspace needs of the place where it lies.

    `kinds`: any of "fast" (backed by memory, where that has room for the reserve, else for the quota, else for 256 MiB;
    if none has, any other place), "disk" (not backed by memory) and "executable" (programs that lie there can be
    executed), also as one text with commas. `reserve`: bytes that must be free; `files`: inodes that must be.
    `candidates`: the directories to choose from, the best first; by default TMPDIR, TEMP and TMP, what batch systems
    set for a job (`system.tempdirs.BATCH_VARIABLES`), and the platform's usual ones.

    Raises ValueError for an unknown kind, for "fast" with "disk", and for bad amounts.
    """

    __slots__ = ("candidates", "files", "kinds", "reserve")

    def __init__(
        self,
        *kinds: str,
        reserve: int | str | None = None,
        files: int | str | None = None,
        candidates: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:
        self.kinds = tuple(sorted({word.strip() for kind in kinds for word in kind.split(",") if word.strip()}))
        for kind in self.kinds:
            if kind not in KINDS:
                raise ValueError(f"a placement is made of {', '.join(KINDS)}, not {kind!r}")
        if {"fast", "disk"} <= set(self.kinds):
            raise ValueError("a placement is 'fast' or 'disk', not both")
        self.reserve = None if reserve is None else bytes_of(reserve)
        self.files = None if files is None else count_of(files)
        self.candidates = None if candidates is None else tuple(os.path.abspath(path) for path in candidates)

    def wanted(self) -> str:
        """Return what is asked for, in words."""
        parts = list(self.kinds)
        if self.reserve is not None:
            parts.append(f"{words.size(self.reserve)} free")
        if self.files is not None:
            parts.append(f"{self.files:,} inodes free")
        return ", ".join(parts) or "a directory that can be written to"


def placement_of(placement: Placement | str | None, reserve: int | str | None) -> Placement:
    """Return a placement from what a caller gives: one, or its kinds as text, and a reserve. Raises as it does."""
    if not isinstance(placement, Placement):
        return Placement(placement or "", reserve=reserve)
    if reserve is None:
        return placement
    return Placement(*placement.kinds, reserve=reserve, files=placement.files, candidates=placement.candidates)


def choose(placement: Placement, quota: Quota | None, only: str | None = None) -> str:
    """Return the first directory that has what is asked for; `only`: the one that there is to choose from.

    Raises NoSuitablePlace, which tells of each candidate why it was refused.
    """
    refused = []
    is_fast = "fast" in placement.kinds
    candidates = list(_candidates(placement, only))
    for in_memory in (True, False) if is_fast else (None,):
        for path in candidates:
            why = _refusal(path, placement, quota, in_memory=in_memory)
            if not why:
                return path
            if not (is_fast and why is _OTHER_KIND):
                refused.append((path, why))
    raise NoSuitablePlace(placement.wanted(), refused)


_OTHER_KIND = "not looked at yet"


def _candidates(placement: Placement, only: str | None) -> Iterable[str]:
    if placement.candidates is not None:
        found: Iterable[str] = placement.candidates
    elif only is not None:
        found = (only,)
    else:
        found = (*tempdirs.places(), *(_FOR_MEMORY if "fast" in placement.kinds else ()))
    return dict.fromkeys(map(os.path.abspath, found))


def _refusal(path: str, placement: Placement, quota: Quota | None, *, in_memory: bool | None) -> str:
    """Return why a directory won't do, '' if it will. `in_memory`: which of the two is looked at in this round."""
    if not os.path.isdir(path):
        return "no such directory"
    mount = mounts.mount_of(path)
    is_in_memory = mount is not None and mount.is_in_memory
    if in_memory is not None and in_memory != is_in_memory:
        return _OTHER_KIND
    if is_in_memory and "disk" in placement.kinds:
        return "it is backed by memory"
    why = trials.can_write(path)
    if why:
        return why
    if "executable" in placement.kinds and (why := trials.can_execute(path)):
        return why
    return _lack_of_room(path, placement, quota, is_in_memory=is_in_memory)


def _lack_of_room(path: str, placement: Placement, quota: Quota | None, *, is_in_memory: bool) -> str:
    space = mounts.space(path)
    size = placement.reserve or 0
    if is_in_memory and "fast" in placement.kinds:
        size = size or (quota.bytes if quota is not None else None) or _ENOUGH_MEMORY
    if space.free_bytes < size:
        return f"{words.size(space.free_bytes)} of {words.size(size)} are free"
    behind = memory() if is_in_memory else None
    if behind is not None and (free := behind.available + behind.free_swap) < size:
        return f"it is backed by memory, of which {words.size(free)} of {words.size(size)} are free"
    if placement.files is not None and space.free_inodes is not None and space.free_inodes < placement.files:
        return f"{space.free_inodes:,} of {placement.files:,} inodes are free"
    return ""
