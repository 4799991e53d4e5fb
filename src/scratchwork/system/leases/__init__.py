"""The lease on a workspace: a kernel lock that says that it is alive, held by whoever has its descriptor.

Two kinds, behind one shape (`Leases`): the lock on the directory itself, and, where a directory can't be locked
(NFS, Windows), the lock on a file beside it. flock(2) locks belong to the open file description: the kernel
drops them when the last descriptor that shares it is closed, however its holder died, and a child that is
handed the descriptor keeps them. They are released by closing, never by LOCK_UN, which would free the lock for
all who share it.
"""

from __future__ import annotations

from .choosing import choose, probe
from .lease import REMOVED, Lease

__all__ = ["REMOVED", "Lease", "choose", "probe"]
