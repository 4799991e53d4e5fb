"""Paths as text: what they say, whatever lies there."""

from __future__ import annotations

import os


def within(tree: str, name: str | os.PathLike[str]) -> str:
    """Return the absolute path of what `name` means in a workspace.

    Raises ValueError for one that leads out, or to its top. It goes by the text alone: a symlink may lead elsewhere.
    """
    path = os.path.normpath(os.path.join(tree, name))
    if not path.startswith(tree + os.sep):
        raise ValueError(f"{os.fspath(name)!r} does not lie in the workspace {tree!r}")
    return path
