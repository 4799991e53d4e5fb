"""Where the descriptors of this process lead."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DELETED = " (deleted)"

if sys.platform == "linux":
    FOLDER = "/proc/self/fd"

    def path_of(descriptor: int) -> str:
        """Return the path of an open file, the last that it had if it is deleted; '' if it has none."""
        try:
            path = os.readlink(f"{FOLDER}/{descriptor}")
        except OSError:  # closed
            return ""
        return path.removesuffix(_DELETED) if path.startswith("/") else ""

elif sys.platform == "darwin":
    import fcntl

    FOLDER = "/dev/fd"

    def path_of(descriptor: int) -> str:
        """Return the path of an open file, the last that it had if it is deleted; '' if it has none."""
        try:
            return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
        except OSError:  # closed, or no file
            return ""

else:
    FOLDER = ""

    def path_of(descriptor: int) -> str:  # noqa: ARG001 - the shape of the others
        """Return '': there is no telling here."""
        return ""


def descriptors() -> Iterator[tuple[int, str]]:
    """Yield the descriptors of this process that lead to files, with the paths; none where that can't be told."""
    for name in os.listdir(FOLDER) if FOLDER else ():
        path = path_of(int(name))
        if path:
            yield int(name), path


def absolute(name: str | bytes | os.PathLike[str] | os.PathLike[bytes], directory: int = -1) -> str:
    """Return the absolute path that a system call takes a name for, relative to the directory open as `directory`."""
    path = os.fsdecode(name)
    if directory >= 0 and not os.path.isabs(path):
        path = os.path.join(path_of(directory), path)
    return os.path.abspath(path)
