"""Every error that scratchwork raises of its own, in one tree.

    ScratchError
    ├── InvalidLabel        (ValueError)         a label or an application's name that can't be used
    ├── InvalidSettings     (ValueError)         settings of `scratch lint` that mean nothing
    ├── UntrustedRoot       (PermissionError)    a root that is somebody else's, a symlink, or open to others
    ├── LocksUnsupported    (OSError, ENOLCK)    no kind of lock holds on that file system
    ├── WorkspaceGone       (FileNotFoundError)  no such workspace, or nobody holds it any more
    ├── WorkspaceAlive      (OSError, EBUSY)     somebody holds it, so it is not touched
    ├── CannotMakeWorkspace (OSError, as found)  no room, no inodes, no descriptors, read-only, ...
    ├── CannotKeep          (OSError, as found)  the note that says "keep this" could not be written
    ├── KeptInPart          (OSError, as found)  what was to be kept of a tmpfs did not come out, or not all of it
    ├── CannotPublish       (OSError, as found)  a result could not be moved to where it belongs
    │   └── DestinationExists (FileExistsError)  something has that name, and was not to be overwritten
    ├── SpoolFull           (OSError, EFBIG)     more was written to a spool than its cap allows
    ├── UploadTooLarge      (OSError, EFBIG)     a request's body is larger than its cap allows
    ├── QuotaExceeded       (OSError, EDQUOT)    more than a workspace's or a root's quota allows
    ├── CannotWatch         (PermissionError)    a directory is shut, so a quota can't be watched
    ├── CannotEnforce       (OSError, as found)  the kernel won't enforce a quota here
    ├── NoSuitablePlace     (OSError, ENOSPC)    no directory meets what was asked for
    ├── CommandFailed       (subprocess.CalledProcessError)  a command failed in a workspace; in `roots.commands`,
    │                                            since `subprocess` takes long to import
    ├── CannotTrace         a command that was to be traced can't be started; in `advice.tracing.running`
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


class InvalidSettings(ScratchError, ValueError):
    """Settings of the linter that mean nothing; `where` they stand: a path, or the command line."""

    def __init__(self, where: str, why: str) -> None:
        self.where = where
        super().__init__(f"{where}: {why}")


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


class KeptInPart(ScratchError, OSError):
    """What was to be kept could not be brought out of the kernel's hands, or not all of it; the rest is lost.

    `lost`: (path in the workspace, why) of each part; the path "." means all of it.
    """

    def __init__(self, path: str, lost: list[tuple[str, OSError]]) -> None:
        self.lost = lost
        first, cause = lost[0]
        names = "all of it" if first == os.curdir else ", ".join([repr(name) for name, _ in lost[:_MOST_NAMES]])
        more = f" and {len(lost) - _MOST_NAMES} more" if len(lost) > _MOST_NAMES else ""
        super().__init__(
            cause.errno, f"{explain(cause, path)}; what could not be kept, and is lost: {names}{more}", path
        )


class CannotPublish(ScratchError, OSError):
    """A result could not be moved to where it belongs.

    `filename` is the destination, `source` the path of the result (None for an open file), `step` says what failed:
    "check", "open the source", "copy", "set the mode", "sync", "link", "rename", "sync the folder", ... Source and
    destination stand as they were, unless `in_place`: then the destination is whole and new, and only what was to be
    done after that failed.
    """

    def __init__(
        self,
        destination: str,
        source: str | None,
        step: str,
        cause: OSError,
        *,
        in_place: bool = False,
        advice: str = "",
    ) -> None:
        self.source = source
        self.step = step
        self.in_place = in_place
        what = "the file" if source is None else source
        begin = f"{what} is in place here, but" if in_place else f"can't publish {what} here:"
        middle = "" if step == "check" else f" could not {step}:"
        why = cause.strerror or str(cause)
        advice = advice or _advice_on_publishing(cause, destination)
        super().__init__(cause.errno, f"{begin}{middle} {why}" + (f"; {advice}" if advice else ""), destination)


class DestinationExists(CannotPublish, FileExistsError):
    """Something has the name that was to be published under, and was not to be overwritten; both stand as before."""

    def __init__(self, destination: str, source: str | None, step: str) -> None:
        cause = OSError(errno.EEXIST, "something of that name exists")
        super().__init__(
            destination, source, step, cause, advice="remove it first, choose another name, or overwrite it"
        )


class SpoolFull(ScratchError, OSError):
    """More was to be written to a spool than its cap allows; nothing of it was."""

    def __init__(self, cap: int, size: int) -> None:
        self.cap = cap
        self.size = size
        super().__init__(errno.EFBIG, f"a spool with a cap of {cap} bytes would hold {size}; raise its cap", "<spool>")


class UploadTooLarge(ScratchError, OSError):
    """The body of a request is larger than the cap allows.

    `cap`: in bytes. `size`: what was announced, or else what has come so far, in bytes.
    """

    def __init__(self, cap: int, size: int) -> None:
        self.cap = cap
        self.size = size
        super().__init__(
            errno.EFBIG, f"a body of {size:,} bytes or more is over the cap of {cap:,}; raise the cap", "<upload>"
        )


class QuotaExceeded(ScratchError, OSError):
    """More than the quota of a workspace, or of a root, allows.

    `workspace`: the path of what has the quota. `used` and `limit`: in bytes, or, where `what` is "files", a number of
    files. `wanted`: what a write asked for besides; 0 where a watcher found it. What was written before is intact.
    """

    def __init__(self, workspace: str, used: int, limit: int, wanted: int = 0, what: str = "bytes") -> None:
        self.workspace = workspace
        self.used = used
        self.limit = limit
        self.wanted = wanted
        self.what = what
        more = f", and {wanted:,} more were asked for" if wanted else ""
        super().__init__(
            errno.EDQUOT,
            f"its quota of {limit:,} {what} is exceeded: {used:,} are used{more}; "
            "remove something in it, or give it a larger quota",
            workspace,
        )


class CannotWatch(ScratchError, PermissionError):
    """A directory in a tree with a watched quota is shut, so that nobody can say how much the tree holds."""

    def __init__(self, path: str) -> None:
        super().__init__(
            errno.EACCES,
            "its mode keeps us out, so the quota of what it lies in can't be watched; 'chmod u+rx' it, or do without a "
            "watched quota",
            path,
        )


class CannotEnforce(ScratchError, OSError):
    """The kernel won't enforce a quota here; `why` says what forbids it."""

    def __init__(self, path: str, number: int, why: str) -> None:
        self.why = why
        super().__init__(
            number, f"the kernel can't enforce a quota here: {why}; choose --enforce watched, or another machine", path
        )


