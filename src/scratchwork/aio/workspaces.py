"""Workspaces for async code: scratchwork's own, called in threads."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import CancelScope, Path

from scratchwork.aio.calls import call, finish, from_any_thread, make, stoppable
from scratchwork.aio.files import File, opening
from scratchwork.aio.opening import Opening
from scratchwork.roots.attached import Attached as SyncAttached
from scratchwork.roots.commands import Command
from scratchwork.roots.lending import PATIENCE
from scratchwork.roots.lending import Loan as SyncLoan
from scratchwork.roots.workspace import Workspace as SyncWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import IO

    from scratchwork import Quota, Usage
    from scratchwork.roots.commands import Output
    from scratchwork.roots.held import Held as SyncHeld
    from scratchwork.roots.merging import Part
    from scratchwork.roots.watching import OnExceeded

H = TypeVar("H", bound="SyncHeld")


class Loan:
    """Something in a workspace that is in use, see `scratchwork.Loan`."""

    def __init__(self, loan: SyncLoan) -> None:
        self._loan = loan

    @property
    def path(self) -> Path:
        """The absolute path of what is lent."""
        return Path(self._loan.path)

    def fileno(self) -> int:
        """Return a descriptor to hand to a child that reads on when we are done."""
        return self._loan.fileno()

    async def release(self) -> None:
        """Give it back. Once is enough."""
        await finish(self._loan.release)

    async def leave(self, error: BaseException | None) -> None:
        """Give it back at the end of a block."""
        del error
        await self.release()

    def __fspath__(self) -> str:
        return os.fspath(self._loan.path)


class Held(Generic[H]):
    """What can be done in a workspace whose lease this process holds: an `os.PathLike`; `ws / name` is an `anyio.Path`.

    Tasks may share it; each opens files of its own.
    """

    def __init__(self, wrapped: H) -> None:
        self.wrapped = wrapped
        """The workspace as code that is not async has it."""

    @property
    def path(self) -> Path:
        """The absolute path of the directory."""
        return Path(os.fspath(self.wrapped))

    @property
    def name(self) -> str:
        """The name of the directory in its root."""
        return self.wrapped.name

    def fileno(self) -> int:
        """Return the lease's descriptor, to hand to a child that may outlive us."""
        return self.wrapped.fileno()

    async def quota(self) -> Quota | None:
        """Return what it may hold by a quota of its own; None if it has none."""
        return await call(lambda: self.wrapped.quota)

    async def usage(self) -> Usage:
        """Walk the workspace and return what it holds."""
        return await call(self.wrapped.usage, is_long=True)

    def open(
        self,
        name: str | os.PathLike[str],
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Opening[File]:
        """Open a file in the workspace, whose writes count against the quotas: `async with ws.open(...) as file`."""
        return opening(lambda: self.wrapped.open(name, mode, buffering, encoding, errors, newline))

    def lend(self, name: str | os.PathLike[str]) -> Opening[Loan]:
        """Lend a file or directory to a reader: `async with ws.lend(name) as path`. See `scratchwork.Workspace.lend`.

        What ends the workspace does not block: it goes in the background, when what is lent was given back.
        """
        return Opening(lambda: Loan(self.wrapped.lend(name)), lambda loan: loan._loan.release())  # noqa: SLF001 - our own

    async def merge(self, parts: Iterable[Part | File], into: str | os.PathLike[str]) -> Path:
        """Write the content of several files into one, in their order. See `scratchwork.Workspace.merge`."""
        opened = [part.wrapped if isinstance(part, File) else part for part in parts]
        return Path(await call(lambda: self.wrapped.merge(opened, into), is_long=True))

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.path / name

    def __fspath__(self) -> str:
        return os.fspath(self.wrapped)

    def __str__(self) -> str:
        return os.fspath(self.wrapped)

    def __repr__(self) -> str:
        return repr(self.wrapped)


class Attached(Held[SyncAttached]):
    """A share in the lease of a workspace that another process made."""

    async def keep(self, reason: str = "asked for") -> None:
        """Ask for the workspace to be kept when it ends."""
        await call(lambda: self.wrapped.keep(reason))

    async def release(self) -> None:
        """Let go of the lease. Once is enough."""
        await finish(self.wrapped.release)

    async def leave(self, error: BaseException | None) -> None:
        """Let go of the lease at the end of a block."""
        del error
        await self.release()


class Workspace(Held[SyncWorkspace]):
    """The directory of one job, leased. See `scratchwork.Workspace`."""

    @staticmethod
    def attach(path: str | os.PathLike[str]) -> Opening[Attached]:
        """Join a living workspace that another process made: `async with Workspace.attach(path) as ws`."""
        return Opening(lambda: Attached(SyncAttached(path)), lambda made: made.wrapped.release())

    @property
    def label(self) -> str:
        """The label that it was made with, whole."""
        return self.wrapped.label

    @property
    def has_ended(self) -> bool:
        """Whether it was removed or kept by this process."""
        return self.wrapped.has_ended

    async def run(
        self,
        arguments: Sequence[str | os.PathLike[str]],
        *,
        check: bool = True,
        input: bytes | str | None = None,
        stdin: int | IO[Any] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        encoding: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - subprocess's word: it ends the command, too
        grace: float = 5.0,
    ) -> CompletedProcess[Any]:
        """Run a command in the workspace to its end. See `scratchwork.Workspace.run`.

        Cancelled, it ends the command with all that it started, SIGTERM, and SIGKILL after `grace` seconds, and waits
        for that.
        """
        command = Command(
            self.wrapped._tenure,  # noqa: SLF001 - our own
            arguments,
            check=check,
            input=input,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            encoding=encoding,
            env=env,
            cwd=cwd,
            timeout=timeout,
            grace=grace,
        )
        return await stoppable(command.run, lambda: command.stop(_Cancelled()))

    async def keep(self, reason: str = "asked for") -> None:
        """Decide that the workspace is kept when it ends. Raises CannotKeep."""
        await call(lambda: self.wrapped.keep(reason))

    async def cleanup(self, *, background: bool = True, wait: float = PATIENCE) -> None:
        """End the workspace now, whatever is cancelled meanwhile: its name is gone then, or it is kept.

        The content goes in the background, for which only the interpreter's exit waits; without `background`, this
        does. See `scratchwork.Workspace.cleanup`.
        """
        await finish(lambda: self.wrapped.cleanup(background=background, wait=wait), is_long=True)

    async def leave(self, error: BaseException | None) -> None:
        """End the workspace at the end of a block that `error` leaves, in the background."""
        await finish(lambda: self.wrapped._leave(error, background=True))  # noqa: SLF001 - our own


class _Cancelled(Exception):
    """Why a command was stopped whose caller was cancelled."""


class WorkspaceOpening(Opening[Workspace]):
    """What makes a workspace; for a block, it watches its quota as well."""

    def __init__(self, make_it: Callable[[OnExceeded | None], SyncWorkspace], *, cancels: bool) -> None:
        """`cancels`: what exceeds the quota cancels the block, which then raises QuotaExceeded."""
        self._make_it = make_it
        self._scope = CancelScope() if cancels else None
        self._exceeded: OSError | None = None
        super().__init__(lambda: Workspace(make_it(None)), _unmake)

    async def __aenter__(self) -> Workspace:
        if self._scope is None:
            return await super().__aenter__()
        soon, scope = from_any_thread(), self._scope

        def cancel(error: OSError) -> None:
            self._exceeded = error
            with suppress(RuntimeError):  # then the loop has ended, and the block with it
                soon(scope.cancel)

        self._opened = await make(lambda: Workspace(self._make_it(cancel)), _unmake)
        scope.__enter__()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        exceeded = None
        try:
            if self._scope is not None and self._scope.__exit__(kind, error, traceback):
                error = exceeded = self._exceeded
        finally:
            await self._opened.leave(error)
        if exceeded is not None:
            raise exceeded


def _unmake(made: Workspace) -> None:
    made.wrapped.cleanup()
