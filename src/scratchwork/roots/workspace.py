"""The directory of one job."""

from __future__ import annotations

import errno
import os

from scratchwork.errors import CannotMakeWorkspace
from scratchwork.roots import labels
from scratchwork.roots.attached import Attached
from scratchwork.roots.held import Held
from scratchwork.roots.lending import PATIENCE
from scratchwork.roots.records import POLICIES
from scratchwork.roots.tenure import Tenure, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import CompletedProcess
    from types import TracebackType
    from typing import IO, Any, Self

    from scratchwork.roots.commands import Output
    from scratchwork.roots.lending import Loan
    from scratchwork.roots.quota import Terms
    from scratchwork.roots.records import Keep
    from scratchwork.roots.store import Store

_MOST_TRIES = 10_000


class Workspace(Held):
    """The directory of one job, leased: alive as long as a process that holds its lease runs.

    Made by `Root.workspace()`. Use it as a context manager; one that is not ended is removed when it is collected as
    garbage, or when the interpreter exits, with a ResourceWarning, as `tempfile.TemporaryDirectory` does.

    It is an `os.PathLike`, and `ws / "name"` is a `pathlib.Path`. Threads may share it. In a forked child it goes on
    being alive, but the child never removes it: `cleanup()` there only lets go of the child's share of the lease. After
    kill -9 the next sweep removes it, or keeps it where `keep` is "failure" or "always".
    """

    __slots__ = ("__weakref__", "_tenure")

    def __init__(self, tenure: Tenure) -> None:
        self._tenure = tenure

    @staticmethod
    def attach(path: str | os.PathLike[str]) -> Attached:
        """Join a living workspace that another process made, so that it lives as long as either holds it.

        It protects against the death of the owner, not against its will: the owner's `cleanup()` removes it all the
        same, but waits for what is lent (`Attached.lend`). Raises WorkspaceGone if nobody holds it, and UntrustedRoot
        as `Root` does.
        """
        return Attached(path)

    @property
    def _store(self) -> Store:
        return self._tenure.store

    @property
    def name(self) -> str:
        """The name of the directory in its root."""
        return self._tenure.name

    def _ends(self) -> bool:
        return self._tenure.is_over

    def lend(self, name: str | os.PathLike[str]) -> Loan:  # noqa: D102 - said in Held
        self._tenure.has_lent = True
        return super().lend(name)

    @property
    def label(self) -> str:
        """The label that it was made with, whole."""
        return self._tenure.label

    @property
    def has_ended(self) -> bool:
        """Whether it was removed or kept by this process, or, in a forked child, let go of."""
        return self._tenure.is_over

    def fileno(self) -> int:
        """Return the lease's descriptor, to hand to a child that may outlive us: `pass_fds=[ws.fileno()]`."""
        return self._tenure.lease.fileno()

    def run(
        self,
        arguments: Sequence[str | os.PathLike[str]],
        *,
        check: bool = True,
        input: bytes | str | None = None,  # noqa: A002 - subprocess's word
        stdin: int | IO[Any] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        encoding: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        grace: float = 5.0,
    ) -> CompletedProcess[Any]:
        """Run a command in the workspace to its end, as `subprocess.run` does, and return how it ended.

        It starts in the workspace (`cwd`: elsewhere, relative to it), with TMPDIR and the like leading there, and holds
        the lease, so that the workspace lives as long as it does. It is given to no shell. It leads a process group of
        its own: what it leaves running there is ended with it (SIGTERM, and SIGKILL after `grace` seconds), and ctrl-C
        reaches it through us alone. It reads `input` (text as UTF-8, or as `encoding` says), or `stdin`, which is empty
        by default and no terminal. `env`: its environment, by default ours; the workspace's variables are added to it.

        `stdout`, `stderr`: the name of a file in the workspace, to which the output goes, and whose path the result
        has; or what `subprocess` knows (PIPE, STDOUT, DEVNULL, a file); by default ours. With `encoding` what a pipe
        gave is text, else bytes. A pipe is read until the command has ended; what it leaves running with the pipe open
        is ended, and after the grace time not waited for.

        With `check`, a status other than 0 raises CommandFailed, and the workspace is kept when it ends, whatever its
        policy, so that somebody can look; without, the result has the status. `timeout`: in seconds, after which it is
        ended, the workspace is kept, and subprocess.TimeoutExpired raised. A watched quota that is exceeded meanwhile
        ends it, and QuotaExceeded is raised; what the metered one counts of a command's own writes, `Workspace.open`
        says. Any exception that comes while it runs, KeyboardInterrupt too, ends it first.

        On Linux "all that it started" is what is in its process group, and what had left the group when it was told to
        end; elsewhere the group. Raises WorkspaceGone if the workspace has ended, FileNotFoundError and PermissionError
        if there is no such command or it can't be executed, TypeError for a command in one string. What it does not
        read of `input` is dropped. Safe in several threads. If we are killed it runs on, and holds the workspace.
        """
        from scratchwork.roots.commands import Command

        return Command(
            self._tenure,
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
        ).run()

    def keep(self, reason: str = "asked for") -> None:
        """Decide that the workspace is kept when it ends, however it ends, until its root's retention lets it go.

        It stays where it is. Raises CannotKeep if the note of it can't be written (a full disk), and WorkspaceGone if
        it has ended.
        """
        self._tenure.mark_kept(reason)

    def cleanup(self, *, background: bool = False, wait: float = PATIENCE) -> None:
        """End the workspace now: remove it, or keep it if that was decided.

        With `background` its name is gone at once, and a thread, for which the interpreter waits at exit, removes the
        content; if the process is killed before that, a sweep does. `wait`: the seconds that what is lent is waited for
        (see `lend`; in the background with `background`, the name goes after that). Raises CleanupIncomplete if part of
        it can't be removed, which names the parts, and CannotKeep. Once is enough; more does no harm.
        """
        self._tenure.end(background=background, wait=wait)

    def last_look(self) -> OSError | None:
        """Watch its quota no more, and return what a last look finds: QuotaExceeded, or what kept us from looking.

        For supervisors: what a command writes just before its end is found too.
        """
        return None if self._tenure.watcher is None else self._tenure.watcher.finish()

    def end(self, failure: str = "") -> None:
        """End the workspace as `cleanup` does, telling whether the job failed: with `keep="failure"` that keeps it.

        `failure`: what went wrong, '' if nothing did. For supervisors; a `with` block tells it by itself.
        """
        self._tenure.end(failure=failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None, *, background: bool = False) -> None:
        """End the workspace at the end of a block, which `error` leaves."""
        failure = "" if error is None or _is_success(error) else told(error)
        try:
            self._tenure.end(failure=failure, background=background)
        except OSError as problem:  # CleanupIncomplete, CannotKeep, or what the operating system says
            if error is None:
                raise
            import logging  # the block's own exception is on its way and matters more

            logging.getLogger("scratchwork").warning("%s", problem)

    def __fspath__(self) -> str:
        return self._tenure.path

    def __repr__(self) -> str:
        return f"<Workspace {self._tenure.path!r}{' (ended)' if self._tenure.is_over else ''}>"

    def __del__(self) -> None:
        if not self._tenure.is_over:
            _end_forgotten(self._tenure, repr(self))


