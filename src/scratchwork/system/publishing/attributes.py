"""What a file has besides its content: mode, owner, group, extended attributes and ACLs, times."""

from __future__ import annotations

import errno
import os
import stat
import sys

assert sys.platform != "win32"

from scratchwork.system.facts import Fact

from . import modes
from .closing import close_quietly

if sys.platform == "linux":
    from .xattrs import linux as xattrs
else:
    from .xattrs import none as xattrs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .facts import Terms
    from .places import Destination

_READING = os.O_RDONLY | os.O_NONBLOCK


class Attributes(Fact):
    """What a file has, or is to have; None is 'as it is'.

    `strict`: whether all of it must be had, and no other extended attributes; else what we may not set is left out.
    """

    __slots__ = ("extended", "group", "mode", "owner", "strict")

    def __init__(
        self,
        mode: int,
        owner: int | None = None,
        group: int | None = None,
        extended: dict[str, bytes] | None = None,
        *,
        strict: bool = True,
    ) -> None:
        self.mode = mode
        self.owner = owner
        self.group = group
        self.extended = extended
        self.strict = strict

    def with_mode(self, mode: int) -> Attributes:
        """Return the same with another mode."""
        return Attributes(mode, self.owner, self.group, self.extended, strict=self.strict)


def read(fd: int, *, extended: bool = True, strict: bool = True) -> Attributes:
    """Return what an open file has."""
    status = os.fstat(fd)
    more = xattrs.read(fd) if extended else None
    return Attributes(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, more, strict=strict)


def write(fd: int, wanted: Attributes) -> None:
    """Give an open file what is wanted, never wider permissions than those on the way. Raises OSError."""
    status = os.fstat(fd)
    mode, now = wanted.mode, stat.S_IMODE(status.st_mode)
    changes_owner = wanted.owner is not None and (status.st_uid, status.st_gid) != (wanted.owner, wanted.group)
    if changes_owner or (wanted.extended is not None and xattrs.read(fd) != wanted.extended):
        now = _shut(fd, status.st_mode)
        if changes_owner and not _own(fd, wanted):
            mode &= 0o777  # not a set-user-id file of another user's
        if wanted.extended is not None:
            xattrs.write(fd, wanted.extended, mode, strict=wanted.strict)
        now = stat.S_IMODE(os.fstat(fd).st_mode)  # chown(2) and an ACL change it
    if now != mode:
        os.fchmod(fd, mode)


def wanted(
    terms: Terms, destination: Destination, *, directory: bool, executable: bool, carried: Attributes | None = None
) -> Attributes:
    """Return what to publish it with: what the replaced file has if that is to be inherited, else what is `carried`."""
    mode = modes.choose(terms.mode, destination.status, directory=directory, executable=executable)
    if terms.inherit and destination.status is not None:
        return _of_replaced(destination).with_mode(mode)
    return Attributes(mode) if carried is None else carried.with_mode(mode)


def is_executable(status: os.stat_result) -> bool:
    """Whether its owner may execute it."""
    return bool(status.st_mode & stat.S_IXUSR)


def set_times(fd: int, status: os.stat_result) -> None:
    """Give an open file the times of another."""
    os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))


def _of_replaced(destination: Destination) -> Attributes:
    if not xattrs.SUPPORTED:
        raise OSError(errno.ENOTSUP, "extended attributes and ACLs can't be inherited on this system")
    fd = destination.folder.open(destination.name, _READING)
    try:
        return read(fd)
    finally:
        close_quietly(fd)


def _shut(fd: int, mode: int) -> int:
    """Take everybody's permissions away but ours: on the way there, neither owner nor ACL fits the mode."""
    shut = 0o700 if stat.S_ISDIR(mode) else 0o600
    if stat.S_IMODE(mode) != shut:
        os.fchmod(fd, shut)
    return shut


def _own(fd: int, wanted: Attributes) -> bool:
    assert wanted.owner is not None
    assert wanted.group is not None
    try:
        os.fchown(fd, wanted.owner, wanted.group)
    except PermissionError:
        if wanted.strict:
            raise
        return False
    return True
