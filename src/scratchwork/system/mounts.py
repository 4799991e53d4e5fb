"""What a directory stands on: its file system's type, and how much room is left on it."""

from __future__ import annotations

import os

from scratchwork.system.facts import Fact

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


class Space(Fact):
    """Room on a file system, for us: in bytes, and in inodes (None where it does not count them)."""

    __slots__ = ("free_bytes", "free_inodes", "total_bytes")

    def __init__(self, total_bytes: int, free_bytes: int, free_inodes: int | None) -> None:
        self.total_bytes = total_bytes
        self.free_bytes = free_bytes
        self.free_inodes = free_inodes


class Mount(Fact):
    """A file system where it is mounted, as /proc/self/mountinfo tells it (proc(5)).

    `root`: which of its directories is mounted at `point`. `device`: its numbers, as "8:1". `options`: those of the
    mount and of the file system.
    """

    __slots__ = ("device", "options", "point", "root", "source", "type")

    def __init__(
        self,
        point: str,
        type: str,  # noqa: A002 - mount(8)'s word
        source: str,
        options: frozenset[str],
        root: str = "/",
        device: str = "",
    ) -> None:
        self.root = root
        self.device = device
        self.point = point
        self.type = type
        self.source = source
        self.options = options

    @property
    def is_in_memory(self) -> bool:
        """Whether what lies there takes memory, and is gone after a restart."""
        return self.type in _IN_MEMORY


def space(path: str) -> Space:
    """Return the room on the file system of `path`. Raises OSError as statvfs(3) does."""
    if not hasattr(os, "statvfs"):
        import shutil  # Windows

        total, _, free = shutil.disk_usage(path)
        return Space(total, free, None)
    found = os.statvfs(path)
    inodes = found.f_favail if found.f_files else None  # btrfs and others make inodes as they need them
    return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, inodes)


def mount_of(path: str) -> Mount | None:
    """Return the mount on which `path` stands; None where the system has no mountinfo (macOS, Windows)."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            mounts = [_parse(line) for line in table]
    except OSError:
        return None
    real = os.path.realpath(path)
    # Of two mounts on one point the later one covers the earlier, so the last of the longest wins.
    best = None
    for mount in mounts:
        if _contains(mount.point, real) and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _contains(point: str, path: str) -> bool:
    return point in {"/", path} or path.startswith(point + "/")


def _parse(line: str) -> Mount:
    before, after = line.split(" - ", 1)
    fields, (kind, source, *more) = before.split(), after.split()
    options = frozenset(",".join([fields[5], *more]).split(","))
    return Mount(unescape(fields[4]), kind, unescape(source), options, unescape(fields[3]), fields[2])


def unescape(text: str) -> str:
    """Undo the octal escapes of space, tab, newline and backslash."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
