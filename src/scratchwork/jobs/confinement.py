"""A workspace whose quota the kernel enforces: a tmpfs of exactly that size, which the job and we alone see.

We cover the root, for us and the job, with a small tmpfs, so that the workspace is nowhere outside and nothing of it
stays when all of us are killed; in it lies the workspace, a tmpfs of the quota's size. When the job is done, results
are brought out, and what is to be kept becomes an ordinary kept workspace of the root.
"""

from __future__ import annotations

import errno
import os
import sys
import time

assert sys.platform != "win32"

from scratchwork.errors import CannotEnforce, KeptInPart
from scratchwork.roots import labels
from scratchwork.roots.ledger import Ended
from scratchwork.system import locks, private_tmpfs, words
from scratchwork.system.memory import memory
from scratchwork.system.publishing.tree_copies import copy_what_fits
from scratchwork.system.trees import measure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from scratchwork.roots.quota import Quota
    from scratchwork.roots.records import Keep
    from scratchwork.roots.root import Root

_COVER = 16 * private_tmpfs.PAGE
_COVER_INODES = 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Confined:
    """A workspace in a private tmpfs; an `os.PathLike`. One a process, which must have one thread."""

    def __init__(self, root: Root, label: str, keep: Keep, quota: Quota) -> None:
        """Make it. Raises CannotEnforce, InvalidLabel and OSError."""
        self._root = root
        self._label = label
        self._keep: Keep = "always" if root.keeps_all else keep
        self._since = time.monotonic()
        self._name = labels.compose(labels.shown(label), os.getpid())
        self._path = os.path.join(root.path, self._name)
        self._why = ""
        self.is_kept = False
        size = _size(quota, self._path)
        try:
            private_tmpfs.enter()
            private_tmpfs.mount(root.path, _COVER, _COVER_INODES)
            os.mkdir(self._path, 0o700)
            private_tmpfs.mount(self._path, size, quota.files)
        except OSError as error:
            raise CannotEnforce(root.path, error.errno or errno.EPERM, error.strerror or str(error)) from error
        self._fd = os.open(self._path, _DIRECTORY)
        locks.shared(self._fd)  # for those in the job who ask whether it is alive

    def fileno(self) -> int:
        """Return the lease's descriptor."""
        return self._fd

    def __fspath__(self) -> str:
        return self._path

    def keep(self, reason: str) -> None:
        """Decide that it is kept when it ends."""
        self._keep, self._why = "always", reason

    def last_look(self) -> OSError | None:
        """Return None: the kernel has seen to it."""

    def end(self, failure: str = "") -> None:
        """Bring it out if it is to be kept; the rest goes with us. Raises KeptInPart, which names what is lost."""
        usage = measure(self._fd)
        if self._keep == "always" or (failure and self._keep == "failure"):
            self._bring_out(self._why or failure or "asked for")
        else:
            seconds = time.monotonic() - self._since
            self._root.enter(
                Ended(
                    self._label,
                    "cleaned",
                    usage.files,
                    usage.bytes,
                    seconds,
                    os.getpid(),
                    "",
                    self._name,
                    time.time(),
                )
            )

    def _bring_out(self, why: str) -> None:
        """Copy it into an ordinary workspace; of one that does not fit, as much as does. Raises KeptInPart."""
        try:
            private_tmpfs.uncover(self._root.path)  # what is mounted there stays, as we have it open
            outside = self._root.workspace(self._label, keep="always")
        except OSError as error:
            raise KeptInPart(self._path, [(os.curdir, error)]) from error
        self._path = os.fspath(outside)
        lost: list[tuple[str, OSError]] = []
        try:
            outside.keep(why)
            target = os.open(outside, _DIRECTORY)
            try:
                lost = copy_what_fits(self._fd, target)
            finally:
                os.close(target)
            if lost:
                outside.keep(f"{why}; not all of it fitted")
        except OSError as error:
            lost = lost or [(os.curdir, error)]
        finally:
            outside.end()
            self.is_kept = True
        if lost:
            raise KeptInPart(self._path, lost)


def _size(quota: Quota, path: str) -> int:
    """Return the size of the tmpfs: the quota, in whole pages. Raises CannotEnforce."""
    size = (quota.bytes or 0) // private_tmpfs.PAGE * private_tmpfs.PAGE
    if size == 0:
        raise CannotEnforce(
            path, errno.EINVAL, f"its quotas have whole pages of {private_tmpfs.PAGE} bytes, and at least one"
        )
    there = memory()
    if there is not None and there.available + there.free_swap < size:
        free = there.available + there.free_swap
        raise CannotEnforce(
            path, errno.ENOMEM, f"it lives in memory, of which {words.size(free)} of {words.size(size)} are free"
        )
    return size
