"""What a file system lets one user take: its per-user quota, by quotactl(2). Linux only; elsewhere none is seen."""

from __future__ import annotations

import os
import sys

from scratchwork.system import mounts
from scratchwork.system.facts import Fact

_Q_GETQUOTA = 0x800007
_USER = 0
_DQBLK = "8QI4x"  # struct dqblk of linux/quota.h, without padding left out
_BLOCK = 1024  # QIF_DQBLKSIZE: the limits are in blocks, what is used in bytes


class UserQuota(Fact):
    """What a user has on a file system, and may have: in bytes, and in inodes; a limit of 0 is none."""

    __slots__ = ("files", "limit", "limit_files", "used")

    def __init__(self, used: int, limit: int, files: int, limit_files: int) -> None:
        self.used = used
        self.limit = limit
        self.files = files
        self.limit_files = limit_files


if sys.platform == "linux":

    def user_quota(path: str) -> UserQuota | None:
        """Return our quota where a directory lies; None where there is none, or it can't be found out."""
        import ctypes
        import struct

        mount = mounts.mount_of(path)
        if mount is None or not mount.source.startswith("/"):
            return None
        answer = ctypes.create_string_buffer(struct.calcsize(_DQBLK))
        asked = _Q_GETQUOTA << 8 | _USER
        if ctypes.CDLL(None).quotactl(asked, os.fsencode(mount.source), os.geteuid(), answer) != 0:
            return None
        return read(answer.raw)

else:

    def user_quota(path: str) -> UserQuota | None:
        """Return None: it can't be seen here."""
        del path
        return None


def read(answer: bytes) -> UserQuota:
    """Return what a struct dqblk says: the lower of its soft and hard limits, which is what a job comes to feel."""
    import struct

    hard, soft, used, hard_files, soft_files, files, *_ = struct.unpack(_DQBLK, answer)
    return UserQuota(used, _lower(soft, hard) * _BLOCK, files, _lower(soft_files, hard_files))


def _lower(soft: int, hard: int) -> int:
    return min(limit for limit in (soft, hard) if limit) if soft or hard else 0
