"""Roots for async code, and the workspaces that they make."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from scratchwork.aio.calls import call, stoppable
from scratchwork.aio.workspaces import Workspace, WorkspaceOpening
from scratchwork.roots import default, installing
from scratchwork.roots.root import Root as SyncRoot

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Self

    from scratchwork.roots.ledger import Ended
    from scratchwork.roots.placement import Placement
    from scratchwork.roots.quota import Enforcement, InForce, Quota
    from scratchwork.roots.records import Keep
    from scratchwork.roots.retention import Retention
    from scratchwork.roots.root import Found
    from scratchwork.roots.sweeping import Progress, Swept
    from scratchwork.roots.watching import OnExceeded
    from scratchwork.roots.workspace import Workspace as SyncWorkspace
    from scratchwork.system.trees import Usage


class _Stopped(Exception):
    """What ends a sweep whose caller was cancelled."""


class Root:
    """A private directory of one application, holding its workspaces. See `scratchwork.Root`.

    Making the object does nothing yet: the root is opened, and swept, when it is first needed. Tasks may share it.
    """

    def __init__(
        self,
        app: str,
        dir: str | os.PathLike[str] | None = None,
        *,
        retention: Retention | None = None,
        quota: Quota | int | str | None = None,
        sweep_first: bool = True,
    ) -> None:
        self._use(partial(SyncRoot, app, dir, retention=retention, quota=quota, sweep_first=sweep_first))

    @classmethod
    def at(cls, path: str | os.PathLike[str], *, sweep_first: bool = False) -> Self:
        """Use a root that exists, by its own path."""
        root = cls.__new__(cls)
        root._use(partial(SyncRoot.at, path, sweep_first=sweep_first))  # noqa: SLF001 - our own
        return root

    def _use(self, open_it: Callable[[], SyncRoot]) -> None:
        self._open = open_it
        self._lock = Lock()
        self._root: SyncRoot | None = None

    async def opened(self) -> SyncRoot:
        """Return the root as code that is not async has it, opened. Raises what opening one raises."""
        return await call(self._opened)

    def workspace(
        self,
        label: str = "job",
        *,
        keep: Keep = "never",
        quota: Quota | int | str | None = None,
        enforce: Enforcement = "metered",
        on_exceeded: OnExceeded | None = None,
        reserve: int | str | None = None,
        placement: Placement | str | None = None,
    ) -> WorkspaceOpening:
        """Make a workspace: `async with root.workspace("label") as ws`. See `scratchwork.Root.workspace`.

        With `enforce="watched"` and no `on_exceeded`, what exceeds the quota cancels the block, which then raises
        QuotaExceeded; without a block (`await`), `on_exceeded` must be given. It is called in a thread.
        """
        return _workspace(
            lambda: self._opened().workspace, label, keep, quota, enforce, on_exceeded, reserve, placement
        )

    async def workspaces(self) -> list[Found]:
        """Return what is in the root, the oldest first. Changes nothing."""
        return await call(lambda: self._opened().workspaces())

    async def sweep(
        self,
        *,
        dry_run: bool = False,
        seconds: float | None = None,
        progress: Progress | None = None,
    ) -> Swept:
        """Remove every workspace that nobody holds. See `scratchwork.Root.sweep`.

        `progress` is called in a thread. Cancelled, it returns at once; what is just being removed, is.
        """
        stopped = False

        def go_on(done: int, total: int) -> None:
            if stopped:
                raise _Stopped
            if progress is not None:
                progress(done, total)

        def stop() -> None:
            nonlocal stopped
            stopped = True

        return await stoppable(
            lambda: self._opened().sweep(dry_run=dry_run, seconds=seconds, progress=go_on), stop, waits=False
        )

    async def keep(self, name: str, reason: str = "asked for") -> None:
        """Keep a workspace. See `scratchwork.Root.keep`."""
        await call(lambda: self._opened().keep(name, reason))

    async def remove(self, name: str) -> Ended:
        """Remove a workspace that nobody holds. See `scratchwork.Root.remove`."""
        return await call(lambda: self._opened().remove(name), is_long=True)

    async def history(self) -> list[Ended]:
        """Return how workspaces ended, the oldest first."""
        return await call(lambda: self._opened().history())

    async def usage(self) -> Usage:
        """Walk all workspaces and return what they hold together."""
        return await call(lambda: self._opened().usage(), is_long=True)

    async def usage_of(self, name: str) -> Usage:
        """Walk one workspace and return what it holds."""
        return await call(lambda: self._opened().usage_of(name))

    async def limits_of(self, name: str) -> InForce | None:
        """Return the quota of one workspace, as it is enforced now."""
        return await call(lambda: self._opened().limits_of(name))

    def _opened(self) -> SyncRoot:
        with self._lock:
            if self._root is None:
                self._root = self._open()
            return self._root


def workspace(
    label: str = "job",
    *,
    keep: Keep = "never",
    quota: Quota | int | str | None = None,
    enforce: Enforcement = "metered",
    on_exceeded: OnExceeded | None = None,
    reserve: int | str | None = None,
    placement: Placement | str | None = None,
) -> WorkspaceOpening:
    """Make a workspace in the default root: `async with aio.workspace("label") as ws`. See `Root.workspace`."""
    return _workspace(lambda: default.workspace, label, keep, quota, enforce, on_exceeded, reserve, placement)


def _workspace(
    maker: Callable[[], Callable[..., SyncWorkspace]],
    label: str,
    keep: Keep,
    quota: Quota | int | str | None,
    enforce: Enforcement,
    on_exceeded: OnExceeded | None,
    reserve: int | str | None,
    placement: Placement | str | None,
) -> WorkspaceOpening:
    def make_it(cancel: OnExceeded | None) -> SyncWorkspace:
        return maker()(
            label,
            keep=keep,
            quota=quota,
            enforce=enforce,
            on_exceeded=on_exceeded or cancel,
            reserve=reserve,
            placement=placement,
        )

    return WorkspaceOpening(make_it, cancels=enforce == "watched" and on_exceeded is None)


async def install(app: str, **options: Any) -> Workspace:
    """Do what `scratchwork.install` does, with the same arguments."""
    return Workspace(await call(lambda: installing.install(app, **options)))
