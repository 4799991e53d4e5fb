"""What a lease is, and the shape of both kinds."""

from __future__ import annotations

import os

FOREVER = float("inf")
"""No deadline."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, Protocol

    from scratchwork.system import trees

    LeaseKind = Literal["directory", "file"]

    class Leases(Protocol):
        """How the workspaces of one root are leased. Safe in several threads and processes."""

        kind: LeaseKind

        def take(self, name: str) -> Lease | None:
            """Make the directory `name`, alive; None if the name is taken or a sweeper won the race for it."""

        def join(self, name: str) -> Lease | None:
            """Share the lease of a living workspace; None if nobody holds it or somebody is removing it."""

        def seize(self, name: str) -> Lease | None:
            """Get a workspace that nobody holds, for oneself alone; None if it is alive.

            Raises FileNotFoundError if it is gone, and OSError if it can't be told; that counts as alive.
            """

        def workspace_of(self, name: str) -> str | None:
            """Return the name of the workspace to which an entry of the root belongs as its lease; else None."""

        def remove_empty(self, name: str, lease: Lease) -> bool:
            """Remove a workspace whose lease one holds if nothing is in it; else return False."""

        def remove(self, name: str, lease: Lease, deadline: float) -> trees.Removal:
            """Remove a workspace whose lease one holds, and its lease with it."""

        def measure(self, name: str, deadline: float = FOREVER) -> trees.Usage:
            """Return what a workspace takes. Raises OSError, and TimeoutError past the deadline."""


REMOVED = ".gone"
"""What a workspace's name ends with once its owner has handed its removal to the background."""


class Lease:
    """A lock that is held as long as this descriptor, or a copy of it in any process, is open."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """Return the descriptor, for handing on to a child (`pass_fds`); -1 after `release`."""
        return self._fd

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Close the descriptor. Once is enough; more does no harm."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
