"""What a process can do in a workspace whose lease it holds, whether it made it or joined it."""

from __future__ import annotations

import os

from scratchwork.roots.lending import lend
from scratchwork.roots.quota import open_in, stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from scratchwork.roots.lending import Loan
    from scratchwork.roots.merging import Part
    from scratchwork.roots.quota import Quota
    from scratchwork.roots.store import Store
    from scratchwork.system.trees import Usage


class Held:
    """A directory whose lease this process holds; an `os.PathLike`, and `ws / "name"` is a `pathlib.Path`.

    Threads may share it: each opens files of its own, since a file object is for one thread at a time.
    """

    __slots__ = ()

    @property
    def _store(self) -> Store:
        """The root that it lies in."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the directory in its root."""
        raise NotImplementedError

    def _ends(self) -> bool:
        """Whether its end has begun, as far as we know, or our hold on it is over."""
        raise NotImplementedError

    def fileno(self) -> int:
        """Return the lease's descriptor."""
        raise NotImplementedError

    @property
    def path(self) -> Path:
        """The absolute path of the directory."""
        from pathlib import Path

        return Path(os.fspath(self))

    @property
    def quota(self) -> Quota | None:
        """What it may hold by a quota of its own; None if it has none."""
        return stored(os.fspath(self))

    def usage(self) -> Usage:
        """Walk the workspace and return what it holds: files, directories, and bytes as `du` counts them."""
        return self._store.leases.measure(self.name)

    def open(
        self,
        name: str | os.PathLike[str],
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:  # noqa: ANN401 - the mode tells
        """Open a file in the workspace, as the built-in `open` does, so that its writes count against the quotas.

        A write that would exceed the quota of the workspace, or of its root, raises QuotaExceeded; what was written
        before it is intact. A file's length counts, holes included. What sits in a buffer counts when it is written,
        which is at once where less than 1 MiB is left. Raises ValueError for a name that leads out of the workspace,
        and what `open` raises. Safe in several threads and processes; after a fork, the child's writes count too.
        """
        return open_in(os.fspath(self), name, mode, buffering, encoding, errors, newline)

    def lend(self, name: str | os.PathLike[str]) -> Loan:
        """Lend a file or directory of the workspace to a reader, so that it does not go while it is read.

            with ws.lend("table.csv") as path:
                load(path)

        Whoever ends the workspace, in this process or in another, waits until the block has ended, and longer if a
        child has the loan's descriptor (`pass_fds=[ws.fileno(), loan.fileno()]`); for 30 seconds unless told otherwise
        (`cleanup(wait=...)`), and then removes it all the same, with a warning in the log that says what is still lent.
        The kernel gives back what a killed process had borrowed; at exit a process gives back its own.

        Counts from the call on, not from the block. Raises WorkspaceGone if the workspace has ended or is being
        removed, FileNotFoundError if there is nothing of that name, and ValueError for a name that leads out of it.
        Safe in several threads. A process that borrows in the very moment in which another one ends the workspace may
        find the file gone. What is deleted by its own name is not held back by this. On Windows only one can borrow at
        a time.
        """
        return lend(self._store.folder, self.name, name, self._ends)

    def merge(self, parts: Iterable[Part], into: str | os.PathLike[str]) -> Path:
        """Write the content of several files into one of the workspace, in their order, and return its path.

        `parts`: names in the workspace, paths, or open binary files, such as the spools of threads, which are read from
        their beginnings; nobody may write to them meanwhile. They stay. `into`: replaced in one step when it is whole,
        so it may be one of the parts, and whoever reads it sees the old one or the new one; for two merges into one
        file, in threads or processes, one is last. What is written counts against the quotas.

        Raises what opening, reading and writing raise, and QuotaExceeded; nothing is left of it then. ValueError for an
        `into` that leads out of the workspace.
        """
        from pathlib import Path

        from scratchwork.roots.merging import merge

        return Path(merge(os.fspath(self), parts, into))

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.path / name

    def __fspath__(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        return os.fspath(self)
