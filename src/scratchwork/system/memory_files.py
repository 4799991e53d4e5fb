"""A file that lives in memory alone, and has a path all the same."""

from __future__ import annotations

import errno
import os
import sys

_WHY = "no file can be had here that lives in memory alone"


if sys.platform == "linux":

    def make() -> int:
        """Return the descriptor of an empty file, of mode 0600, that no file system holds (memfd_create(2)).

        Raises OSError.
        """
        descriptor = os.memfd_create("scratchwork", os.MFD_CLOEXEC)
        os.fchmod(descriptor, 0o600)
        return descriptor

    def path_of(descriptor: int) -> str:
        """Return a path that leads to a descriptor's file as long as this process has it open (proc(5)).

        For this user's processes, and root's. Raises OSError where there is no /proc.
        """
        try:
            path = f"/proc/{os.readlink('/proc/self')}/fd/{descriptor}"  # our pid, as that /proc has it
            is_ours = os.path.samestat(os.stat(path), os.fstat(descriptor))
        except OSError:
            path, is_ours = "/proc", False
        if not is_ours:
            raise OSError(errno.EOPNOTSUPP, f"{_WHY}: /proc is not mounted, or is another pid namespace's", path)
        return path

else:

    def make() -> int:
        """Raise OSError."""
        raise OSError(errno.EOPNOTSUPP, f"{_WHY}: only Linux has them")

    def path_of(descriptor: int) -> str:
        """Raise OSError."""
        raise OSError(errno.EOPNOTSUPP, f"{_WHY}: only Linux has them", str(descriptor))
