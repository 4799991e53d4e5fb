"""Paths of what lies in a tree."""

from __future__ import annotations

import os


def within(tree: str, name: str | os.PathLike[str]) -> str:
    """Return the absolute path of what `name` means in a workspace.

    It goes by the text: a symlink in the workspace may lead elsewhere. Where the text leads out, it goes by the real
    path of the folder that it names, since there may be several ways to a workspace. Raises ValueError for what lies
    elsewhere, and for the workspace's top itself.
    """
    path = os.path.normpath(os.path.join(tree, name))
    if path.startswith(tree + os.sep):
        return path
    folder, base = os.path.split(path)
    real, top = os.path.join(os.path.realpath(folder), base), os.path.realpath(tree)
    if base and real.startswith(top + os.sep):
        return tree + real.removeprefix(top)
    raise ValueError(f"{os.fspath(name)!r} does not lie in the workspace {tree!r}")


def stations(path: str) -> set[tuple[int, int]]:
    """Return the device and inode of all that a path leads through, to its end: directories, symlinks and their ways.

    Without any of them the path leads elsewhere, or nowhere. One that leads nowhere has its way up to there.
    """
    found: set[tuple[int, int]] = set()
    ways = [os.path.abspath(path)]
    while ways:
        part = ways.pop()
        while True:
            try:
                status = os.lstat(part)
            except (OSError, ValueError):
                status = None
            if status is not None and (status.st_dev, status.st_ino) not in found:
                found.add((status.st_dev, status.st_ino))
                if status.st_mode & 0o170000 == 0o120000:
                    ways.append(os.path.join(os.path.realpath(os.path.dirname(part)), os.readlink(part)))
            if part == (parent := os.path.dirname(part)):
                break
            part = parent
    return found