class NoSuitablePlace(ScratchError, OSError):
    """No directory meets what was asked for; `refused` has (path, why) of each that was looked at."""

    def __init__(self, wanted: str, refused: list[tuple[str, str]]) -> None:
        self.refused = refused
        told = "; ".join(f"{path}: {why}" for path, why in refused)
        super().__init__(
            errno.ENOSPC,
            f"no place is suitable ({wanted}): {told or 'there is no candidate'}; make room, ask for less, "
            "or name another place (TMPDIR, --dir)",
            refused[0][0] if refused else os.curdir,
        )


class CleanupIncomplete(ScratchError, OSError):
    """Part of a workspace could not be removed; `failures` says what and why. A later sweep tries again."""

    def __init__(self, path: str, failures: list[Failure]) -> None:
        self.failures = failures
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(errno.ENOTEMPTY, f"could not be removed whole: {failures[0]}{more}", path)


_MOST_NAMES = 5

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


_ADVICE_ON_PUBLISHING = {
    errno.EDQUOT: "your disk quota is used up: remove something, or choose another destination",
    errno.EROFS: "choose a destination that can be written",
    errno.EMFILE: _ADVICE[errno.EMFILE],
    errno.ENFILE: _ADVICE[errno.ENFILE],
    errno.EACCES: "see who may write to the source, the destination and their folders",
    errno.EPERM: "see who owns the source, the destination and their folders",
    errno.ENOENT: "see that the source and the destination's folder exist",
    errno.ENOTDIR: "see that the folders in the path are directories",
    errno.ELOOP: "see where the symlinks in the path lead to",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EOPNOTSUPP: "choose a destination on another file system, or remove what is there and let it overwrite",
    errno.EBUSY: "see whether something is mounted there",
}


def _advice_on_publishing(cause: OSError, destination: str) -> str:
    if cause.errno == errno.ENOSPC:
        return f"{_spent(destination)}: remove something, or choose another destination"
    return _ADVICE_ON_PUBLISHING.get(cause.errno or 0, "")


def _no_room(path: str) -> str:
    return f"{_spent(path)}: run 'scratch sweep', remove something, or choose another place with TMPDIR or --dir"


def _spent(path: str) -> str:
    """Tell a full disk from one that has no inodes left; both are ENOSPC."""
    from scratchwork.system import mounts

    path = os.path.abspath(path)
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    try:
        inodes = mounts.space(path).free_inodes
    except OSError:
        inodes = None
    return "no inodes are left (see 'df -i')" if inodes == 0 else "the disk is full (see 'df -h')"
