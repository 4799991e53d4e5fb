"""A share in a workspace that another process made."""

from __future__ import annotations

import os

from scratchwork.errors import WorkspaceGone
from scratchwork.files import metering
from scratchwork.roots import labels
from scratchwork.roots.held import Held
from scratchwork.roots.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from scratchwork.system.leases import Lease


class Attached(Held):
    """A share in the lease of a workspace that another process made; a context manager and an `os.PathLike`."""

    __slots__ = ("_lease", "_name", "_path", "_root")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        parent, self._name = os.path.split(self._path)
        if labels.parse(self._name) is None:
            raise WorkspaceGone(self._path, "that is not the path of a workspace")
        try:
            self._root = Store(parent, create=False)
        except FileNotFoundError:
            raise WorkspaceGone(self._path) from None
        lease = self._root.leases.join(self._name)
        if lease is None:
            raise WorkspaceGone(self._path, "no such workspace, or nobody holds it any more")
        self._lease: Lease = lease
        metering.join(self._path)

    @property
    def _store(self) -> Store:
        return self._root

    @property
    def name(self) -> str:
        """The name of the directory in its root."""
        return self._name

    def _ends(self) -> bool:
        return self._lease.fileno() < 0

    def fileno(self) -> int:
        """Return the lease's descriptor; -1 after `release`."""
        return self._lease.fileno()

    def keep(self, reason: str = "asked for") -> None:
        """Ask for the workspace to be kept when it ends; its owner and every sweep heed that. Raises CannotKeep."""
        self._root.records.ask_to_keep(self._name, reason)

    def release(self) -> None:
        """Let go of the lease. Nothing is removed: that is up to the owner, or a sweep. Once is enough."""
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def __fspath__(self) -> str:
        return self._path

    def __repr__(self) -> str:
        return f"<Attached {self._path!r}>"