def make(store: Store, label: str, keep: Keep, terms: Terms | None = None) -> Workspace:
    """Make a workspace in a root.

    Raises InvalidLabel, ValueError for an unknown policy, FileNotFoundError if the root itself is gone, and
    CannotMakeWorkspace with the operating system's reason.
    """
    short = labels.shown(label)
    if keep not in POLICIES:
        raise ValueError(f"keep is one of {', '.join(POLICIES)}, not {keep!r}")
    if store.keeps_all:
        keep = "always"
    pid = os.getpid()
    take = store.leases.take
    try:
        lease = take(name := labels.compose(short, pid))
        tries = _MOST_TRIES
        while lease is None:
            lease = take(name := labels.compose(short, pid))
            tries -= 1
            if tries == 0:
                raise OSError(errno.EAGAIN, "each one made was swept away before it could be locked")
        tenure = Tenure(store, name, label, keep, lease, pid)
        if keep != "never" or short != label or terms is not None:
            _prepare(tenure, terms, has_record=keep != "never" or short != label)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CannotMakeWorkspace(store.path, error) from error
    return Workspace(tenure)


def _prepare(tenure: Tenure, terms: Terms | None, *, has_record: bool) -> None:
    """Write what lies beside a workspace that is not an ordinary one, and see to its quota."""
    try:
        if has_record:
            tenure.note()
        if terms is not None:
            terms.put_in_force(tenure)
    except BaseException:
        tenure.keep = "never"
        tenure.end()
        raise


def _is_success(error: BaseException) -> bool:
    """Whether an exception that leaves the block means that all is well."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in {None, 0})


def _end_forgotten(tenure: Tenure, shown: str) -> None:
    try:
        tenure.end()
    except OSError as problem:
        import logging

        logging.getLogger("scratchwork").warning("%s", problem)
    if tenure.maker == os.getpid():
        import warnings  # last, since a warning may be made an error

        warnings.warn(f"Implicitly cleaning up {shown}", ResourceWarning, stacklevel=3)
