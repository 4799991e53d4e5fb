"""The directory of one job."""

from __future__ import annotations

import errno
import os

from scratchwork.errors import CannotKeep, CannotMakeWorkspace, WorkspaceGone
from scratchwork.files import metering
from scratchwork.roots import labels
from scratchwork.roots.quota import open_in, stored
from scratchwork.roots.records import POLICIES, Record
from scratchwork.roots.store import Store
from scratchwork.roots.tenure import Tenure, one_line, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    from scratchwork.roots.quota import Quota, Terms
    from scratchwork.roots.records import Keep
    from scratchwork.system.leases import Lease
    from scratchwork.system.trees import Usage

_MOST_TRIES = 10_000


class Workspace:
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
        same. Raises WorkspaceGone if nobody holds it, and UntrustedRoot as `Root` does.
        """
        return Attached(path)

    @property
    def path(self) -> Path:
        """The absolute path of the directory."""
        from pathlib import Path

        return Path(self._tenure.path)

    @property
    def label(self) -> str:
        """The label that it was made with, whole."""
        return self._tenure.label

    @property
    def name(self) -> str:
        """The name of the directory in its root."""
        return self._tenure.name

    @property
    def has_ended(self) -> bool:
        """Whether it was removed or kept by this process, or, in a forked child, let go of."""
        return self._tenure.is_over

    def fileno(self) -> int:
        """Return the lease's descriptor, to hand to a child that may outlive us: `pass_fds=[ws.fileno()]`."""
        return self._tenure.lease.fileno()

    @property
    def quota(self) -> Quota | None:
        """What it may hold by a quota of its own; None if it has none."""
        return stored(self._tenure.path)

    def usage(self) -> Usage:
        """Walk the workspace and return what it holds: files, directories, and bytes as `du` counts them."""
        return self._tenure.store.leases.measure(self._tenure.name)

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
        return open_in(self._tenure.path, name, mode, buffering, encoding, errors, newline)

    def keep(self, reason: str = "asked for") -> None:
        """Decide that the workspace is kept when it ends, however it ends, until its root's retention lets it go.

        It stays where it is. Raises CannotKeep if the note of it can't be written (a full disk).
        """
        self._tenure.mark_kept(reason)

    def cleanup(self, *, background: bool = False) -> None:
        """End the workspace now: remove it, or keep it if that was decided.

        With `background` its name is gone at once, and a thread, for which the interpreter waits at exit, removes the
        content; if the process is killed before that, a sweep does. Raises CleanupIncomplete if part of it can't be
        removed, which names the parts, and CannotKeep. Once is enough; more does no harm.
        """
        self._tenure.end(background=background)

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
        failure = "" if error is None or _is_success(error) else told(error)
        try:
            self._tenure.end(failure=failure)
        except OSError as problem:  # CleanupIncomplete, CannotKeep, or what the operating system says
            if error is None:
                raise
            import logging  # the block's own exception is on its way and matters more

            logging.getLogger("scratchwork").warning("%s", problem)

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.path / name

    def __fspath__(self) -> str:
        return self._tenure.path

    def __str__(self) -> str:
        return self._tenure.path

    def __repr__(self) -> str:
        return f"<Workspace {self._tenure.path!r}{' (ended)' if self._tenure.is_over else ''}>"

    def __del__(self) -> None:
        if not self._tenure.is_over:
            _end_forgotten(self._tenure, repr(self))


class Attached:
    """A share in the lease of a workspace that another process made; a context manager and an `os.PathLike`."""

    __slots__ = ("_lease", "_name", "_path", "_store")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        parent, self._name = os.path.split(self._path)
        if labels.parse(self._name) is None:
            raise WorkspaceGone(self._path, "that is not the path of a workspace")
        try:
            self._store = Store(parent, create=False)
        except FileNotFoundError:
            raise WorkspaceGone(self._path) from None
        lease = self._store.leases.join(self._name)
        if lease is None:
            raise WorkspaceGone(self._path, "no such workspace, or nobody holds it any more")
        self._lease: Lease = lease
        metering.join(self._path)

    @property
    def path(self) -> Path:
        """The absolute path of the directory."""
        from pathlib import Path

        return Path(self._path)

    def fileno(self) -> int:
        """Return the lease's descriptor; -1 after `release`."""
        return self._lease.fileno()

    @property
    def quota(self) -> Quota | None:
        """What it may hold by a quota of its own; None if it has none."""
        return stored(self._path)

    def usage(self) -> Usage:
        """Walk the workspace and return what it holds."""
        return self._store.leases.measure(self._name)

    def open(
        self,
        name: str | os.PathLike[str],
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:  # noqa: ANN401 - the mode tells
        """Open a file in the workspace, as `Workspace.open` does."""
        return open_in(self._path, name, mode, buffering, encoding, errors, newline)

    def keep(self, reason: str = "asked for") -> None:
        """Ask for the workspace to be kept when it ends; its owner and every sweep heed that. Raises CannotKeep."""
        ask_to_keep(self._store, self._name, reason)

    def release(self) -> None:
        """Let go of the lease. Nothing is removed: that is up to the owner, or a sweep. Once is enough."""
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def __truediv__(self, name: str | os.PathLike[str]) -> Path:
        return self.path / name

    def __fspath__(self) -> str:
        return self._path

    def __repr__(self) -> str:
        return f"<Attached {self._path!r}>"


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


def ask_to_keep(store: Store, name: str, reason: str) -> None:
    """Write the record that makes the owner of a living workspace, and every sweep, keep it. Raises CannotKeep."""
    record = store.records.read(name)
    parsed = labels.parse(name)
    label = record.label if record is not None else parsed.label if parsed else name
    try:
        store.records.write(name, Record(label, "always", why=one_line(reason)))
    except OSError as error:
        raise CannotKeep(os.path.join(store.path, name), error) from error


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
