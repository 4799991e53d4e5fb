"""Every error that scratchwork raises of its own, in one tree.

    ScratchError
    ├── InvalidLabel        (ValueError)         a label or an application's name that can't be used
    ├── UntrustedRoot       (PermissionError)    a root that is somebody else's, a symlink, or open to others
    ├── LocksUnsupported    (OSError, ENOLCK)    no kind of lock holds on that file system
    ├── WorkspaceGone       (FileNotFoundError)  no such workspace, or nobody holds it any more
    ├── WorkspaceAlive      (OSError, EBUSY)     somebody holds it, so it is not touched
    ├── CannotMakeWorkspace (OSError, as found)  no room, no inodes, no descriptors, read-only, ...
    ├── CannotKeep          (OSError, as found)  the note that says "keep this" could not be written
    └── CleanupIncomplete   (OSError)            part of a workspace could not be removed

Each is also the built-in error that a caller would expect, with `errno` and `filename` set where it is an
OSError, and its message says what to do.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.system.trees import Failure


class ScratchError(Exception):
    """What all errors of scratchwork have in common: a message that begins with the path, and says what to do."""

    def __str__(self) -> str:
        if isinstance(self, OSError):
            return f"{self.filename}: {self.strerror}"
        return super().__str__()


class InvalidLabel(ScratchError, ValueError):
    """A label, or an application's name, that can't be used."""


class UntrustedRoot(ScratchError, PermissionError):
    """A root that others could meddle with: somebody else's, a symlink, or open to group or world."""

    def __init__(self, path: str, why: str, advice: str) -> None:
        self.why = why
        self.advice = advice
        super().__init__(errno.EPERM, f"not a safe place for scratch space: {why}; {advice}", path)


class LocksUnsupported(ScratchError, OSError):
    """No kind of lock holds on the file system of a root, so nobody could tell what is alive there."""

    def __init__(self, path: str) -> None:
        super().__init__(
            errno.ENOLCK,
            "locks do not work on this file system, so nobody could tell what is alive there; "
            "choose another directory (dir=, --dir or TMPDIR)",
            path,
        )


class WorkspaceGone(ScratchError, FileNotFoundError):
    """No such workspace, or one that nobody holds any more, so that it may be removed at any moment."""

    def __init__(self, path: str, why: str = "no such workspace") -> None:
        super().__init__(errno.ENOENT, f"{why}; 'scratch ls' shows what there is", path)


class WorkspaceAlive(ScratchError, OSError):
    """A workspace that somebody holds; it is not touched."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "a running process holds it; 'scratch ls' shows which, end that first", path)


class CannotMakeWorkspace(ScratchError, OSError):
    """The operating system refused; `errno` says why."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(cause.errno, f"can't make a workspace: {explain(cause, path)}", path)


class CannotKeep(ScratchError, OSError):
    """The note that says that a workspace is to be kept could not be written."""

    def __init__(self, path: str, cause: OSError) -> None:
        super().__init__(cause.errno, f"can't mark it as kept: {explain(cause, path)}", path)


class CleanupIncomplete(ScratchError, OSError):
    """Part of a workspace could not be removed; `failures` says what and why. A later sweep tries again."""

    def __init__(self, path: str, failures: list[Failure]) -> None:
        self.failures = failures
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(errno.ENOTEMPTY, f"could not be removed whole: {failures[0]}{more}", path)


_ADVICE = {
    errno.EDQUOT: "your disk quota is used up: remove something, or choose another place with TMPDIR or --dir",
    errno.EROFS: "choose a place that can be written, with TMPDIR or --dir",
    errno.EMFILE: "this process has too many files open: close some, or raise the limit (ulimit -n)",
    errno.ENFILE: "the whole machine has too many files open: end some programs, or raise fs.file-max",
    errno.EACCES: "choose a place that you may write to, with TMPDIR or --dir",
    errno.EPERM: "choose a place that you may write to, with TMPDIR or --dir",
    errno.ENOENT: "choose a place that exists, with TMPDIR or --dir",
    errno.ENOTDIR: "choose a place that is a directory, with TMPDIR or --dir",
}


def explain(error: OSError, path: str) -> str:
    """Return what happened and, where something is known, what to do about it."""
    what = error.strerror or str(error)
    advice = _no_room(path) if error.errno == errno.ENOSPC else _ADVICE.get(error.errno or 0)
    return f"{what}; {advice}" if advice else what


def _no_room(path: str) -> str:
    """Tell a full disk from one that has no inodes left; both are ENOSPC."""
    from scratchwork.system import mounts

    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    try:
        inodes = mounts.space(path).free_inodes
    except OSError:
        inodes = None
    spent = "no inodes are left (see 'df -i')" if inodes == 0 else "the disk is full (see 'df -h')"
    return f"{spent}: run 'scratch sweep', remove something, or choose another place with TMPDIR or --dir"
